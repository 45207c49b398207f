// Device stamps beside a profiler's times. A trace that carries both holds the stamped kernels as a device of its own,
// whose id is the profiled one's with ":stamps" behind it: same names, ops, lanes and steps, times of the device's clock
// mapped to the profiler's by the fitted line. So durations and gaps never mix clocks, and every figure that takes a
// device takes either. The accounting lens is the choice between the two. Thread rule: pure functions of a const Trace.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trace/trace.h"

namespace trace {

inline constexpr std::string_view kStampsSuffix = ":stamps";

inline bool is_stamps(const Device& d) { return d.id.ends_with(kStampsSuffix); }

// The device that holds the stamps of this one; none if the trace carries no stamps of it, or is itself one of stamps.
inline std::optional<uint32_t> stamps_of(const Trace& t, uint32_t device) {
  if (device >= t.devices.size()) return std::nullopt;
  const std::string wanted = t.devices[device].id + std::string(kStampsSuffix);
  for (uint32_t i = 0; i < t.devices.size(); ++i) {
    if (t.devices[i].id == wanted) return i;
  }
  return std::nullopt;
}

// The profiled device of a device of stamps; every other device itself.
inline uint32_t profiled_of(const Trace& t, uint32_t device) {
  if (device >= t.devices.size() || !is_stamps(t.devices[device])) return device;
  for (uint32_t i = 0; i < t.devices.size(); ++i) {
    if (stamps_of(t, i) == device) return i;
  }
  return device;
}

}  // namespace trace
