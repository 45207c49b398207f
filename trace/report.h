// Reports that people share: one self-contained HTML page, Markdown for a comment, CSV of every table. From one
// run, several, or the two arms of an A/B. Everything is computed from the traces here and now; host names,
// paths and command lines stay out. Thread rule: pure functions of const Runs.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trace/ab.h"
#include "trace/floors.h"
#include "trace/result.h"
#include "trace/run.h"
#include "trace/serving.h"

namespace trace {

struct ReportInput {
  std::vector<RunPtr> runs;       // each with its trace; two of them are compared, first = before
  const AbResult* ab = nullptr;   // then runs are its arms
  std::string program;            // version and commit that writes the report
  std::string created;            // when, UTC
  std::vector<std::optional<Serving>> serving = {};   // beside each run; may be shorter than runs
  std::optional<FloorRequest> floors = {};   // a section of floors, under these assumptions
};

// error: no runs, a run without a trace.
Result<std::string> html_report(const ReportInput&);
Result<std::string> markdown_report(const ReportInput&);
// Name of a table ("kernels", "stalls" ...) and its text (RFC 4180, times in us). A file holds one, see csv_report().
using CsvTable = std::pair<std::string, std::string>;
Result<std::vector<CsvTable>> csv_tables(const ReportInput&);
// All of them in one text: each headed by a line "# name", an empty line between two.
Result<std::string> csv_report(const ReportInput&);

}  // namespace trace
