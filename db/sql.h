// Rows in and out with checked types. Internal to db/: callers of the store never see SQL.
//
// Inserter binds one row after another; Query steps through rows and refuses a value that is not of the type or in
// the range asked for, with table and column by name. Nothing is trusted, since a file may come from anyone.
// Both throw: SQLite::Exception when the database fails, BadData when a value is not what it must be; guarded() in
// connection.h turns either into an Error at the edge of the folder. REQUIRES: used by one thread at a time.
#pragma once
#include <SQLiteCpp/SQLiteCpp.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

namespace db {

// What a database holds is not what the schema promises. what() = "event.start_ns: expected an integer".
struct BadData : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Inserter {
 public:
  Inserter(SQLite::Database& database, const char* sql) : m_statement(database, sql) {}

  Inserter& integer(int64_t value) { return m_statement.bind(++m_index, value), *this; }
  // NULL when the value is the one that stands for "not known".
  Inserter& integer_or_null(int64_t value, int64_t unknown) {
    return value == unknown ? null() : integer(value);
  }
  // NaN becomes NULL.
  Inserter& real(double value) { return m_statement.bind(++m_index, value), *this; }
  // REQUIRES: text lives until row() returns.
  Inserter& text(const std::string& value) { return m_statement.bindNoCopy(++m_index, value), *this; }
  Inserter& null() { return m_statement.bind(++m_index), *this; }
  void row() {
    m_statement.exec();
    m_statement.reset();
    m_index = 0;
  }

 private:
  SQLite::Statement m_statement;
  int m_index = 0;
};

class Query {
 public:
  Query(const SQLite::Database& database, const std::string& sql) : m_statement(database, sql) {}
  Query(const SQLite::Database& database, const std::string& sql, int64_t parameter) : Query(database, sql) {
    m_statement.bind(1, parameter);
  }

  SQLite::Statement& statement() { return m_statement; }
  // Moves to the next row; columns are read from the first on, in order.
  bool next() {
    m_column = -1;
    return m_statement.executeStep();
  }

  int64_t integer() { return integer_of(next_column()); }
  int64_t integer_or(int64_t unknown) {
    const SQLite::Column column = next_column();
    const int type = column.getType();
    if (type == SQLite::INTEGER) return column.getInt64();
    if (type != SQLite::Null) refuse("expected an integer");
    return unknown;
  }
  template <class T>
  T index() {   // of any integer type, checked for range
    return narrow<T>(integer());
  }
  template <class T>
  T index_or(T unknown) {
    return narrow<T>(integer_or(unknown));
  }
  bool flag() { return integer() != 0; }
  double real();                // NULL becomes NaN
  std::string text();
  bool is_null_then_skip();     // whether the next column is NULL; only then it is passed over
  // Throws BadData naming the column read last.
  [[noreturn]] void refuse(const std::string& why) const;
  // REQUIRES: the rows of a table come by i. Throws unless `i` of this row follows on.
  void expect_row(size_t i) {
    if (integer() != static_cast<int64_t>(i)) refuse("row " + std::to_string(i) + " is missing");
  }

 private:
  SQLite::Column next_column() { return m_statement.getColumn(++m_column); }
  int64_t integer_of(const SQLite::Column& column) const {
    if (!column.isInteger()) refuse("expected an integer");
    return column.getInt64();
  }
  template <class T>
  T narrow(int64_t value) const {
    if (!std::in_range<T>(value)) refuse(std::to_string(value) + " is out of range");
    return static_cast<T>(value);
  }

  SQLite::Statement m_statement;
  int m_column = -1;
};

}  // namespace db
