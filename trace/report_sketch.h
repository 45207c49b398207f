// Drawings of what a switch does to memory, before and after; and which kernels stand where, taken from recorded
// events. Internal to report_*.cpp.
#pragma once
#include <string>
#include <vector>

#include "trace/html_writer.h"
#include "trace/report_analysis.h"
#include "trace/toggles.h"

namespace trace {

// Two small SVGs side by side, with the table's words for both.
Markup toggle_sketch(ToggleKey);

// The neighbourhood of kernels that only one side ran: before, itself, after, with durations; and the same place on
// the other side, where it can be found.
Markup kernel_pipelines(const ReportRun& a, const ReportRun& b, const Comparison&, size_t most = 6);

}  // namespace trace
