// One connection to a database file: opened, told from other files, migrated. Errors leave db/ as trace::Error.
// REQUIRES: used by one thread at a time.
#pragma once
#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <type_traits>

#include "db/schema.h"
#include "db/sql.h"
#include "trace/result.h"

namespace db {

// Thrown inside db/ for what a person can act on; guarded() hands it on.
struct Refusal : std::exception {
  explicit Refusal(trace::Error e) : error(std::move(e)) {}
  trace::Error error;
};

template <class T>
T value_or_throw(trace::Result<T> result) {
  if (!result) throw Refusal(result.error());
  return std::move(result).value();
}

// The longest text or blob in a store, so that every store can be sent as a bundle and a hostile bundle stays small.
inline constexpr int kMaxValueBytes = 16 << 20;

// What went wrong in words that a person can act on; `where` = the file.
trace::Error explain(const SQLite::Exception&, int system_error, const std::string& where);

// On one line and without control characters: part of it may come from the file.
trace::Error printable(trace::Error);

// Runs f and turns what it throws into an Error. `connection` tells the operating system's error; may be null.
template <class F>
auto guarded(const std::string& where, const SQLite::Database* connection, F&& f)
    -> trace::Result<std::conditional_t<std::is_void_v<decltype(f())>, trace::Ok, decltype(f())>> {
  try {
    if constexpr (std::is_void_v<decltype(f())>) {
      f();
      return trace::Ok{};
    } else {
      return f();
    }
  } catch (const Refusal& e) {
    return printable(e.error);
  } catch (const BadData& e) {
    return printable({"damaged or not ours: " + std::string(e.what()), where});
  } catch (const SQLite::Exception& e) {
    return printable(explain(e, connection ? sqlite3_system_errno(connection->getHandle()) : 0, where));
  } catch (const std::filesystem::filesystem_error& e) {
    return trace::Error{e.code().message(), where};
  } catch (const std::bad_alloc&) {
    return trace::Error{"out of memory", where};
  }
}

struct OpenOptions {
  int busy_timeout_ms = 5000;
  Migrations migrations = db::migrations();
};

// For a store. Creates the file and its folder, or migrates an older one forward. Throws.
std::unique_ptr<SQLite::Database> open_read_write(const std::string& path, const OpenOptions&);
// Throws; an older schema is refused, as it can't be migrated.
std::unique_ptr<SQLite::Database> open_read_only(const std::string& path, const OpenOptions&);
// A fresh file in the schema of a store, for a bundle: no log beside it. REQUIRES: nothing is at path. Throws.
std::unique_ptr<SQLite::Database> create_bundle(const std::string& path, const OpenOptions&);

// Brings the database to the last version in one transaction; two processes may try at once. Throws, and then
// nothing has changed. error: newer than the list, naming both versions.
void migrate(SQLite::Database&, Migrations, const std::string& where);

int schema_version(SQLite::Database&);

// `file:` URI of a path, with what SQLite would take for a parameter escaped.
std::string file_uri(const std::string& path, const std::string& parameters);

// Whether it starts as SQLite files do and carries our application id. nullopt: can't be read or is another thing.
bool has_our_header(const std::string& path);

}  // namespace db
