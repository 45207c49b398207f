#include "engine/gpu_step.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "engine/kernel_order.h"

namespace engine {

using kernels::gpu::Device;
using trace::Error;
using trace::Result;

namespace {

// Events of a step: its begin and end, the two ends of the fork and join of streams, then two an op.
enum StepEvent { kBegin, kEnd, kFork, kJoin, kOps };

// "layer 0 q_b: gemm_fp8, y bf16 4 x 2048"
std::string described(const PlannedOp& op) {
  std::string text = op.label + ": " + std::string(kernels::key_of(kernels::op_of(op.args)));
  for (const kernels::Tensor& t : kernels::outputs(op.args))
    text += ", " + std::string(t.name) + " " + std::string(kernels::to_string(t.format)) + " " + std::to_string(t.rows.size()) + " x " + std::to_string(t.row_size());
  return text;
}

constexpr int64_t kFillerBytes = 2 << 20;  // by one block: some 30 us, longer than a graph's launch call
constexpr int64_t kMergeGap = 4096;        // ranges closer than this are one copy

}  // namespace

Result<std::shared_ptr<GpuStep>> GpuStep::make(Device& device, const DecodePlan& plan, const Arena& arena,
                                               std::span<const Block> blocks, const Options& options) {
  std::shared_ptr<GpuStep> step(new GpuStep(device, options));
  const auto add = [&](const void* host, int64_t bytes, const std::string& what) -> Result<std::shared_ptr<Image>> {
    Result<std::shared_ptr<Image>> image = Image::of(device, host, bytes, what);
    if (image) {
      step->m_mirror.add(host, bytes, (*image)->device());
      step->m_images.push_back(*image);
    }
    return image;
  };
  const Memory& memory = arena.memory();
  const auto arena_image = add(memory.data(), memory.size(), "buffers");
  if (!arena_image) return arena_image.error();
  step->m_arena = *arena_image;
  for (const Block& b : blocks) {
    if (b.bytes == 0) continue;
    const auto image = add(b.host, b.bytes, b.what);
    if (!image) return image.error();
    if (b.every_step) step->m_small.push_back(*image);
    if (b.written) step->m_written.push_back(*image);
    if (b.on_host) step->m_lazy.push_back(b);
  }
  step->m_ops.resize(plan.ops.size());
  for (size_t i = 0; i < plan.ops.size(); ++i) {
    Moved& m = step->m_ops[i];
    if (const kernels::Status s = step->m_mirror.moved(plan.ops[i].args, &m.args); !s.ok())
      return Error{s.error, plan.ops[i].label};
    m.launch = kernels::gpu::launch_of(m.args, device.info().traits);
    if (!m.launch.refused.empty()) return Error{m.launch.refused, plan.ops[i].label};
  }
  std::string why;
  const std::string profiler = device.profiler(&why);
  step->m_profiled = true, step->m_collector = profiler;
  if (profiler.empty()) step->without_profiler(why);
  if (const kernels::Status s = device.allocate(kFillerBytes, &step->m_filler); !s.ok())
    return Error{s.error, "device memory"};
  return step;
}

void GpuStep::without_profiler(const std::string& why) {
  m_profiled = false;
  m_calls = {};
  m_collector = "device events around each op, eager (" + why + ")";
}

GpuStep::~GpuStep() {
  if (m_filler) m_device.release(m_filler);
}

void GpuStep::need(const kernels::Status& s, const std::string& where) const {
  if (!s.ok()) throw std::runtime_error(s.error + ", " + where);
}

// Tokens, positions, lengths and slots move between steps.
void GpuStep::push_changes() {
  for (const std::shared_ptr<Image>& s : m_small) {
    const auto* host = static_cast<const uint8_t*>(s->host());
    const auto n = static_cast<size_t>(s->bytes());
    if (s->last.size() == n && std::memcmp(s->last.data(), host, n) == 0) continue;
    s->last.assign(host, host + n);
    need(m_device.upload(s->device(), host, s->bytes()), "the step's tokens");
  }
}

void GpuStep::push_arena() {
  need(m_device.upload(m_arena->device(), m_arena->host(), m_arena->bytes()), "the step's buffers");
}
void GpuStep::pull_arena() {
  need(m_device.download(const_cast<void*>(m_arena->host()), m_arena->device(), m_arena->bytes()), "the step's buffers");
}

// The ranges in which an op's outputs lie, rows that are close to each other together.
void GpuStep::copy_outputs(const PlannedOp& op, bool to_device) {
  for (const kernels::Tensor& t : kernels::outputs(op.args)) {
    if (t.count() == 0) continue;
    const int64_t row = (t.shape[0] - 1) * t.stride[0] + (t.shape[1] - 1) * t.stride[1] + kernels::size_of(t.format);
    std::vector<int64_t> starts = t.rows;
    std::sort(starts.begin(), starts.end());
    for (size_t i = 0; i < starts.size();) {
      const int64_t begin = starts[i];
      int64_t end = begin + row;
      for (++i; i < starts.size() && starts[i] <= end + kMergeGap; ++i) end = std::max(end, starts[i] + row);
      uint8_t* host = t.data + begin;
      void* device = m_mirror.device_of(host);
      if (!device) throw std::runtime_error("a tensor that is not on the device, " + op.label);
      need(to_device ? m_device.upload(device, host, end - begin) : m_device.download(host, device, end - begin), op.label);
    }
  }
}

void GpuStep::push(const PlannedOp& op) {
  copy_outputs(op, true);
}

void GpuStep::launch_alone(const PlannedOp& op) {
  push_changes();
  push_arena();
  need(m_device.launch(m_ops[static_cast<size_t>(op.index)].launch, 0), op.label);
  need(m_device.synchronize(), op.label);
  copy_outputs(op, false);
}

void GpuStep::fill(void* memory, int64_t bytes, int64_t blocks) {
  kernels::FillArgs fill;
  fill.out = memory, fill.n = bytes / 4;
  const kernels::OpArgs args = fill;
  kernels::gpu::Launch l = kernels::gpu::launch_of(args, m_device.info().traits);
  if (blocks > 0) l.grid_x = blocks;
  need(m_device.launch(l, 0), "fill");
}

void GpuStep::empty_cache() {
  static std::weak_ptr<Scratch> shared;
  if (!m_flush) m_flush = shared.lock();
  if (!m_flush)
    shared = m_flush = std::make_shared<Scratch>(m_device, std::max<int64_t>(4 * m_device.info().l2_bytes, 1 << 20),
                                                 "the buffer that empties the cache");
  fill(m_flush->data(), m_flush->bytes());
}

void GpuStep::routing_to_host(const DecodePlan& plan) {
  const auto sorts = [](const PlannedOp& op) { return std::holds_alternative<kernels::MoeSortArgs>(op.args); };
  const auto last = std::find_if(plan.ops.rbegin(), plan.ops.rend(), sorts);
  if (last != plan.ops.rend()) copy_outputs(*last, false);
}

void GpuStep::inputs_to_host(const PlannedOp& op) {
  for (const std::shared_ptr<Image>& image : m_written) Image::to_host(image->host());
  kernels::gpu::for_each_pointer(op.args, [&](const void* p) {
    const auto at = reinterpret_cast<uintptr_t>(p);
    for (const Block& b : m_lazy) {
      const auto begin = reinterpret_cast<uintptr_t>(b.host);
      if (at >= begin && at - begin < static_cast<uintptr_t>(b.bytes)) b.on_host(p);
    }
  });
}

// All launches of the step; stream 1 begins behind stream 0's begin and is joined at its end.
void GpuStep::enqueue(const DecodePlan& plan, bool stamped, bool device_stamps) {
  const auto count = static_cast<int>(plan.ops.size());
  m_device.overlap_launches(m_overlap);
  auto* slots = device_stamps ? reinterpret_cast<kernels::gpu::StampSlot*>(m_slots->data()) : nullptr;
  if (plan.streams > 1) {
    need(m_device.record(kFork, 0), "fork");
    need(m_device.wait(kFork, 1), "fork");
  }
  const int after = kOps + (stamped ? 2 * count : 0);  // events of awaited ops
  for (int i = 0; i < count; ++i) {
    const PlannedOp& op = plan.ops[static_cast<size_t>(i)];
    for (const int other : op.waits) need(m_device.wait(after + other, op.stream), op.label);
    if (stamped) need(m_device.record(kOps + 2 * i, op.stream), op.label);
    kernels::gpu::Launch launch = m_ops[static_cast<size_t>(i)].launch;
    if (device_stamps) launch.stamps = slots, slots += launch.grid_x * launch.grid_y;
    if (const kernels::Status s = m_device.launch(launch, op.stream); !s.ok()) need(s, described(op));
    if (m_synchronous) {
      if (const kernels::Status s = m_device.synchronize(); !s.ok()) need(s, described(op));
    }
    if (stamped) need(m_device.record(kOps + 2 * i + 1, op.stream), op.label);
    if (op.awaited) need(m_device.record(after + i, op.stream), op.label);
  }
  if (plan.streams > 1) {
    need(m_device.record(kJoin, 1), "join");
    need(m_device.wait(kJoin, 0), "join");
  }
}

int64_t GpuStep::timed(const std::function<void()>& enqueue) {
  need(m_device.record(kBegin, 0), "step");
  enqueue();
  need(m_device.record(kEnd, 0), "step");
  need(m_device.synchronize(), "in a step: --set sync=on names the op");
  double us = 0;
  need(m_device.elapsed_us(kBegin, kEnd, &us), "step");
  return static_cast<int64_t>(us * 1000 + 0.5);
}

int64_t GpuStep::run(const DecodePlan& plan, Stamp* stamps, const Executor::AfterOp& after) {
  if (plan.ops.empty()) return 0;
  push_changes();
  int64_t ns = 0;
  if (after) {
    const int64_t begin = now_ns();
    run_op_by_op(plan, after);
    return now_ns() - begin;
  }
  for (const std::shared_ptr<Image>& image : m_written) image->host_stale = true;
  if (stamps && m_profiled && traced(plan, stamps, now_ns())) {
    int64_t last = 0, first = std::numeric_limits<int64_t>::max();
    for (size_t i = 0; i < plan.ops.size(); ++i)
      first = std::min(first, stamps[i].start_ns), last = std::max(last, stamps[i].end_ns);
    ns = last - first;
  } else if (stamps) {
    const int64_t begin = now_ns();
    ns = timed([&] { enqueue(plan, true); });
    read_stamps(plan, stamps, begin);
  } else if (m_graph_wanted) {
    captured(m_graph, plan, false);
    fill(m_filler, kFillerBytes, 1);
    ns = timed([&] { need(m_device.launch(*m_graph, 0), "graph"); });
  } else {
    ns = timed([&] { enqueue(plan, false); });
  }
  // What the host needs to go on: the greedy tokens.
  copy_outputs(plan.ops.back(), false);
  return ns;
}

// The step as it runs untraced, under the vendor's profiler; times in the profiler's clock from the first start.
bool GpuStep::traced(const DecodePlan& plan, Stamp* stamps, int64_t begin_ns) {
  if (m_graph_wanted) captured(m_traced_graph, plan, false);
  // Denied, or in another's hands: then the device's events tell of an eager step.
  if (const kernels::Status begun = m_device.begin_trace(); !begun.ok()) {
    if (m_device.lost()) need(begun, "tracing");
    return without_profiler(begun.error), false;
  }
  if (m_graph_wanted)
    need(m_device.launch(*m_traced_graph, 0), "graph");
  else
    enqueue(plan, false);
  end_profile(plan, "", stamps, begin_ns);
  return true;
}

kernels::gpu::Graph& GpuStep::captured(std::unique_ptr<kernels::gpu::Graph>& graph, const DecodePlan& plan, bool device_stamps) {
  if (!graph) {
    need(m_device.begin_capture(), "capture");
    enqueue(plan, false, device_stamps);
    need(m_device.end_capture(&graph), "capture");
  }
  return *graph;
}

// The records laid on the plan's ops, the first of them (a call's, if calls are told) at `begin_ns`.
void GpuStep::end_profile(const DecodePlan& plan, const char* suffix, Stamp* stamps, int64_t begin_ns) {
  std::vector<kernels::gpu::TracedKernel> records;
  m_calls = {};
  need(m_device.end_trace(&records, &m_calls.calls), "tracing");
  std::vector<ExpectedKernel> expected;
  for (size_t i = 0; i < m_ops.size(); ++i)
    expected.push_back({"ds_" + std::string(kernels::gpu::key_of(m_ops[i].launch.kernel)) + suffix, plan.ops[i].stream});
  const size_t seen = records.size();
  const std::vector<size_t> order = match_kernels(expected, records, m_graph_wanted);
  if (order.empty())
    throw std::runtime_error("the profiler's " + std::to_string(seen) + " records do not fit the step's " +
                             std::to_string(plan.ops.size()) + " launches, tracing");
  m_calls.of_op = calls_of_ops(order, records, m_calls.calls, m_graph_wanted);
  int64_t first = std::numeric_limits<int64_t>::max();
  for (const auto& r : records) first = std::min(first, r.start_ns);
  for (const auto& c : m_calls.calls) first = std::min(first, c.start_ns);
  for (size_t i = 0; i < order.size(); ++i)
    stamps[i] = {begin_ns + records[order[i]].start_ns - first, begin_ns + records[order[i]].end_ns - first};
  for (auto& c : m_calls.calls) c.start_ns += begin_ns - first, c.end_ns += begin_ns - first;
}

void GpuStep::make_slots() {
  if (m_slots) return;
  int64_t blocks = 0;
  for (const Moved& m : m_ops) blocks += m.launch.grid_x * m.launch.grid_y;
  m_slots = std::make_unique<Scratch>(m_device, std::max<int64_t>(blocks, 1) * static_cast<int64_t>(sizeof(kernels::gpu::StampSlot)), "slots of stamps");
}

int64_t GpuStep::run_in_a_row(const DecodePlan& plan, bool stamped, int steps) {
  if (plan.ops.empty()) return 0;
  push_changes();
  if (stamped) make_slots();
  for (const std::shared_ptr<Image>& image : m_written) image->host_stale = true;
  kernels::gpu::Graph* graph = m_graph_wanted ? &captured(stamped ? m_stamped_graph : m_graph, plan, stamped) : nullptr;
  const auto one = [&] {
    if (graph)
      need(m_device.launch(*graph, 0), "graph");
    else
      enqueue(plan, false, stamped);
  };
  one();
  const int64_t ns = timed([&] {
    for (int i = 0; i < steps; ++i) one();
  });
  copy_outputs(plan.ops.back(), false);
  return ns / steps;
}

int64_t GpuStep::run_stamped(const DecodePlan& plan, std::span<Stamp> device, Stamp* profiled) {
  if (plan.ops.empty()) return 0;
  push_changes();
  make_slots();
  for (const std::shared_ptr<Image>& image : m_written) image->host_stale = true;
  const int64_t begin = now_ns();
  int64_t ns = 0;
  if (profiled) {
    if (m_graph_wanted) captured(m_stamped_traced_graph, plan, true);
    need(m_device.begin_trace(), "tracing");
    if (m_graph_wanted)
      need(m_device.launch(*m_stamped_traced_graph, 0), "graph");
    else
      enqueue(plan, false, true);
    end_profile(plan, "_stamped", profiled, begin);
  } else if (m_graph_wanted) {
    kernels::gpu::Graph& graph = captured(m_stamped_graph, plan, true);
    fill(m_filler, kFillerBytes, 1);
    ns = timed([&] { need(m_device.launch(graph, 0), "graph"); });
  } else {
    ns = timed([&] { enqueue(plan, false, true); });
  }
  int64_t took = ns;
  for (size_t i = 0; profiled && i < plan.ops.size(); ++i) took = std::max(took, profiled[i].end_ns - begin);
  reduce_stamps(device, took);
  copy_outputs(plan.ops.back(), false);
  return ns;
}

// Ticks are the low half of the clock: whole again by how far they are from the step's first, so a step may take 2^31 of
// them (2.1 s at a tick a nanosecond). `step_ns`: what it took by another clock.
void GpuStep::reduce_stamps(std::span<Stamp> device, int64_t step_ns) {
  const int64_t tick = m_device.info().clock.tick_ns;
  if (step_ns / tick > std::numeric_limits<int32_t>::max())
    throw std::runtime_error("a step of " + std::to_string(step_ns / 1000000) + " ms is longer than stamps can tell, stamps");
  std::vector<kernels::gpu::StampSlot> slots(static_cast<size_t>(m_slots->bytes()) / sizeof(kernels::gpu::StampSlot));
  need(m_device.download(slots.data(), m_slots->data(), m_slots->bytes()), "stamps");
  const uint32_t base = slots[0].begin;
  const auto ns = [&](uint32_t ticks) { return (int64_t{base} + static_cast<int32_t>(ticks - base)) * tick; };
  size_t at = 0;
  for (size_t i = 0; i < m_ops.size(); ++i) {
    Stamp s{std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()};
    for (int64_t n = m_ops[i].launch.grid_x * m_ops[i].launch.grid_y; n > 0; --n, ++at) {
      s.start_ns = std::min(s.start_ns, ns(slots[at].begin));
      s.end_ns = std::max(s.end_ns, ns(slots[at].end));
    }
    device[i] = s;
  }
}

StampFit fit_stamps(std::span<const Stamp> device, std::span<const Stamp> profiled) {
  if (device.empty()) return {};
  int64_t least = std::numeric_limits<int64_t>::min(), most = std::numeric_limits<int64_t>::max();  // what may be taken off
  for (size_t i = 0; i < device.size(); ++i) {
    most = std::min(most, device[i].start_ns - profiled[i].start_ns);
    least = std::max(least, device[i].end_ns - profiled[i].end_ns);
  }
  const int64_t shift = least + (most - least) / 2;
  return {shift, (std::max(most, least) - std::min(most, least) + 1) / 2};
}

// For proofs: each op's outputs on the host before the next op runs.
void GpuStep::run_op_by_op(const DecodePlan& plan, const Executor::AfterOp& after) {
  push_arena();
  for (size_t i = 0; i < plan.ops.size(); ++i) {
    const PlannedOp& op = plan.ops[i];
    need(m_device.launch(m_ops[i].launch, op.stream), op.label);
    need(m_device.synchronize(), op.label);
    copy_outputs(op, false);
    if (op.flip_bit) {
      flip_bit(op.args);
      push(op);
    }
    after(static_cast<int>(i));
  }
  pull_arena();  // guard bands included
}

void GpuStep::read_stamps(const DecodePlan& plan, Stamp* stamps, int64_t begin_ns) {
  for (size_t i = 0; i < plan.ops.size(); ++i) {
    const int event = kOps + 2 * static_cast<int>(i);
    double from = 0, to = 0;
    need(m_device.elapsed_us(kBegin, event, &from), plan.ops[i].label);
    need(m_device.elapsed_us(kBegin, event + 1, &to), plan.ops[i].label);
    stamps[i] = {begin_ns + static_cast<int64_t>(from * 1000), begin_ns + static_cast<int64_t>(to * 1000)};
  }
}

}  // namespace engine
