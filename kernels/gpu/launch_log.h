// The calls that launch kernels, timed by the program that makes them. CUPTI's own records of them (its activity kind for chosen
// runtime calls) came back empty on every H200 that this ran on, and the calls are ours: one clock read before and behind each, on
// the clock that CUPTI puts kernels on, does as well.
// Thread rule: one thread.
#pragma once
#include <vector>

#include "kernels/gpu/device.h"

namespace kernels::gpu {

class LaunchLog {
 public:
  using Clock = int64_t (*)();  // ns

  void begin(Clock clock) { m_clock = clock, m_calls.clear(); }
  bool on() const { return m_clock != nullptr; }
  int64_t now() const { return m_clock ? m_clock() : 0; }
  void add(const char* name, int64_t start_ns);  // has just come back; nothing where the log is off
  // Ends the log: its calls with the kernels' correlations.
  std::vector<TracedCall> end(const std::vector<TracedKernel>&);

 private:
  Clock m_clock = nullptr;
  std::vector<TracedCall> m_calls;
};

// Correlations count the host's calls upwards: the n-th distinct one among the kernels is the n-th call's. Nothing where there are
// more or fewer, or where a kernel began before its call (by more than clocks err): those calls launched something else.
std::vector<TracedCall> with_correlations(std::vector<TracedCall> calls, const std::vector<TracedKernel>&);

}  // namespace kernels::gpu
