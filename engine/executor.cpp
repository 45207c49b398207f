#include "engine/executor.h"

#include <algorithm>
#include <chrono>

#include "engine/gpu_step.h"

namespace engine {
namespace {

constexpr int kSpins =
    4000;  // some 20 us: most waits of a step are shorter, and a longer one gives the core away

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

template <class Ready>
void await(std::atomic<uint32_t>& flag, Ready ready) {
  for (int i = 0; i < kSpins; ++i) {
    if (ready(flag.load(std::memory_order_acquire))) return;
    pause_cpu();
  }
  for (;;) {
    const uint32_t seen = flag.load(std::memory_order_acquire);
    if (ready(seen)) return;
    flag.wait(seen, std::memory_order_acquire);
  }
}

}  // namespace

// Of a number the top exponent bit; of an integer the lowest, so that a slot or an id stays a legal one.
void flip_bit(const kernels::OpArgs& args) {
  std::vector<kernels::Tensor> out = kernels::outputs(args);
  if (out.empty() || out[0].count() == 0) return;
  uint8_t* element = out[0].at(0);
  if (out[0].format == kernels::Format::i32)
    element[0] ^= 0x01;
  else
    element[kernels::size_of(out[0].format) - 1] ^= 0x40;
}

void launch_alone(const PlannedOp& op, kernels::Part part) {
  if (op.gpu)
    op.gpu->launch_alone(op);
  else
    kernels::cpu_backend()(op.args, part);
  if (!op.flip_bit || part.index != 0) return;
  flip_bit(op.args);
  if (op.gpu) op.gpu->push(op);
}

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int Executor::default_workers() {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()) - 1, 1, 2);
}

Executor::Executor(int workers)
    : m_workers(std::clamp(workers, 1, 2)), m_side([this] { side_thread(); }) {}

Executor::~Executor() {
  m_stop.store(true, std::memory_order_relaxed);
  m_epoch.fetch_add(1, std::memory_order_release);
  m_epoch.notify_one();
  m_side.join();
}

void Executor::side_thread() {
  for (uint32_t seen = 0;;) {
    m_epoch.wait(seen, std::memory_order_acquire);
    const uint32_t epoch = m_epoch.load(std::memory_order_acquire);
    if (epoch == seen) continue;
    seen = epoch;
    if (m_stop.load(std::memory_order_relaxed)) return;
    if (m_work)
      (*m_work)({1, m_workers});
    else if (m_plan->streams > 1)
      run_stream(1);
    else
      run_share(1);
    m_side_done.store(seen, std::memory_order_release);
    m_side_done.notify_one();
  }
}

int64_t Executor::run(const DecodePlan& plan, Stamp* stamps, const AfterOp& after) {
  if (plan.gpu) return plan.gpu->run(plan, stamps, after);
  if (plan.ops.size() > m_done_size) {
    m_done_size = plan.ops.size();
    m_done = std::make_unique<std::atomic<uint32_t>[]>(m_done_size);
    m_step = 0;  // the new flags are 0: no step is complete
  }
  m_plan = &plan, m_stamps = stamps, m_after = after ? &after : nullptr;
  ++m_step;
  m_arrived.store(0, std::memory_order_relaxed);
  const int64_t begin = now_ns();
  const bool with_side = plan.streams > 1 || (m_workers > 1 && !plan.ops.empty());
  if (with_side) {
    m_epoch.fetch_add(1, std::memory_order_release);
    m_epoch.notify_one();
  }
  if (plan.streams > 1)
    run_stream(0);
  else
    run_share(0);
  if (with_side) {
    const uint32_t epoch = m_epoch.load(std::memory_order_relaxed);
    await(m_side_done, [epoch](uint32_t v) { return v == epoch; });
  }
  return now_ns() - begin;
}

void Executor::share(const std::function<void(kernels::Part)>& work) {
  if (m_workers == 1) return work({});
  m_work = &work;
  const uint32_t epoch = m_epoch.fetch_add(1, std::memory_order_release) + 1;
  m_epoch.notify_one();
  work({0, m_workers});
  await(m_side_done, [epoch](uint32_t v) { return v == epoch; });
  m_work = nullptr;
}

// One of two queues: its own ops in order, each behind the ops of the other queue that it waits
// for.
void Executor::run_stream(int stream) {
  const int count = static_cast<int>(m_plan->ops.size());
  const uint32_t step = m_step;
  for (int i = 0; i < count; ++i) {
    const PlannedOp& op = m_plan->ops[static_cast<size_t>(i)];
    if (op.stream != stream) continue;
    for (const int other : op.waits) {
      await(m_done[static_cast<size_t>(other)], [step](uint32_t v) { return v == step; });
    }
    const int64_t start = m_stamps ? now_ns() : 0;
    launch_alone(op);
    if (m_stamps) m_stamps[i] = {start, now_ns()};
    if (m_after) (*m_after)(i);
    if (!op.awaited) continue;
    m_done[static_cast<size_t>(i)].store(step, std::memory_order_release);
    m_done[static_cast<size_t>(i)].notify_all();
  }
}

// Every op on all workers, each its share, a meeting behind each op.
void Executor::run_share(int worker) {
  const int count = static_cast<int>(m_plan->ops.size());
  for (int i = 0; i < count; ++i) {
    const int64_t start = m_stamps && worker == 0 ? now_ns() : 0;
    launch_alone(m_plan->ops[static_cast<size_t>(i)], {worker, m_workers});
    if (m_workers > 1) meet();
    if (worker == 0 && m_stamps) m_stamps[i] = {start, now_ns()};
    if (!m_after) continue;
    if (worker == 0) (*m_after)(i);
    if (m_workers > 1)
      meet();  // the other worker may not run ahead and overwrite what is being looked at
  }
}

void Executor::meet() {
  const uint32_t arrived = m_arrived.fetch_add(1, std::memory_order_acq_rel) + 1;
  const uint32_t all = (arrived + 1) / 2 * 2;  // both workers of this op
  if (arrived == all)
    m_arrived.notify_all();
  else
    await(m_arrived, [all](uint32_t v) { return v >= all; });
}

}  // namespace engine
