// Numbers of a big table, decoded by two threads on connections of their own, some thousand rows ahead of the caller,
// who builds events of what came before. The threads take turns at ranges of row ids; the caller sees the rows in the
// order of the table. They come through an aggregate function of ours, inside one sqlite3_step() a range: a third less
// CPU time than a step and a call of sqlite3_column_int64() a row and column.
// Texts and small tables: SqliteRows. Internal to the importers. Thread rule: one thread at a time.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trace/import_sqlite_file.h"

namespace trace {

// FROM "table" alias join WHERE (where).
struct SqliteFrom {
  std::string table;   // its name, not quoted
  std::string alias = "t";
  std::string join = {}, where = {};
};

class SqliteColumns {
 public:
  // Rows of SELECT `columns` `from`. REQUIRES: `file` outlives this; each row of the table is given at most once.
  SqliteColumns(SqliteFile& file, const std::string& columns, const SqliteFrom& from);
  ~SqliteColumns();   // ends the threads, whatever is left of the table
  SqliteColumns(const SqliteColumns&) = delete;
  SqliteColumns& operator=(const SqliteColumns&) = delete;

  // False after the last row, and after one that cannot be read: SqliteFile::problem() says why.
  bool next() {
    m_row += m_row_values;
    return m_row != m_end || next_block();
  }
  // nullopt unless the value is a whole number, or a text of one.
  std::optional<int64_t> integer(int column) const {
    if (!whole(column)) return std::nullopt;
    return m_row[column];
  }
  // 0 for what is no number, cut to a whole one for what is; `otherwise` for NULL.
  int64_t integer_or(int column, int64_t otherwise) const { return is_null(column) ? otherwise : m_row[column]; }

  // Of a row at most; what a block says of each value is one bit.
  static constexpr int kMostColumns = 31;

 private:
  class Reader;
  // Behind the values of a row: which of them are NULL, which whole numbers.
  bool is_null(int column) const { return m_row[m_row_values - 1] >> column & 1; }
  bool whole(int column) const { return m_row[m_row_values - 1] >> (column + 32) & 1; }
  bool next_block();

  SqliteFile& m_file;
  std::vector<std::unique_ptr<Reader>> m_readers;
  size_t m_turn = 0;   // whose range comes next, or is under way
  const int64_t* m_row = nullptr;
  const int64_t* m_end = nullptr;
  int m_row_values = 0;
};

}  // namespace trace
