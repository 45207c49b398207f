// A Trace as Kineto JSON, for chrome://tracing, Perfetto and every tool that reads Kineto;
// import_file() gives back the same events, lanes, correlations, details, annotations and known
// dependencies, times to the nanosecond. What Kineto has no words for (collector, op, category,
// step) is in a root object "decodescope" and in args. Lanes without events are not written, nor
// who called an event without a correlation. Thread rule: pure but for the file.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "trace/result.h"
#include "trace/trace.h"

namespace trace {

void write_chrome(const Trace&, const std::function<void(std::string_view)>& write);

// Gzip when the name ends in ".gz". An existing file is replaced when the new one is whole.
// error: the file cannot be written, with the reason (a full disk, no permission).
Status export_chrome(const Trace&, const std::string& path);

}  // namespace trace
