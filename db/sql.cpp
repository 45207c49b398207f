#include "db/sql.h"

#include <exception>

namespace db {

Query::Query(const SQLite::Database& database, const std::string& sql) : m_database(database.getHandle()) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(m_database, sql.c_str(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) throw SQLite::Exception(m_database, code);
  m_statement.reset(statement);
}

void Query::bind(int parameter, int64_t value) {
  if (const int code = sqlite3_bind_int64(row(), parameter, value); code != SQLITE_OK) throw SQLite::Exception(m_database, code);
}

void Query::bind(int parameter, const std::string& value) {
  const int code = sqlite3_bind_text(row(), parameter, value.c_str(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
  if (code != SQLITE_OK) throw SQLite::Exception(m_database, code);
}

bool Query::next() {
  m_column = -1;
  const int code = sqlite3_step(row());
  if (code != SQLITE_ROW && code != SQLITE_DONE) throw SQLite::Exception(m_database, code);
  return code == SQLITE_ROW;
}

double Query::real() {
  const int type = sqlite3_column_type(row(), ++m_column);
  if (type == SQLITE_NULL) return std::numeric_limits<double>::quiet_NaN();
  if (type != SQLITE_FLOAT) refuse("expected a number");
  return sqlite3_column_double(row(), m_column);
}

std::string Query::text() {
  if (sqlite3_column_type(row(), ++m_column) != SQLITE_TEXT) refuse("expected text");
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(row(), m_column));
  if (!bytes) throw std::bad_alloc();
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(row(), m_column))};
}

bool Query::is_null_then_skip() {
  const bool null = sqlite3_column_type(row(), m_column + 1) == SQLITE_NULL;
  if (null) ++m_column;
  return null;
}

namespace {

constexpr const char* kTake = "decodescope_row";

struct EachRow {
  std::span<const char* const> columns;
  const std::function<void(RowCells&)>& row;
  std::exception_ptr thrown;   // may not pass through SQLite
};

void take_row(sqlite3_context* context, int, sqlite3_value** values) {
  auto& each = *static_cast<EachRow*>(sqlite3_user_data(context));
  try {
    RowCells cells(values, each.columns);
    each.row(cells);
  } catch (...) {
    each.thrown = std::current_exception();
    sqlite3_result_error(context, "stopped", -1);
  }
}

void end_rows(sqlite3_context*) {}

}  // namespace

void each_row(const SQLite::Database& database, std::span<const char* const> columns, const std::string& from,
              std::initializer_list<int64_t> parameters, const std::function<void(RowCells&)>& row) {
  EachRow each{columns, row, nullptr};
  sqlite3* const handle = database.getHandle();
  // DIRECTONLY: no view or trigger of the file may call it.
  const int code = sqlite3_create_function(handle, kTake, -1, SQLITE_UTF8 | SQLITE_DIRECTONLY, &each, nullptr, take_row, end_rows);
  if (code != SQLITE_OK) throw SQLite::Exception(handle, code);
  const auto forget = [handle](void*) { sqlite3_create_function(handle, kTake, -1, SQLITE_UTF8, nullptr, nullptr, nullptr, nullptr); };
  const std::unique_ptr<void, decltype(forget)> forgets(&each, forget);
  std::string sql = std::string("SELECT ") + kTake + "(";
  for (const char* column : columns) sql += (column == columns.front() ? "" : ", ") + std::string(column);
  Query query(database, sql + ") " + from);
  int parameter = 0;
  for (const int64_t value : parameters) query.bind(++parameter, value);
  try {
    query.next();
  } catch (const SQLite::Exception&) {
    if (each.thrown) std::rethrow_exception(each.thrown);
    throw;
  }
}

}  // namespace db
