#include "db/sql.h"

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

void Query::refuse(const std::string& why) const {
  const char* column = sqlite3_column_name(row(), m_column);
  throw BadData(std::string(column ? column : "?") + ": " + why);
}

}  // namespace db
