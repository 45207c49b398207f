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
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <span>
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

// The columns of a row, read from the first on, in order, each checked. Row gives type(i), number(i) and name(i).
template <class Row>
class Cells {
 public:
  int64_t integer() {
    if (self().type(++m_column) != SQLITE_INTEGER) refuse("expected an integer");
    return self().number(m_column);
  }
  int64_t integer_or(int64_t unknown) {
    const int type = self().type(++m_column);
    if (type == SQLITE_INTEGER) return self().number(m_column);
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
  // REQUIRES: the rows of a table come by i. Throws unless `i` of this row follows on.
  void expect_row(size_t i) {
    if (integer() != static_cast<int64_t>(i)) refuse("row " + std::to_string(i) + " is missing");
  }
  // Throws BadData naming the column read last.
  [[noreturn]] void refuse(const std::string& why) const {
    const char* name = self().name(m_column);
    throw BadData(std::string(name ? name : "?") + ": " + why);
  }

 protected:
  int m_column = -1;

 private:
  const Row& self() const { return static_cast<const Row&>(*this); }
  template <class T>
  T narrow(int64_t value) const {
    if (!std::in_range<T>(value)) refuse(std::to_string(value) + " is out of range");
    return static_cast<T>(value);
  }
};

// Reads SQLite's columns itself: SQLiteCpp makes an object with a counted reference of every value.
class Query : public Cells<Query> {
 public:
  Query(const SQLite::Database& database, const std::string& sql);
  Query(const SQLite::Database& database, const std::string& sql, int64_t parameter) : Query(database, sql) {
    bind(1, parameter);
  }

  void bind(int parameter, int64_t value);
  void bind(int parameter, const std::string& value);
  // Moves to the next row; columns are read from the first on, in order.
  bool next();

  double real();                // NULL becomes NaN
  std::string text();
  bool is_null_then_skip();     // whether the next column is NULL; only then it is passed over
  int type(int column) const { return sqlite3_column_type(row(), column); }
  int64_t number(int column) const { return sqlite3_column_int64(row(), column); }
  const char* name(int column) const { return sqlite3_column_name(row(), column); }

 private:
  struct Finalise {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  sqlite3_stmt* row() const { return m_statement.get(); }
  sqlite3* m_database;
  std::unique_ptr<sqlite3_stmt, Finalise> m_statement;
};

// A row that is handed to a function from inside of SQLite.
class RowCells : public Cells<RowCells> {
 public:
  RowCells(sqlite3_value** values, std::span<const char* const> names) : m_values(values), m_names(names) {}
  int type(int column) const { return sqlite3_value_type(m_values[column]); }
  int64_t number(int column) const { return sqlite3_value_int64(m_values[column]); }
  const char* name(int column) const { return m_names[static_cast<size_t>(column)]; }

 private:
  sqlite3_value** m_values;
  std::span<const char* const> m_names;
};

// Calls `row` with every row of SELECT `columns` `from`, in one sqlite3_step(): a third less time than one step a row and
// two calls a value, for tables of a million rows. What `row` throws comes out. REQUIRES: numbers only, no ORDER BY
// (rows come as the table lies; who needs an order checks it).
void each_row(const SQLite::Database&, std::span<const char* const> columns, const std::string& from,
              std::initializer_list<int64_t> parameters, const std::function<void(RowCells&)>& row);

}  // namespace db
