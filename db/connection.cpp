#include "db/connection.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

namespace db {
namespace fs = std::filesystem;
namespace {

// A connection belongs to one thread at a time: no lock around each of its calls, which are half a million a run.
constexpr int kOneThread = SQLITE_OPEN_NOMUTEX;

[[noreturn]] void refuse_store(std::string what, const std::string& where) {
  throw Refusal(trace::Error{std::move(what), where});
}

// Before SQLite sees it, for words that are clearer than its own.
void check_path(const std::string& path, bool must_exist) {
  std::error_code ignored;
  if (path.empty()) refuse_store("no file name given for the store", "--db");
  if (fs::is_directory(path, ignored)) refuse_store("is a folder, not a store", path);
  if (must_exist && !fs::exists(path, ignored)) refuse_store("no such file", path);
}

void create_folder_of(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  std::error_code error;
  if (!folder.empty() && !fs::is_directory(folder, error)) fs::create_directories(folder, error);
  if (error) refuse_store("can't create the folder of the store: " + error.message(), folder.string());
}

void set_limits(SQLite::Database& database) {
  sqlite3_limit(database.getHandle(), SQLITE_LIMIT_LENGTH, kMaxValueBytes);
  sqlite3_limit(database.getHandle(), SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
}

uint32_t application_id(SQLite::Database& database) {
  return static_cast<uint32_t>(database.execAndGet("PRAGMA application_id").getInt64());
}

// Ours, or an empty file that is to become ours. Throws for every other.
void check_owner(SQLite::Database& database, bool may_be_empty, const std::string& where) {
  SQLite::Transaction one_view(database);   // another process may be making the store right now
  const uint32_t owner = application_id(database);
  if (owner == kApplicationId) return;
  const bool empty = database.execAndGet("SELECT count(*) FROM sqlite_schema").getInt64() == 0;
  if (owner == 0 && empty && schema_version(database) == 0) {
    if (may_be_empty) return;
    refuse_store("an empty database, not a Decodescope store", where);
  }
  char id[16];
  std::snprintf(id, sizeof id, "0x%08x", owner);
  refuse_store("a database of another program (application_id " + std::string(id) + "), not a Decodescope store", where);
}

// A log beside the file: readers go on while a run is written. Where the file system can't, SQLite keeps the rollback
// journal, which is as safe. The switch needs the file alone and does not wait for it by itself.
void use_log(SQLite::Database& database, int timeout_ms) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (database.execAndGet("PRAGMA journal_mode").getString() != "wal") {
    if (database.tryExec("PRAGMA journal_mode = WAL") != SQLITE_BUSY) return;
    if (std::chrono::steady_clock::now() > give_up) throw SQLite::Exception(database.getHandle(), SQLITE_BUSY);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void check_version(SQLite::Database& database, Migrations migrations, const std::string& where) {
  const int have = schema_version(database), know = static_cast<int>(migrations.size());
  if (have > know)
    refuse_store("written by a newer version of the program: schema " + std::to_string(have) + ", this program knows up to " +
               std::to_string(know),
           where);
  if (have < 0) refuse_store("no such schema version: " + std::to_string(have), where);
}

// Why the operating system won't open it; 0 when it would.
int open_error(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file >= 0) return ::close(file), 0;
  if (errno != ENOENT) return errno;
  // Not there yet: then the folder did not let it be made.
  const fs::path folder = fs::absolute(path).parent_path();
  return ::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0 ? ENOENT : errno;
}

}  // namespace

trace::Error explain(const SQLite::Exception& e, int system_error, const std::string& where) {
  const std::string system = system_error ? ": " + std::string(std::strerror(system_error)) : "";
  switch (e.getErrorCode()) {
    case SQLITE_NOTADB: return {"not a database", where};
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {"another process is using the store and did not let go in time", where};
    case SQLITE_FULL: return {"no space left: nothing of this was stored, earlier runs are intact", where};
    case SQLITE_READONLY: return {"can't be written: the file or its folder is read-only", where};
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN: {
      const int error = system_error ? system_error : open_error(where);
      return {"can't be opened" + (error ? ": " + std::string(std::strerror(error)) : ""), where};
    }
    case SQLITE_CORRUPT: return {"the database is damaged: " + std::string(e.what()), where};
    case SQLITE_IOERR: return {"reading or writing failed" + system + ": nothing of this was stored", where};
    case SQLITE_TOOBIG: return {"a value is larger than " + std::to_string(kMaxValueBytes >> 20) + " MiB", where};
    case SQLITE_NOMEM: return {"out of memory", where};
    default: return {std::string("the database refused: ") + e.what(), where};
  }
}

trace::Error printable(trace::Error error) {
  for (char& c : error.what)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return error;
}

int schema_version(SQLite::Database& database) {
  return static_cast<int>(database.execAndGet("PRAGMA user_version").getInt64());
}

void migrate(SQLite::Database& database, Migrations migrations, const std::string& where) {
  check_version(database, migrations, where);
  if (schema_version(database) == static_cast<int>(migrations.size())) return;
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  // Again under the lock: another process may have come first.
  check_version(database, migrations, where);
  for (size_t version = static_cast<size_t>(schema_version(database)); version < migrations.size(); ++version)
    database.exec(migrations[version]);
  database.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
  database.exec("PRAGMA user_version = " + std::to_string(migrations.size()));
  transaction.commit();
}

std::unique_ptr<SQLite::Database> open_read_write(const std::string& path, const OpenOptions& options) {
  check_path(path, false);
  create_folder_of(path);
  auto database = std::make_unique<SQLite::Database>(
      path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | kOneThread, options.busy_timeout_ms);
  set_limits(*database);
  check_owner(*database, true, path);
  // In a file that is new, so that purged runs give their space back. In another it would be a needless write.
  if (database->execAndGet("PRAGMA page_count").getInt64() == 0) database->exec("PRAGMA auto_vacuum = INCREMENTAL");
  use_log(*database, options.busy_timeout_ms);
  database->exec("PRAGMA synchronous = FULL");   // a finished run survives a power cut too
  database->exec("PRAGMA journal_size_limit = 67108864");
  database->exec("PRAGMA foreign_keys = ON");
  const int before = schema_version(*database);
  migrate(*database, options.migrations, path);
  // Out of the log into the file, so that whoever looks at the file alone sees whose it is.
  if (schema_version(*database) != before) database->exec("PRAGMA wal_checkpoint(PASSIVE)");
  return database;
}

std::unique_ptr<SQLite::Database> open_read_only(const std::string& path, const OpenOptions& options) {
  check_path(path, true);
  auto database = std::make_unique<SQLite::Database>(path, SQLite::OPEN_READONLY | kOneThread, options.busy_timeout_ms);
  try {
    application_id(*database);
  } catch (const SQLite::Exception& e) {
    // In a folder where nothing may be written the shared memory of the log can't be made. Without a log nobody is
    // writing, and the file alone holds everything.
    std::error_code error;
    const bool log = fs::file_size(path + "-wal", error) > 0 && !error;
    if ((e.getErrorCode() != SQLITE_CANTOPEN && e.getErrorCode() != SQLITE_READONLY) || log) throw;
    database = std::make_unique<SQLite::Database>(file_uri(path, "mode=ro&immutable=1"),
                                                  SQLite::OPEN_READONLY | SQLite::OPEN_URI | kOneThread,
                                                  options.busy_timeout_ms);
  }
  set_limits(*database);
  check_owner(*database, false, path);
  check_version(*database, options.migrations, path);
  if (schema_version(*database) < static_cast<int>(options.migrations.size()))
    refuse_store("schema " + std::to_string(schema_version(*database)) + " is older than this program's " +
               std::to_string(options.migrations.size()) + " and can't be migrated read-only",
           path);
  return database;
}

std::unique_ptr<SQLite::Database> create_bundle(const std::string& path, const OpenOptions& options) {
  auto database = std::make_unique<SQLite::Database>(path,
                                                     SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | kOneThread);
  set_limits(*database);
  database->exec("PRAGMA journal_mode = DELETE");
  database->exec("PRAGMA synchronous = FULL");
  database->exec("PRAGMA foreign_keys = ON");
  migrate(*database, options.migrations, path);
  return database;
}

std::string file_uri(const std::string& path, const std::string& parameters) {
  std::string uri = "file:";
  for (const char c : fs::absolute(path).string()) {
    if (c == '%' || c == '?' || c == '#') {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "%%%02X", static_cast<unsigned char>(c));
      uri += escaped;
    } else {
      uri += c;
    }
  }
  return uri + "?" + parameters;
}

bool has_our_header(const std::string& path) {
  // "SQLite format 3\0", and the application id, big-endian, at byte 68.
  constexpr size_t kIdAt = 68;
  std::array<char, kIdAt + 4> header{};
  std::ifstream in(path, std::ios::binary);
  if (!in.read(header.data(), header.size())) return false;
  uint32_t id = 0;
  for (size_t i = 0; i < 4; ++i) id = id << 8 | static_cast<unsigned char>(header[kIdAt + i]);
  return std::memcmp(header.data(), "SQLite format 3", 16) == 0 && id == kApplicationId;
}

}  // namespace db
