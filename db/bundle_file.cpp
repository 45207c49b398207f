#include "db/bundle_file.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <tuple>

namespace db {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void refuse_bundle(const std::string& what, const std::string& where) {
  throw Refusal(trace::Error{what, where});
}

// How long the header of an SQLite file says it is: size of a page x pages, both big-endian (SQLite's file format 1.3).
uint64_t bytes_by_header(const std::string& path) {
  std::array<unsigned char, 32> head{};
  std::ifstream(path, std::ios::binary).read(reinterpret_cast<char*>(head.data()), head.size());
  const uint64_t page = head[16] == 0 && head[17] == 1 ? 65536 : uint64_t{head[16]} << 8 | head[17];
  return page * (uint64_t{head[28]} << 24 | uint64_t{head[29]} << 16 | uint64_t{head[30]} << 8 | head[31]);
}

void check_file(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) refuse_bundle("is a folder, not a bundle", path);
  const auto size = fs::file_size(path, error);
  if (error) refuse_bundle("can't be read: " + error.message(), path);
  if (size > static_cast<uintmax_t>(kMaxBundleBytes))
    refuse_bundle("larger than a bundle may be (" + std::to_string(kMaxBundleBytes >> 30) + " GiB)", path);
  if (!has_our_header(path)) {
    if (::access(path.c_str(), R_OK) != 0) refuse_bundle("can't be read: permission denied", path);
    refuse_bundle("not a .decodescope bundle", path);
  }
  // SQLite takes a last page that ends early for one that ends in zeroes.
  const uint64_t whole = bytes_by_header(path);
  if (size < whole) refuse_bundle("the bundle is cut off: " + std::to_string(size) + " of " + std::to_string(whole) + " bytes", path);
  // The main file of a store in use is behind its log, and reading it alone would show old or torn content.
  if (fs::file_size(path + "-wal", error) > 0 && !error)
    refuse_bundle("a store in use, not a bundle: export runs from it, or open it with --db", path);
}

// SQLite's own advice for files from strangers, before the schema is parsed for the first time.
void harden(SQLite::Database& database) {
  sqlite3* handle = database.getHandle();
  for (const auto& [option, on] : {std::pair{SQLITE_DBCONFIG_DEFENSIVE, 1}, {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                   {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
                                   {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0}, {SQLITE_DBCONFIG_DQS_DDL, 0},
                                   {SQLITE_DBCONFIG_DQS_DML, 0}})
    sqlite3_db_config(handle, option, on, nullptr);
  for (const auto& [limit, value] :
       {std::pair{SQLITE_LIMIT_LENGTH, kMaxValueBytes}, {SQLITE_LIMIT_SQL_LENGTH, 100'000}, {SQLITE_LIMIT_COLUMN, 100},
        {SQLITE_LIMIT_EXPR_DEPTH, 50}, {SQLITE_LIMIT_COMPOUND_SELECT, 5}, {SQLITE_LIMIT_VDBE_OP, 25'000},
        {SQLITE_LIMIT_FUNCTION_ARG, 16}, {SQLITE_LIMIT_ATTACHED, 0}, {SQLITE_LIMIT_TRIGGER_DEPTH, 10}})
    sqlite3_limit(handle, limit, value);
  database.exec("PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0");
}

using SchemaRow = std::tuple<std::string, std::string, std::string, std::string>;   // name, type, table, SQL

std::vector<SchemaRow> schema_of(const SQLite::Database& database) {
  std::vector<SchemaRow> rows;
  Query query(database, "SELECT name, type, tbl_name, coalesce(sql, '') FROM sqlite_schema ORDER BY name LIMIT 1000");
  while (query.next()) {
    SchemaRow row;
    std::apply([&query](auto&... text) { ((text = query.text()), ...); }, row);
    rows.push_back(std::move(row));
  }
  return rows;
}

// The schema must be, to the letter, what our migrations make: no trigger, view, virtual table or generated column
// can be in it then.
void check_schema(const SQLite::Database& database, Migrations applied, const std::string& where) {
  SQLite::Database reference(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  for (const char* sql : applied) reference.exec(sql);
  const auto expected = schema_of(reference), found = schema_of(database);
  for (const SchemaRow& row : found) {
    const auto& [name, type, table, sql] = row;
    const bool known = std::find_if(expected.begin(), expected.end(), [&](const SchemaRow& e) {
                         return std::get<0>(e) == name && std::get<1>(e) == type;
                       }) != expected.end();
    if (!known) refuse_bundle("holds what no bundle holds: the " + type.substr(0, 40) + " " + name.substr(0, 80), where);
    if (std::find(expected.begin(), expected.end(), row) == expected.end())
      refuse_bundle("the " + type + " " + name + " is not defined as in a bundle", where);
  }
  if (found.size() != expected.size()) refuse_bundle("tables of a bundle are missing", where);
}

void check_structure(const SQLite::Database& database, const std::string& where) {
  Query query(database, "PRAGMA quick_check(1)");
  const std::string verdict = query.next() ? query.text() : "no answer";
  if (verdict != "ok") refuse_bundle("the bundle is damaged: " + verdict.substr(0, 200), where);
}

}  // namespace

BundleFile::BundleFile(const std::string& path, Migrations list) : m_path(path) {
  check_file(path);
  open_checked(path, list);
  if (schema_version(*m_database) < static_cast<int>(list.size())) migrate_copy(list);
}

BundleFile::TemporaryCopy::~TemporaryCopy() {
  if (!path.empty()) ::unlink(path.c_str());
}

void BundleFile::open_checked(const std::string& file, Migrations list) {
  m_database = std::make_unique<SQLite::Database>(file_uri(file, "mode=ro&immutable=1"),
                                                  SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX);
  harden(*m_database);
  const int version = schema_version(*m_database), know = static_cast<int>(list.size());
  if (version > know)
    refuse_bundle("written by a newer version of the program: schema " + std::to_string(version) +
               ", this program knows up to " + std::to_string(know),
           m_path);
  if (version < 1) refuse_bundle("no such schema version: " + std::to_string(version), m_path);
  check_schema(*m_database, list.first(static_cast<size_t>(version)), m_path);
  check_structure(*m_database, m_path);
}

void BundleFile::migrate_copy(Migrations list) {
  std::string name = (fs::temp_directory_path() / "decodescope-bundle-XXXXXX").string();
  const int file = ::mkstemp(name.data());
  if (file < 0) refuse_bundle("no room for a temporary copy of this older bundle", name);
  ::close(file);
  m_copy.path = name;
  m_database.reset();
  fs::copy_file(m_path, name, fs::copy_options::overwrite_existing);
  {
    SQLite::Database copy(name, SQLite::OPEN_READWRITE);
    harden(copy);
    copy.exec("PRAGMA journal_mode = MEMORY");
    migrate(copy, list, m_path);
  }
  open_checked(name, list);
}

std::vector<int64_t> BundleFile::run_ids() const {
  std::vector<int64_t> ids;
  Query query(*m_database, "SELECT id FROM run WHERE removed_at IS NULL ORDER BY id LIMIT ?", kMaxBundleRuns + 1);
  while (query.next()) ids.push_back(query.integer());
  if (static_cast<int64_t>(ids.size()) > kMaxBundleRuns)
    refuse_bundle("more than " + std::to_string(kMaxBundleRuns) + " runs", m_path);
  if (ids.empty()) refuse_bundle("the bundle holds no runs", m_path);
  return ids;
}

}  // namespace db
