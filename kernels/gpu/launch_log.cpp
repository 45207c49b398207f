#include "kernels/gpu/launch_log.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

namespace kernels::gpu {

namespace {

// The profiler lays the device's times on the host's clock by interpolation; good to microseconds.
constexpr int64_t kClockError = 50'000;

}  // namespace

void LaunchLog::add(const char* name, int64_t start_ns) {
  if (!on()) return;
  TracedCall call;
  call.name = name;
  call.start_ns = start_ns, call.end_ns = m_clock();
  call.thread = static_cast<uint64_t>(gettid());
  m_calls.push_back(std::move(call));
}

std::vector<TracedCall> LaunchLog::end(const std::vector<TracedKernel>& kernels) {
  m_clock = nullptr;
  return with_correlations(std::exchange(m_calls, {}), kernels);
}

std::vector<TracedCall> with_correlations(std::vector<TracedCall> calls, const std::vector<TracedKernel>& kernels) {
  std::map<uint32_t, int64_t> began;  // by correlation, the first kernel
  for (const TracedKernel& k : kernels) {
    if (!k.name.starts_with("ds_")) continue;  // the runtime's own fills and copies
    const auto at = began.emplace(k.correlation, k.start_ns).first;
    at->second = std::min(at->second, k.start_ns);
  }
  if (began.size() != calls.size()) return {};
  auto call = calls.begin();
  for (const auto& [correlation, start_ns] : began) {
    if (start_ns < call->start_ns - kClockError) return {};
    (call++)->correlation = correlation;
  }
  return calls;
}

}  // namespace kernels::gpu
