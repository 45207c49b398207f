// Executor: one loop over a plan. A single-stream plan runs on the calling thread, its ops split
// with a second worker where the machine has a core to spare; a dual-stream plan runs its streams
// as two real queues, the second on its own thread, with fork and join as waits between them. One
// core of the machine is left to the window. Thread rule: one run at a time, from one thread.
// Outputs do not depend on how work was split.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "engine/plan.h"

namespace engine {

struct Stamp {
  int64_t start_ns = 0, end_ns = 0;
};

int64_t now_ns();  // steady clock

// The hidden fault hook: one bit of the first output's first element.
void flip_bit(const kernels::OpArgs&);

// One op on the calling thread, its fault (if the hook asks for one) included.
void launch_alone(const PlannedOp&, kernels::Part = {});

class Executor {
 public:
  // `workers`: how many share one op of a single-stream plan, 1 or 2.
  explicit Executor(int workers = default_workers());
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Cores minus the window's, at most 2.
  static int default_workers();
  int workers() const { return m_workers; }

  // Called on the op's worker after the op and before anything that waits for it.
  using AfterOp = std::function<void(int op)>;

  // Returns the step's time in nanoseconds (of a plan on a GPU: the device's time). `stamps`, when given, holds one entry an op.
  int64_t run(const DecodePlan&, Stamp* stamps = nullptr, const AfterOp& after = {});

  // `work` once for each worker's part, at the same time; returns when all are done.
  void share(const std::function<void(kernels::Part)>& work);

 private:
  void side_thread();
  void run_stream(int stream);
  void run_share(int worker);
  void meet();

  const int m_workers;
  std::atomic<uint32_t> m_epoch{0},
      m_side_done{0};  // steps given to the side thread; finished by it
  std::atomic<bool> m_stop{false};

  // Of the step under way; written before m_epoch moves.
  const std::function<void(kernels::Part)>* m_work = nullptr;  // share(), instead of a plan
  const DecodePlan* m_plan = nullptr;
  Stamp* m_stamps = nullptr;
  const AfterOp* m_after = nullptr;
  uint32_t m_step = 0;
  std::unique_ptr<std::atomic<uint32_t>[]> m_done;  // step in which an awaited op was last complete
  size_t m_done_size = 0;
  std::atomic<uint32_t> m_arrived{0};  // workers at meetings, counted over the step
  std::thread m_side;                  // last: it reads the members above
};

}  // namespace engine
