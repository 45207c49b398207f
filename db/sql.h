// Rows in and out with checked types. Internal to db/: callers of the store never see SQL.
//
// Inserter binds one row after another; Query steps through rows and refuses a value that is not of the type or in
// the range asked for, with table and column by name. Nothing is trusted, since a file may come from anyone.
// Both throw: SQLite::Exception when the database fails, BadData when a value is not what it must be; guarded() in
// connection.h turns either into an Error at the edge of the folder. REQUIRES: used by one thread at a time.
#pragma once
#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
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

// Reads SQLite's columns itself: SQLiteCpp makes an object with a counted reference of every value, and a stored run has
// twelve million of them.
class Query {
 public:
  Query(const SQLite::Database& database, const std::string& sql);
  Query(const SQLite::Database& database, const std::string& sql, int64_t parameter) : Query(database, sql) {
    bind(1, parameter);
  }

  void bind(int parameter, int64_t value);
  void bind(int parameter, const std::string& value);
  // Moves to the next row; columns are read from the first on, in order.
  bool next();

  int64_t integer() {
    if (sqlite3_column_type(row(), ++m_column) != SQLITE_INTEGER) refuse("expected an integer");
    return sqlite3_column_int64(row(), m_column);
  }
  int64_t integer_or(int64_t unknown) {
    const int type = sqlite3_column_type(row(), ++m_column);
    if (type == SQLITE_INTEGER) return sqlite3_column_int64(row(), m_column);
    if (type != SQLITE_NULL) refuse("expected an integer");
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
  struct Finalise {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  sqlite3_stmt* row() const { return m_statement.get(); }
  template <class T>
  T narrow(int64_t value) const {
    if (!std::in_range<T>(value)) refuse(std::to_string(value) + " is out of range");
    return static_cast<T>(value);
  }

  sqlite3* m_database;
  std::unique_ptr<sqlite3_stmt, Finalise> m_statement;
  int m_column = -1;
};

}  // namespace db
