#include "trace/import_rocpd_parts.h"

#include <algorithm>
#include <set>

namespace trace {
namespace {

constexpr size_t kMostSuffixes = 10'000;
// Every guid is a walk through all rows, so a hostile file must not have thousands.
constexpr size_t kMostGuids = 256;

std::vector<std::string> suffixes(const SqliteFile& file) {
  std::set<std::string> out;
  for (const std::string& table : file.tables())
    for (const std::string_view head : {kRocpdDispatch, std::string_view("rocpd_region")})
      if (table.starts_with(head) && out.size() < kMostSuffixes)
        if (std::string suffix = table.substr(head.size()); suffix.empty() || suffix.front() == '_') out.insert(std::move(suffix));
  return {out.begin(), out.end()};
}

// SQL literals of the guids that the un-suffixed tables of records hold, NULL among them.
std::set<std::string> guids(SqliteFile& file, size_t& left_out) {
  std::set<std::string> out;
  for (const std::string_view name : {kRocpdDispatch, std::string_view("rocpd_memory_copy"), std::string_view("rocpd_region")}) {
    const std::string table(name);
    if (!file.has(table) || !file.has_column(table, "guid")) continue;
    SqliteRows rows(file, "SELECT DISTINCT quote(guid) FROM " + SqliteFile::quoted(table));
    while (rows.next()) {
      if (out.contains(std::string(rows.text(0)))) continue;
      if (out.size() < kMostGuids) out.emplace(rows.text(0));
      else ++left_out;
    }
  }
  return out;
}

}  // namespace

std::vector<RocpdPart> rocpd_parts(SqliteFile& file, size_t& left_out) {
  std::vector<RocpdPart> out;
  for (const std::string& suffix : suffixes(file)) {
    const std::set<std::string> found = suffix.empty() ? guids(file, left_out) : std::set<std::string>();
    if (found.size() < 2) out.push_back({suffix, "", true});
    else
      for (const std::string& guid : found) out.push_back({suffix, guid, guid == *found.begin()});
  }
  return out;
}

std::string rocpd_schema_version(SqliteFile& file) {
  for (const std::string& table : file.tables()) {
    if (!table.starts_with("rocpd_metadata")) continue;
    SqliteRows rows(file, "SELECT value FROM " + SqliteFile::quoted(table) + " WHERE tag = 'schema_version'");
    if (rows.next()) return std::string(rows.text(0).substr(0, 20));
  }
  return "";
}

}  // namespace trace
