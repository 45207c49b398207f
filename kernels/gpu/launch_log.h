// The calls that launch kernels, timed by the program that makes them: a clock read before and behind each, on the clock that CUPTI
// puts kernels on. With CUPTI's own records of them no recording of an H200 held one, eager or graph; what is known is that CUPTI up to
// CUDA 13.1 gives graph launches wrong correlation ids in every session after the first (release notes of 13.1 update 1). So calls of
// this log have none; the order of calls says which is whose (engine/kernel_order.h).
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
  std::vector<TracedCall> end();

 private:
  Clock m_clock = nullptr;
  std::vector<TracedCall> m_calls;
};

}  // namespace kernels::gpu
