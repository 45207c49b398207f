// The processes of a rocpd database: a set of tables with a suffix of its own each, or rows of un-suffixed tables
// that only a guid tells apart, as tools write that copy several databases into one. Internal to import_rocpd.cpp.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "trace/import_sqlite_file.h"

namespace trace {

inline constexpr std::string_view kRocpdDispatch = "rocpd_kernel_dispatch";

struct RocpdPart {
  std::string suffix;       // "" or "_<uuid>"
  std::string guid;         // as an SQL literal, where rows of other guids are in the same tables; else empty
  bool first = true;        // of its suffix
};

// In the order of suffix and guid. `left_out`: guids beyond the most that are told apart.
std::vector<RocpdPart> rocpd_parts(SqliteFile&, size_t& left_out);
// Of the first table of metadata that says so; empty otherwise.
std::string rocpd_schema_version(SqliteFile&);

}  // namespace trace
