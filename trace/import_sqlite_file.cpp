#include "trace/import_sqlite_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace trace {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxValueBytes = 16 << 20;
constexpr size_t kMaxTables = 10'000;

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// With what SQLite would take for a parameter escaped.
std::string file_uri(const std::string& path) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '?' || c == '#' || c == '%' || byte < 0x21) (uri += '%') += {kHex[byte >> 4], kHex[byte & 15]};
    else uri += c;
  }
  return uri + "?mode=ro&immutable=1";
}

int stop_if_cancelled(void* cancel) { return static_cast<const std::atomic<bool>*>(cancel)->load(std::memory_order_relaxed); }

// SQLite's own advice for files from strangers, before the schema is parsed for the first time.
void harden(sqlite3* handle) {
  for (const auto& [option, on] : {std::pair{SQLITE_DBCONFIG_DEFENSIVE, 1}, {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                   {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
                                   {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0}, {SQLITE_DBCONFIG_DQS_DML, 0}})
    sqlite3_db_config(handle, option, on, nullptr);
  for (const auto& [limit, value] : {std::pair{SQLITE_LIMIT_LENGTH, kMaxValueBytes}, {SQLITE_LIMIT_ATTACHED, 0}, {SQLITE_LIMIT_EXPR_DEPTH, 100}})
    sqlite3_limit(handle, limit, value);
  sqlite3_exec(handle, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0", nullptr, nullptr, nullptr);
}

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

Status write_all(int fd, std::span<const char> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{std::string("unpacking failed: ") + std::strerror(errno), path};
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return Ok{};
}

// Half of what is free, so that a bomb of a file does not fill the disk.
int64_t room(const fs::path& folder) {
  std::error_code error;
  const auto space = fs::space(folder, error);
  return error ? INT64_MAX : static_cast<int64_t>(space.available / 2);
}

}  // namespace

std::string SqliteFile::quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

Result<std::unique_ptr<SqliteFile>> SqliteFile::open(ByteSource& source, const ImportJob& job) {
  std::unique_ptr<SqliteFile> file(new SqliteFile);
  std::string path = job.path;
  if (!source.compression().empty()) {
    const fs::path folder = fs::temp_directory_path();
    path = (folder / "decodescope-unpacked-XXXXXX").string();
    const Descriptor out{::mkstemp(path.data())};
    if (out.fd < 0) return Error{"no room for an unpacked copy: " + std::string(std::strerror(errno)), folder.string()};
    file->m_temporary = path;
    const int64_t cap = std::min(job.options.max_bytes, room(folder));
    std::vector<char> block(1 << 20);
    while (const size_t got = source.read(block)) {
      file->m_bytes += static_cast<int64_t>(got);
      if (file->m_bytes > cap) return Error{"unpacked it has more than " + std::to_string(cap) + " bytes", job.path};
      if (job.options.progress) job.options.progress(file->m_bytes, source.total_bytes());
      if (job.options.cancel && job.options.cancel->load(std::memory_order_relaxed)) return Error{"cancelled", job.path};
      if (auto written = write_all(out.fd, std::span(block).first(got), path); !written) return written.error();
    }
    if (!source.problem().empty()) file->m_warnings.push_back(source.problem());
  } else {
    std::error_code ignored;
    file->m_bytes = static_cast<int64_t>(fs::file_size(path, ignored));
    if (const auto log = fs::file_size(path + "-wal", ignored); !ignored && log > 0)
      file->m_warnings.push_back("a write-ahead log lies beside the file and is not read: what its writer had not yet put into the file is missing");
  }
  file->note_missing_pages(path);
  file->m_path = path;
  file->m_cancel = job.options.cancel;
  if (auto connected = file->connect(job.path); !connected) return connected.error();
  return file;
}

// The header says how many pages there are (where its writer was not an ancient one): a file that was cut
// may lack pages that no query here happens to read.
void SqliteFile::note_missing_pages(const std::string& path) {
  unsigned char head[100];
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0 || ::pread(file.fd, head, sizeof head, 0) != static_cast<ssize_t>(sizeof head)) return;
  const auto number = [&](size_t at) { return static_cast<int64_t>(head[at]) << 24 | head[at + 1] << 16 | head[at + 2] << 8 | head[at + 3]; };
  const int64_t page = head[16] == 0 && head[17] == 1 ? 65536 : head[16] << 8 | head[17];
  if (number(24) != number(92) || number(28) * page <= m_bytes) return;
  m_warnings.push_back("the file ends early: " + std::to_string(m_bytes) + " of " + std::to_string(number(28) * page) + " bytes are there");
}

Result<sqlite3*> SqliteFile::connection() const {
  sqlite3* handle = nullptr;
  if (sqlite3_open_v2(file_uri(m_path).c_str(), &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK) {
    Error error{std::string("cannot be opened as SQLite: ") + (handle ? sqlite3_errmsg(handle) : "out of memory"), m_path};
    sqlite3_close(handle);
    return error;
  }
  harden(handle);
  if (m_cancel) sqlite3_progress_handler(handle, 100'000, stop_if_cancelled, const_cast<std::atomic<bool>*>(m_cancel));
  return handle;
}

Status SqliteFile::connect(const std::string& shown) {
  auto handle = connection();
  if (!handle) return Error{handle.error().what, shown};
  m_handle = *handle;
  SqliteRows rows(*this, "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0");
  while (m_tables.size() < kMaxTables && rows.next()) m_tables.emplace_back(rows.text(0));
  if (m_tables.empty()) return Error{m_problem.empty() ? "this SQLite file has no tables" : m_problem, shown};
  return Ok{};
}

SqliteFile::~SqliteFile() {
  sqlite3_close(m_handle);
  if (!m_temporary.empty()) ::unlink(m_temporary.c_str());
}

void SqliteFile::note_problem(const std::string& what) {
  if (m_problem.empty()) m_problem = "the SQLite file cannot be read on (" + (what.empty() ? std::string(sqlite3_errmsg(m_handle)) : what) + ")";
}

bool SqliteFile::has(std::string_view table) const {
  return std::ranges::any_of(m_tables, [&](const std::string& t) { return sqlite3_stricmp(t.c_str(), std::string(table).c_str()) == 0; });
}

bool SqliteFile::has_column(const std::string& table, std::string_view column) {
  const auto [found, fresh] = m_columns.try_emplace(lower_case(table));
  if (fresh) {
    SqliteRows rows(*this, "PRAGMA table_info(" + quoted(table) + ")");
    while (rows.next()) found->second.insert(lower_case(rows.text(1)));
  }
  return found->second.contains(lower_case(column));
}

std::string SqliteFile::list(const std::string& table, std::string_view prefix, std::initializer_list<std::string_view> columns) {
  std::string out;
  for (const std::string_view column : columns) {
    if (!out.empty()) out += ", ";
    out += has_column(table, column) ? std::string(prefix) + quoted(column) : "NULL";
  }
  return out;
}

std::string SqliteFile::select(const std::string& table, std::initializer_list<std::string_view> columns) {
  return "SELECT " + list(table, "", columns) + " FROM " + quoted(table);
}

int64_t SqliteFile::count(const std::string& table) {
  if (!has(table)) return 0;
  // Not count(*), which does not end where pages lead back to themselves.
  SqliteRows rows(*this, "SELECT NULL FROM " + quoted(table));
  int64_t count = 0;
  while (rows.next()) ++count;
  return count;
}

std::optional<std::pair<int64_t, int64_t>> SqliteFile::rowids(const std::string& table) {
  if (!has(table)) return std::nullopt;
  // A table WITHOUT ROWID has none, and that is no fault of the file. Two questions: SQLite answers each from one end.
  const auto ask = [&](const char* what) -> std::optional<int64_t> {
    sqlite3_stmt* statement = nullptr;
    std::optional<int64_t> id;
    if (sqlite3_prepare_v2(m_handle, (std::string("SELECT ") + what + "(_rowid_) FROM " + quoted(table)).c_str(), -1, &statement, nullptr) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW &&
        sqlite3_column_type(statement, 0) == SQLITE_INTEGER)
      id = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return id;
  };
  const auto first = ask("min"), last = ask("max");
  if (!first || !last) return std::nullopt;
  return std::pair{*first, *last};
}

SqliteRows::SqliteRows(SqliteFile& file, const std::string& sql) : m_file(file) {
  if (sqlite3_prepare_v2(file.m_handle, sql.c_str(), -1, &m_statement, nullptr) != SQLITE_OK) file.note_problem();
}

bool SqliteRows::next() {
  if (!m_statement) return false;
  const int code = sqlite3_step(m_statement);
  if (code == SQLITE_ROW) {
    // The smallest row (or column, in a schema) takes two bytes.
    if (++m_rows <= m_file.m_bytes / 2 + 100) return true;
    m_file.note_problem(kTooManyRows);
    return false;
  }
  if (code != SQLITE_DONE) m_file.note_problem();
  return false;
}

void SqliteRows::bind(int64_t parameter) {
  sqlite3_reset(m_statement);
  m_rows = 0;
  sqlite3_bind_int64(m_statement, 1, parameter);
}

std::string_view SqliteRows::text(int column) const {
  const int type = sqlite3_column_type(m_statement, column);
  if (type == SQLITE_NULL || type == SQLITE_BLOB) return {};
  const auto* text = sqlite3_column_text(m_statement, column);
  if (!text) return {};
  return {reinterpret_cast<const char*>(text), static_cast<size_t>(sqlite3_column_bytes(m_statement, column))};
}

}  // namespace trace
