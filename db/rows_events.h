// Rows of the table event: the bulk of every stored trace. Throws what sql.h says.
#pragma once
#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <vector>

#include "trace/trace.h"

namespace db {

// REQUIRES: in a transaction.
void write_events(SQLite::Database&, int64_t run, const std::vector<trace::Event>&);

// Of many, another thread reads half on a connection of its own. REQUIRES: in a transaction.
std::vector<trace::Event> read_events(const SQLite::Database&, int64_t run);

}  // namespace db
