// A bundle opened for reading: checked as far as can be before a row is read. Internal to db/.
#pragma once
#include <SQLiteCpp/SQLiteCpp.h>

#include <memory>
#include <string>
#include <vector>

#include "db/connection.h"

namespace db {

inline constexpr int64_t kMaxBundleBytes = int64_t{4} << 30;
inline constexpr int64_t kMaxBundleRuns = 10'000;

class BundleFile {
 public:
  // Throws Refusal, BadData or SQLite::Exception for whatever is not a sound bundle.
  explicit BundleFile(const std::string& path, Migrations = migrations());
  BundleFile(const BundleFile&) = delete;
  BundleFile& operator=(const BundleFile&) = delete;

  const SQLite::Database& database() const { return *m_database; }
  std::vector<int64_t> run_ids() const;

 private:
  void open_checked(const std::string& file, Migrations);
  void migrate_copy(Migrations);

  // Of an older schema, migrated; gone with this object.
  struct TemporaryCopy {
    std::string path;
    ~TemporaryCopy();
  };

  std::string m_path;
  TemporaryCopy m_copy;
  std::unique_ptr<SQLite::Database> m_database;
};

}  // namespace db
