// A SQLite file of somebody else's profiler, read without trusting it: opened immutable and read-only,
// defensive, with views, triggers and functions in its schema disabled and values limited in length.
// Compressed files are unpacked into a temporary file first, which is gone when this is closed.
// Internal to the importers. Thread rule: one thread at a time.
#pragma once
#include <sqlite3.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trace/byte_source.h"
#include "trace/import_format.h"

namespace trace {

inline constexpr const char* kTooManyRows = "it gives more rows than it has room for: its pages lead back to themselves";

// The rows of one query. A row that cannot be read ends them; SqliteFile::problem() says why. So does a row more than
// the file has room for: pages of a hostile one lead back to themselves.
class SqliteRows {
 public:
  SqliteRows(class SqliteFile& file, const std::string& sql);
  ~SqliteRows() { sqlite3_finalize(m_statement); }
  SqliteRows(const SqliteRows&) = delete;
  SqliteRows& operator=(const SqliteRows&) = delete;

  bool next();
  void bind(int64_t parameter);   // and start again
  // nullopt unless the value is an integer.
  std::optional<int64_t> integer(int column) const {
    if (sqlite3_column_type(m_statement, column) != SQLITE_INTEGER) return std::nullopt;
    return sqlite3_column_int64(m_statement, column);
  }
  // As SQLite makes a number of whatever is there; `otherwise` for NULL. The type is only asked where it matters.
  int64_t integer_or(int column, int64_t otherwise) const {
    const int64_t value = sqlite3_column_int64(m_statement, column);
    return value != 0 || sqlite3_column_type(m_statement, column) != SQLITE_NULL ? value : otherwise;
  }
  // Empty for NULL and blobs; numbers as their decimal text. Valid until the next next().
  std::string_view text(int column) const;

 private:
  class SqliteFile& m_file;
  sqlite3_stmt* m_statement = nullptr;
  int64_t m_rows = 0;   // since the start
};

class SqliteFile {
 public:
  // error: no SQLite file, encrypted, damaged in its schema, no room to unpack it, cancelled.
  static Result<std::unique_ptr<SqliteFile>> open(ByteSource&, const ImportJob&);
  ~SqliteFile();
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  // Tables proper, as they are spelled; no views, no virtual ones.
  const std::vector<std::string>& tables() const { return m_tables; }
  bool has(std::string_view table) const;
  bool has_column(const std::string& table, std::string_view column);   // neither minds capitals
  // "SELECT c1, NULL, ... FROM table": NULL for columns that the table has not.
  std::string select(const std::string& table, std::initializer_list<std::string_view> columns);
  // The same list with a prefix before each column: "d.c1, NULL".
  std::string list(const std::string& table, std::string_view prefix, std::initializer_list<std::string_view> columns);
  int64_t count(const std::string& table);       // rows; 0 when there is no such table
  // The first and the last row id of a table that has any; quick.
  std::optional<std::pair<int64_t, int64_t>> rowids(const std::string& table);
  int64_t last_rowid(const std::string& table) { return rowids(table).value_or(std::pair<int64_t, int64_t>{}).second; }  // about how many rows

  // One more, for a thread; the caller closes it. It stops when the user cancels.
  Result<sqlite3*> connection() const;
  int64_t bytes() const { return m_bytes; }
  const std::string& problem() const { return m_problem; }   // the first
  const std::vector<std::string>& warnings() const { return m_warnings; }
  static std::string quoted(std::string_view name);           // as an identifier of SQL

 private:
  friend class SqliteRows;
  friend class SqliteColumns;
  SqliteFile() = default;
  Status connect(const std::string& shown);
  void note_missing_pages(const std::string& path);
  void note_problem(const std::string& what = {});

  sqlite3* m_handle = nullptr;
  std::string m_path;
  const std::atomic<bool>* m_cancel = nullptr;
  std::string m_temporary;   // unpacked copy, removed by the destructor
  int64_t m_bytes = 0;
  std::vector<std::string> m_tables;
  std::map<std::string, std::set<std::string>> m_columns;   // lower case
  std::string m_problem;
  std::vector<std::string> m_warnings;
};

}  // namespace trace
