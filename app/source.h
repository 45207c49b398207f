// RUN|FILE on a command line: a run id of the store, a trace file or a bundle, as Runs with their traces.
#pragma once
#include <string>
#include <vector>

#include "app/output.h"
#include "trace/formats.h"
#include "trace/run.h"

namespace app {

// Options that show on `line` how far a large file is. The line must outlive them.
trace::ImportOptions import_progress(ProgressLine& line);

// trace::import_file with the user's own rules for kernels (app/rules.h), which the report then names.
trace::Result<trace::Imported> import_by_own_rules(const std::string& path, trace::ImportOptions);

// Imports a trace file (or every run of a bundle) into Runs that are not stored. Fills the report's layers, steps
// and window rule. error: as trace::import_file and db::read_bundle.
trace::Result<std::vector<trace::Run>> runs_from_file(const std::string& path, const trace::ImportOptions& = {});

// An existing path is a file, a number is a run id of the store at `db` (empty = default).
// error: neither; names what was looked for.
trace::Result<trace::Run> run_from(const std::string& file_or_id, const std::string& db,
                                   const trace::ImportOptions& = {});

// error: not a positive number.
trace::Result<int64_t> run_id(const std::string& text);

std::string now_utc();      // ISO 8601
std::string host_name();
std::string program_name();   // version and commit

}  // namespace app
