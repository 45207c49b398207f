// Open or loaded runs as a file that others read: a report or a trace; the ending of its name says which.
#pragma once
#include <string>
#include <vector>

#include "trace/ab.h"
#include "trace/report.h"
#include "trace/result.h"
#include "trace/scrub.h"

namespace app {

bool ends_with(const std::string& text, std::string_view end);
// .json, .json.gz, .pftrace hold one run. error: another number of them, no trace, not written.
trace::Status write_trace(const std::vector<trace::RunPtr>&, const std::string& to);
// .html, .csv, .md. `scrubber`: takes names and folders out of what is written, and says what; null = as it is.
// error: as the report's, not written.
trace::Status write_report(const trace::ReportInput&, const std::string& to, trace::Scrubber* scrubber);
// Either, by the ending; a trace is written as it is. `ab`: of which the runs are the arms; may be null.
// error: an ending that names neither.
trace::Status export_runs(const std::vector<trace::RunPtr>&, const trace::AbResult* ab, const std::string& to, trace::Scrubber* scrubber);

}  // namespace app
