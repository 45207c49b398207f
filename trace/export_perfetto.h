// A Trace as a native Perfetto trace (.pftrace): kernels as GPU render stages by queue with grid, block and op, known
// dependencies as their waits, launches linked to what they started, ranges of people, and the idle time of each device
// classified on a track of its own. Times are the collector's nanoseconds (moved up as a whole where some would be
// negative). Field numbers: protos/perfetto/trace/perfetto_trace.proto. Thread rule: pure but for the file.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "trace/result.h"
#include "trace/trace.h"

namespace trace {

void write_perfetto(const Trace&, const std::function<void(std::string_view)>& write);

// An existing file is replaced when the new one is whole. error: the file cannot be written, with the reason.
Status export_perfetto(const Trace&, const std::string& path);

}  // namespace trace
