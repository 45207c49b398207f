#include "db/sql.h"

namespace db {

double Query::real() {
  const SQLite::Column column = next_column();
  if (column.isNull()) return std::numeric_limits<double>::quiet_NaN();
  if (!column.isFloat()) refuse("expected a number");
  return column.getDouble();
}

std::string Query::text() {
  const SQLite::Column column = next_column();
  if (!column.isText()) refuse("expected text");
  return column.getString();
}

bool Query::is_null_then_skip() {
  const bool null = m_statement.getColumn(m_column + 1).isNull();
  if (null) ++m_column;
  return null;
}

void Query::refuse(const std::string& why) const {
  const char* column = m_statement.getColumnName(m_column);
  throw BadData(std::string(column ? column : "?") + ": " + why);
}

}  // namespace db
