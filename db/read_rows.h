// What reading the tables of a trace has in common: keys of enumerations as text, lengths, rows numbered by i.
// Internal to db/. Throws what sql.h says.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "db/sql.h"
#include "trace/json_enums.h"

namespace db {

// Far more than a profiler can hold, few enough that a hostile file can't ask for all memory.
inline constexpr size_t kMaxRows = 50'000'000;

template <class E>
std::string key_of(E value) {
  return std::string(trace::EnumKeys<E>::keys[static_cast<size_t>(value)]);
}

template <class E>
E read_key(Query& query) {
  const std::string key = query.text();
  const auto& keys = trace::EnumKeys<E>::keys;
  const auto found = std::find(keys.begin(), keys.end(), key);
  if (found == keys.end()) query.refuse("\"" + key.substr(0, 40) + "\" is no known key");
  return static_cast<E>(found - keys.begin());
}

template <class Row>
int64_t read_end(Row& query, int64_t start_ns) {
  const int64_t duration_ns = query.integer();
  int64_t end_ns = 0;
  if (duration_ns < 0 || __builtin_add_overflow(start_ns, duration_ns, &end_ns)) query.refuse("out of range");
  return end_ns;
}

// Rows of one table of a run, in order of i. `row` reads what follows i.
template <class T, class Row>
std::vector<T> read_rows(const SQLite::Database& database, int64_t run, const char* sql, Row row) {
  std::vector<T> rows;
  Query query(database, sql, run);
  while (query.next()) {
    if (rows.size() >= kMaxRows) query.refuse("more than 50,000,000 rows");
    query.expect_row(rows.size());
    rows.push_back(row(query));
  }
  return rows;
}

}  // namespace db
