// SQLite files of profilers: one row of kSqliteFormats in import_sqlite.cpp each, told apart by their tables.
// Internal to the importers.
#pragma once
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "trace/import_activities.h"
#include "trace/import_sqlite_file.h"

namespace trace {

// What reads a file's rows. `out` gets the events; an importer also sets the collector and caveats.
struct SqliteImport {
  SqliteFile& file;
  Activities& out;
  bool cancelled = false;

  // To be called with every row of a table, `done` of about `rows`. False: the user cancelled.
  bool going(int64_t done, int64_t rows) {
    if (done % 16384 != 0) return !cancelled;
    const int64_t at = rows > 0 ? static_cast<int64_t>(static_cast<double>(file.bytes()) * static_cast<double>(std::min(done, rows)) / static_cast<double>(rows)) : 0;
    cancelled = cancelled || out.cancelled(at, file.bytes());
    return !cancelled;
  }

  // A table of kernels will be read, of about so many rows by its ids; none takes less than 16 bytes of the file.
  void expect_kernels(int64_t rows) { out.builder().expect_events(std::min(rows, file.bytes() / 16)); }
};

// Texts of a table (id, text), looked up one by one when first needed: a file may hold millions, used are few.
class StringTable {
 public:
  // Every text is empty where the table or one of the columns does not exist. `also`: a further condition, "" or " AND ...".
  StringTable(SqliteFile& file, TraceBuilder& builder, const std::string& table, std::string_view id, std::string_view text, const std::string& also = {});
  StringId intern(int64_t id) {
    if (id >= 0 && id < static_cast<int64_t>(m_dense.size()) && m_dense[static_cast<size_t>(id)] != kUnasked) return m_dense[static_cast<size_t>(id)];
    return look_up(id);
  }
  std::string text(int64_t id) { return m_builder.header().strings[intern(id)]; }

 private:
  StringId look_up(int64_t id);

  TraceBuilder& m_builder;
  static constexpr int64_t kDense = 1 << 16;   // ids below it are an index
  static constexpr StringId kUnasked = 0xffffffffu;

  std::optional<SqliteRows> m_query;
  std::vector<StringId> m_dense;
  std::unordered_map<int64_t, StringId> m_known;
};

bool is_rpd(SqliteFile&);
void import_rpd(SqliteImport&);
bool is_nsys(SqliteFile&);
void import_nsys(SqliteImport&);
bool is_rocpd(SqliteFile&);
void import_rocpd(SqliteImport&);

}  // namespace trace
