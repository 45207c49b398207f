#include "engine/clock_probe.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "engine/need.h"
#include "trace/stats.h"

namespace engine {

using kernels::ClockArgs;
using kernels::gpu::Device;
using kernels::gpu::Kernel;

namespace {

constexpr int kLaunches = 400, kBlocksAUnit = 2;
constexpr int kThreads = 64;  // one wave of either width, or two

constexpr const char* kReading = "probing the device's clock";

// First and last read of a part's blocks in one launch.
struct Span {
  uint64_t first = std::numeric_limits<uint64_t>::max(), last = 0;
  int64_t blocks = 0;
};
using Spans = std::map<uint32_t, Span>;

Spans spans_of(const ClockLaunch& launch, int group_bits) {
  Spans spans;
  for (const ClockBlock& b : launch) {
    Span& s = spans[b.unit >> group_bits];
    s.first = std::min(s.first, b.reads.front()), s.last = std::max(s.last, b.reads.back());
    ++s.blocks;
  }
  return spans;
}

int64_t difference(uint64_t later, uint64_t earlier) {
  return static_cast<int64_t>(later - earlier);
}

// Narrows the bounds of every part that ran in both launches beside the first part.
void bound(const Spans& before, const Spans& after, uint32_t first, double tick, std::map<uint32_t, ClockPart>& parts) {
  const auto first_before = before.find(first), first_after = after.find(first);
  for (auto& [id, part] : parts) {
    const auto in_before = before.find(id), in_after = after.find(id);
    if (in_before != before.end() && first_after != after.end())
      part.lo_ns = std::max(part.lo_ns, static_cast<double>(difference(in_before->second.last, first_after->second.first)) * tick);
    if (in_after != after.end() && first_before != before.end())
      part.hi_ns = std::min(part.hi_ns, static_cast<double>(difference(in_after->second.first, first_before->second.last)) * tick);
  }
}

}  // namespace

ClockFigures clock_figures(const std::vector<ClockLaunch>& launches, const kernels::gpu::DeviceClock& clock) {
  ClockFigures f;
  const double tick = clock.tick_ns;
  uint64_t step = 0;
  std::vector<double> read;
  std::vector<Spans> spans;
  std::map<uint32_t, ClockPart> parts;
  for (const ClockLaunch& launch : launches) {
    for (const ClockBlock& b : launch) {
      for (size_t i = 1; i < b.reads.size(); ++i) step = std::gcd(step, b.reads[i] - b.reads[i - 1]);
      read.push_back(static_cast<double>(difference(b.reads.back(), b.reads.front())) * tick / (kernels::kClockReads - 1));
    }
    spans.push_back(spans_of(launch, clock.group_bits));
    for (const auto& [id, s] : spans.back()) parts[id].blocks += s.blocks;
    f.blocks += static_cast<int64_t>(launch.size());
  }
  f.launches = static_cast<int64_t>(launches.size());
  f.step_ns = static_cast<double>(step) * tick;
  f.read_ns = read.empty() ? 0 : trace::median(read);
  for (auto& [id, part] : parts) {
    part.id = id;
    part.lo_ns = -std::numeric_limits<double>::infinity(), part.hi_ns = -part.lo_ns;
  }
  if (parts.empty()) return f;
  const uint32_t first = parts.begin()->first;
  for (size_t i = 1; i < spans.size(); ++i) bound(spans[i - 1], spans[i], first, tick, parts);
  for (auto& [id, part] : parts) {
    if (id == first) part.lo_ns = part.hi_ns = 0;
    f.parts.push_back(part);
    if (part.lo_ns > part.hi_ns && f.contradiction.empty()) f.contradiction = clock.group + " " + std::to_string(id);
    f.least_skew_ns = std::max({f.least_skew_ns, part.lo_ns, -part.hi_ns});
    f.uncertainty_ns = std::max(f.uncertainty_ns, (part.hi_ns - part.lo_ns) / 2);
  }
  return f;
}

ClockFigures probe_clock(Device& device, bool once) {
  const int64_t blocks = int64_t{device.info().traits.units} * kBlocksAUnit, launches = once ? 4 : kLaunches;
  const int64_t times_bytes = launches * blocks * kernels::kClockReads * 8, bytes = times_bytes + launches * blocks * 4;
  void* memory = nullptr;
  need(device.allocate(bytes, &memory), kReading);
  const std::shared_ptr<void> held(memory, [&](void* p) { device.release(p); });
  std::vector<ClockArgs> args(static_cast<size_t>(launches));
  std::unique_ptr<kernels::gpu::Graph> graph;
  need(device.begin_capture(), kReading);
  for (int64_t i = 0; i < launches; ++i) {
    ClockArgs& a = args[static_cast<size_t>(i)];
    a.times = static_cast<uint64_t*>(memory) + i * blocks * kernels::kClockReads;
    a.units = reinterpret_cast<uint32_t*>(static_cast<uint8_t*>(memory) + times_bytes) + i * blocks;
    need(device.launch(kernels::gpu::tool_launch(Kernel::clock_reads, a, blocks, kThreads), 0), kReading);
  }
  need(device.end_capture(&graph), kReading);
  for (int i = 0; i < (once ? 1 : 2); ++i) need(device.launch(*graph, 0), kReading);  // the second one warm
  std::vector<uint8_t> seen(static_cast<size_t>(bytes));
  need(device.download(seen.data(), memory, bytes), kReading);
  const auto* times = reinterpret_cast<const uint64_t*>(seen.data());
  const auto* units = reinterpret_cast<const uint32_t*>(seen.data() + times_bytes);
  std::vector<ClockLaunch> all;
  for (int64_t i = 0; i < launches; ++i) {
    ClockLaunch& launch = all.emplace_back(static_cast<size_t>(blocks));
    for (ClockBlock& b : launch) {
      b.unit = *units++;
      std::copy_n(times, kernels::kClockReads, b.reads.begin());
      times += kernels::kClockReads;
    }
  }
  return clock_figures(all, device.info().clock);
}

}  // namespace engine
