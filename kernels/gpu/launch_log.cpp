#include "kernels/gpu/launch_log.h"

#include <unistd.h>

#include <utility>

namespace kernels::gpu {

void LaunchLog::add(const char* name, int64_t start_ns) {
  if (!on()) return;
  TracedCall call;
  call.name = name;
  call.start_ns = start_ns, call.end_ns = m_clock();
  call.thread = static_cast<uint64_t>(gettid());
  m_calls.push_back(std::move(call));
}

std::vector<TracedCall> LaunchLog::end() {
  m_clock = nullptr;
  return std::exchange(m_calls, {});
}

}  // namespace kernels::gpu
