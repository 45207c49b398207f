// A Trace as one JSON object: small tables as objects, large ones as compressed columns (columns.h), for messages
// between engine and window. read_trace_json(write_trace_json(t)) equals t field by field.
// Some 8 bytes an event. Pure functions, any thread.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "trace/result.h"
#include "trace/trace.h"

namespace trace {

nlohmann::json write_trace_json(const Trace&);
// What it gives has passed check_trace(). error: what = table and column or row, and what is wrong with it.
Result<TracePtr> read_trace_json(const nlohmann::json&, const std::string& where);

}  // namespace trace
