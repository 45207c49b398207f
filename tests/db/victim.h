// A sound bundle and a store that is to take damaged copies of it. Whatever is in a copy, the answer is the runs or
// one clear line, and the store is as before: import_*() check that.
#pragma once
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <fstream>
#include <sstream>
#include <string>

#include "db/bundle.h"
#include "db/store_access.h"
#include "tests/db/store_check.h"
#include "tests/support/random_run.h"
#include "tests/support/temp_folder.h"

namespace tests {

inline std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

inline void put(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// A bundle of one A/B and one more run, and a store that is to take damaged copies of it.
class Victim {
 public:
  Victim() : m_random(Catch::getSeed()), m_store(open_store(m_folder / "runs.db")) {
    db::Store from = open_store(m_folder / "from.db");
    const db::SavedAb ab = must(from.save_ab(random_ab(m_random, 60)));
    trace::Run run = random_run(m_random, 80);
    trace::Trace t = *run.trace;
    t.edges.push_back({0, 1});
    if (t.details.empty()) t.details.resize(1);
    run.trace = std::make_shared<const trace::Trace>(t);
    run.spec.emplace();
    run.report.emplace();
    run.step_us = {1, 2};
    const int64_t third = must(from.save(run));
    must(db::export_bundle(from, {ab.a, ab.b, third}, m_folder / "sound.decodescope"));
    m_sound = bytes_of(m_folder / "sound.decodescope");
  }

  Random& random() { return m_random; }
  const std::string& sound() const { return m_sound; }
  std::string path() const { return m_folder / "x.decodescope"; }

  // "" when it was taken, which then is undone; the error's line without the file's name otherwise.
  std::string import_bytes(const std::string& bytes) {
    put(path(), bytes);
    return import_file();
  }
  std::string import_file() {
    const auto result = db::import_bundle(path(), m_store);
    if (result.ok()) {
      for (const trace::Run& run : must(m_store.list())) must(m_store.remove(run.id));
      must(m_store.purge(std::chrono::seconds(0)));
      return "";
    }
    CHECK(must(m_store.list()).empty());
    CHECK(result.error().where == path());
    CHECK_FALSE(result.error().what.empty());
    CHECK(result.error().what.find('\n') == std::string::npos);
    return result.error().what;
  }
  // After these statements on a copy, by someone without scruples.
  std::string import_after(const std::string& sql) {
    put(path(), m_sound);
    change(sql);
    return import_file();
  }
  void change(const std::string& sql) {
    SQLite::Database database(path(), SQLite::OPEN_READWRITE);
    sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_DEFENSIVE, 0, nullptr);
    database.exec("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON");
    database.exec(sql);
  }
  // Values of any type in one table: strict for us, not for whoever wrote it.
  std::string import_untyped(const std::string& table, const std::string& sql) {
    put(path(), m_sound);
    const std::string where = " WHERE name = '" + table + "'";
    change("CREATE TABLE kept AS SELECT sql FROM sqlite_schema" + where +
           "; PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(replace(replace(sql, 'STRICT, "
           "WITHOUT', 'WITHOUT'), 'STRICT', ''), 'NOT NULL', '')" + where);
    change(sql);
    change("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = (SELECT sql FROM kept)" + where);
    change("DROP TABLE kept");
    return import_file();
  }

 private:
  Random m_random;
  TempFolder m_folder;
  db::Store m_store;
  std::string m_sound;
};

}  // namespace tests
