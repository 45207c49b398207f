// Runs, their specification and the parts of an A/B as JSON. One object a struct, members named as the fields.
//
//   write_json(spec)                          -> {"backend": "cpu", "model": {...}, ...}
//   read_json<RunSpec>(json, "run 5, spec")   -> RunSpec, or an error naming field and document
//
// Unknown members are ignored and missing ones keep the field's default, so that versions can differ by fields; a
// wrong type, an unknown key of an enumeration or a number out of range is refused. read_json(write_json(x)) == x,
// NaN, infinities and text that is no UTF-8 included (json_fields.h says how these are written).
//
// A run's trace is not part of it: trace_json.h. Pure functions, any thread.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "trace/ab.h"
#include "trace/result.h"
#include "trace/run.h"

namespace trace {

// T: ModelConfig, Workload, RunSpec, ToggleSet, Estimate, ImportReport, Run, AbSpec, AbEstimate, Quad, Instance,
// EquivalenceResult, LaunchDelta, and std::vector<LaunchDelta>, std::vector<Instance>, std::vector<std::string>.
template <class T>
nlohmann::json write_json(const T&);
// The same as text, on one line.
template <class T>
std::string write_json_text(const T&);

// error: what = field and reason, where = `where`.
template <class T>
Result<T> read_json(const nlohmann::json&, const std::string& where);
// error also: not JSON, with the byte.
template <class T>
Result<T> read_json_text(std::string_view text, const std::string& where);

// The text of one JSON value. error: not JSON, with the byte.
Result<nlohmann::json> parse_json(std::string_view text, const std::string& where);

}  // namespace trace
