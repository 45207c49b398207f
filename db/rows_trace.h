// A Trace as rows of the tables trace, device, lane, string, op, event, detail, call, annotation, edge.
// read_trace(write_trace(t)) equals t field by field. Throws what sql.h says.
#pragma once
#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>

#include "trace/trace.h"

namespace db {

// REQUIRES: in a transaction; check_trace(t) is ok; the run has no trace yet.
void write_trace(SQLite::Database&, int64_t run, const trace::Trace& t);

// Null when the run has none. What it gives has passed check_trace(); throws BadData for anything else.
trace::TracePtr read_trace(const SQLite::Database&, int64_t run);

}  // namespace db
