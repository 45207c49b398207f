#include "engine/gpu_bench.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "kernels/gpu/tool_args.h"
#include "trace/stats.h"

namespace engine {

using kernels::MatrixRateArgs;
using kernels::StreamArgs;
using kernels::gpu::Kernel;
using kernels::gpu::Launch;
using kernels::gpu::tool_launch;

namespace {

constexpr int kLeastNodes = 200;  // of a graph
constexpr int kReplays = 9;
constexpr int kFrom = 0, kTo = 1;  // events
constexpr int64_t kLeastRead = 32 << 10, kMostRead = int64_t{512} << 20;
constexpr int64_t kReadBuffer = int64_t{1} << 30;

}  // namespace

void GpuBench::need(const kernels::Status& s) const {
  if (!s.ok()) throw std::runtime_error(s.error + ", bench");
}

double GpuBench::launch_us(std::span<const Launch> turns, int replays, bool overlap) {
  m_device.overlap_launches(overlap);
  int64_t rounds = std::max<int64_t>(1, (kLeastNodes + static_cast<int64_t>(turns.size()) - 1) / static_cast<int64_t>(turns.size()));
  if (m_once) rounds = replays = 1;
  std::unique_ptr<kernels::gpu::Graph> graph;
  need(m_device.begin_capture());
  for (int64_t r = 0; r < rounds; ++r) {
    for (const Launch& l : turns) need(m_device.launch(l, 0));
  }
  need(m_device.end_capture(&graph));
  std::vector<double> us;
  for (int i = m_once ? 0 : -2; i < replays; ++i) {
    need(m_device.record(kFrom, 0));
    need(m_device.launch(*graph, 0));
    need(m_device.record(kTo, 0));
    need(m_device.synchronize());
    double t = 0;
    need(m_device.elapsed_us(kFrom, kTo, &t));
    if (i >= 0) us.push_back(t);
  }
  return trace::median(us) / static_cast<double>(rounds * static_cast<int64_t>(turns.size()));
}

double GpuBench::empty_us(const Launch& like) {
  const std::array<int64_t, 4> key{like.grid_x, like.grid_y, like.threads, like.lds_bytes};
  const auto known = m_empty.find(key);
  if (known != m_empty.end()) return known->second;
  const StreamArgs args;
  Launch l = tool_launch(Kernel::nothing, args, like.grid_x, like.threads, like.lds_bytes);
  l.grid_y = like.grid_y;
  return m_empty[key] = launch_us(std::span(&l, 1), kReplays);
}

// The best of a few grids, each launch on other bytes of the buffer.
double GpuBench::best_read_us(const Scratch& buffer, int64_t bytes) {
  const int64_t units = m_device.info().traits.units, turns = std::clamp<int64_t>(buffer.bytes() / bytes, 1, m_once ? 1 : 256);
  double best = 1e9;
  for (const int64_t each : {1, 2, 4, 8}) {
    const int64_t blocks = std::min(units * each, std::max<int64_t>(1, bytes / (16 * 256)));
    std::vector<StreamArgs> args(static_cast<size_t>(turns));
    std::vector<Launch> launches;
    for (int64_t i = 0; i < turns; ++i) {
      StreamArgs& a = args[static_cast<size_t>(i)];
      a.from = buffer.data() + i * bytes, a.bytes = bytes, a.sink = reinterpret_cast<uint32_t*>(buffer.data());
      launches.push_back(tool_launch(Kernel::stream_read, a, blocks, kernels::gpu::kToolThreads));
    }
    best = std::min(best, launch_us(launches, 5) - empty_us(launches[0]));
  }
  return std::max(best, 1e-3);
}

Ceilings GpuBench::measure() {
  Ceilings& c = m_ceilings;
  // Far more than the cache holds; on a device without one (the emulated) as little as there are sizes.
  const int64_t wanted = std::clamp<int64_t>(20 * m_device.info().l2_bytes, 64 * kLeastRead, kReadBuffer);
  const int64_t size = std::min(wanted, m_device.free_memory() / 4 / 512 * 512);
  const Scratch buffer(m_device, size, "ceilings");
  need(m_device.set(buffer.data(), 0x5a, buffer.bytes()));
  for (int64_t bytes = kLeastRead; bytes <= std::min(kMostRead, size); bytes *= 2)
    c.reads.push_back({bytes, best_read_us(buffer, bytes)});
  if (c.reads.empty()) throw std::runtime_error("too little device memory for the ceilings, bench");
  for (const ReadPoint& p : c.reads) c.read_gbps = std::max(c.read_gbps, p.gbps());

  StreamArgs copy;
  copy.bytes = size / 2, copy.from = buffer.data(), copy.to = buffer.data() + size / 2;
  const int64_t units = m_device.info().traits.units;
  for (const int64_t each : {4, 8, 16}) {
    const Launch l = tool_launch(Kernel::stream_copy, copy, units * each, kernels::gpu::kToolThreads);
    const std::vector<Launch> turns(m_once ? 1 : kLeastNodes / 20, l);
    const double us = launch_us(turns, 1);
    c.copy_gbps = std::max(c.copy_gbps, static_cast<double>(2 * copy.bytes) / us * 1e-3);
  }
  MatrixRateArgs rate;
  rate.rounds = m_once ? 10 : 2000, rate.sink = reinterpret_cast<float*>(buffer.data());
  const Launch l = tool_launch(Kernel::matrix_rate, rate, units * 2, kernels::gpu::kToolThreads);
  const double waves = static_cast<double>(units) * 2 * (kernels::gpu::kToolThreads / m_device.info().traits.wave);
  c.bf16_tflops = waves * static_cast<double>(rate.rounds * kernels::kMatrixRateFlops) / launch_us(std::span(&l, 1), 3) * 1e-6;
  c.fp8_tflops = c.bf16_tflops;  // e4m3 is unpacked for the same instructions

  const StreamArgs none;
  c.empty_node_us = empty_us(tool_launch(Kernel::nothing, none, 1, kernels::gpu::kToolThreads));
  return c;
}

// Between the sizes measured: in proportion to the logarithms.
double GpuBench::read_us(int64_t bytes) const {
  const auto& reads = m_ceilings.reads;
  if (bytes <= 0) return 0;
  const auto b = static_cast<double>(bytes);
  if (bytes <= reads.front().bytes) return reads.front().us * b / static_cast<double>(reads.front().bytes);
  for (size_t i = 1; i < reads.size(); ++i) {
    if (bytes > reads[i].bytes) continue;
    const double low = std::log(static_cast<double>(reads[i - 1].bytes)), high = std::log(static_cast<double>(reads[i].bytes));
    const double t = (std::log(b) - low) / (high - low);
    return std::exp(std::log(reads[i - 1].us) * (1 - t) + std::log(reads[i].us) * t);
  }
  return b / (m_ceilings.read_gbps * 1e3);
}

double GpuBench::floor_us(const Launch& launch, const kernels::Cost& cost) {
  const double arithmetic = static_cast<double>(cost.flops) / (m_ceilings.fp8_tflops * 1e6);
  return empty_us(launch) + std::max(read_us(cost.bytes), arithmetic);
}

}  // namespace engine
