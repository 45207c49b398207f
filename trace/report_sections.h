// The parts of the HTML report below its timeline. Internal to report_*.cpp.
#pragma once
#include "trace/html_writer.h"
#include "trace/report_analysis.h"

namespace trace {

Markup verdict_section(const ReportData&);        // the result table and, of an A/B, the verdict with its reason
Markup cards_section(const ReportData&);          // decomposition of each run
Markup stalls_section(const ReportData&);
Markup waterfall_section(const ReportData&);      // empty without a comparison
Markup path_section(const ReportData&);
Markup kernels_section(const ReportData&);
Markup floors_section(const ReportData&);         // empty unless asked for
Markup serving_section(const ReportData&);        // empty without a benchmark beside a run
Markup switches_section(const ReportData&);
Markup invariants_section(const ReportData&);
Markup provenance_section(const ReportData&);

}  // namespace trace
