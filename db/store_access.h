// The inside of a Store, for the other files of db/ and for tests.
#pragma once
#include <SQLiteCpp/SQLiteCpp.h>

#include <memory>
#include <string>

#include "db/connection.h"
#include "db/store.h"

namespace db {

struct Store::Impl {
  std::string path;
  Mode mode = Mode::read_write;
  std::unique_ptr<SQLite::Database> database;
};

struct StoreAccess {
  static SQLite::Database& database(Store& store) { return *store.m_impl->database; }
  static Mode mode(const Store& store) { return store.m_impl->mode; }
  // Store::open with other migrations or a shorter wait.
  static trace::Result<Store> open(const std::string& path, Mode, const OpenOptions&);
};

}  // namespace db
