// Writes files of AMD's and NVIDIA's own profilers of any size: a decode loop of graph launches, each some hundred
// kernels of a few dozen names on two queues. For `bench import` and tests; never shown as a measurement.
// Deterministic: equal counts give equal records.
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "trace/result.h"

namespace trace {

enum class ProfileFormat : uint8_t { nsys, rpd, rocpd, rocprof_json, rocprof_csv };
inline constexpr std::array kProfileFormats{ProfileFormat::nsys, ProfileFormat::rpd, ProfileFormat::rocpd, ProfileFormat::rocprof_json, ProfileFormat::rocprof_csv};
// As such files end: "nsys.sqlite", "rpd", "rocpd.db", "rocprofv3.json", "kernel_trace.csv".
std::string_view file_name(ProfileFormat);

// The number of records that an import must read. error: the file cannot be written.
Result<int64_t> generate_profile(ProfileFormat, int64_t kernels, const std::string& path);

}  // namespace trace
