// Opening: files that are not ours, schemas of other versions, folders and disks that refuse.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>

#include "db/store_access.h"
#include "tests/db/store_check.h"
#include "tests/support/forked.h"
#include "tests/support/random_run.h"
#include "tests/support/temp_folder.h"

using namespace tests;
namespace fs = std::filesystem;

namespace {

std::string open_line(const std::string& path, db::Mode mode = db::Mode::read_write,
                      const db::OpenOptions& options = {}) {
  const auto store = db::StoreAccess::open(path, mode, options);
  return store.ok() ? "" : store.error().line();
}

void make_database(const std::string& path, const char* sql) {
  SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  database.exec(sql);
}

std::string in_child(const std::function<std::string()>& work) {
  return Child([&](const Child::Report& report) { report(work()); }).read_all();
}

// Root may write anywhere: the child becomes nobody.
void drop_rights() {
  if (::geteuid() == 0 && (::setegid(65534) != 0 || ::seteuid(65534) != 0)) ::_exit(3);
}

constexpr const char* kSecond = "ALTER TABLE run ADD COLUMN colour TEXT; CREATE TABLE extra (x INTEGER) STRICT";
constexpr const char* kThird = "UPDATE run SET colour = 'blue'; CREATE TABLE more (x INTEGER) STRICT";
constexpr const char* kBroken = "CREATE TABLE half (x INTEGER); INSERT INTO nowhere VALUES (1)";

}  // namespace

TEST_CASE("a store is made with its folder, and carries our mark") {
  TempFolder folder;
  const std::string path = folder / "deep/er/runs.db";
  open_store(path);
  SQLite::Database database(path, SQLite::OPEN_READONLY);
  CHECK(database.execAndGet("PRAGMA application_id").getInt64() == db::kApplicationId);
  CHECK(database.execAndGet("PRAGMA user_version").getInt64() == static_cast<int64_t>(db::migrations().size()));
  CHECK(database.execAndGet("PRAGMA journal_mode").getString() == "wal");
  CHECK(database.execAndGet("PRAGMA quick_check").getString() == "ok");
}

TEST_CASE("files that are no store are told apart") {
  TempFolder folder;
  std::ofstream(folder / "text") << std::string(5000, 'x');
  make_database(folder / "other", "CREATE TABLE t (x); PRAGMA user_version = 3");
  make_database(folder / "signed", "CREATE TABLE t (x); PRAGMA application_id = 252006674");
  make_database(folder / "blank", "PRAGMA user_version = 0; VACUUM");
  CHECK(open_line(folder / "text") == "not a database, " + (folder / "text"));
  const auto other = [&](const std::string& id, const char* name) {
    return "a database of another program (application_id " + id + "), not a Decodescope store, " + (folder / name);
  };
  CHECK(open_line(folder / "other") == other("0x00000000", "other"));
  CHECK(open_line(folder / "signed") == other("0x0f055112", "signed"));
  CHECK(open_line(folder / "blank", db::Mode::read_only) ==
        "an empty database, not a Decodescope store, " + (folder / "blank"));
  CHECK(open_line(folder.path()) == "is a folder, not a store, " + folder.path());
  CHECK(open_line("") == "no file name given for the store, --db");
  CHECK(open_line(folder / "none", db::Mode::read_only) == "no such file, " + (folder / "none"));
  CHECK_FALSE(fs::exists(folder / "none"));
  CHECK(open_line(folder / "text/runs.db").starts_with("can't create the folder of the store: "));
  // None of them was changed.
  make_database(folder / "other", "INSERT INTO t VALUES (1)");
  CHECK(fs::file_size(folder / "text") == 5000);
}

TEST_CASE("a newer schema is refused with both versions") {
  TempFolder folder;
  open_store(folder / "runs.db");
  make_database(folder / "runs.db", "PRAGMA user_version = 41");
  const std::string expected =
      "written by a newer version of the program: schema 41, this program knows up to " + std::to_string(db::migrations().size()) + ", " + (folder / "runs.db");
  CHECK(open_line(folder / "runs.db") == expected);
  CHECK(open_line(folder / "runs.db", db::Mode::read_only) == expected);
}

TEST_CASE("an older schema is migrated step by step and keeps its runs") {
  INFO("seed " << Catch::getSeed());
  Random random(Catch::getSeed());
  TempFolder folder;
  const std::string path = folder / "runs.db";
  const trace::Run run = random_run(random, 50);
  const int64_t id = must(open_store(path).save(run));
  const auto ours = db::migrations();
  std::vector<const char*> next(ours.begin(), ours.end());
  next.insert(next.end(), {kSecond, kThird});
  const std::string now = std::to_string(ours.size()), then = std::to_string(next.size());
  CHECK(open_line(path, db::Mode::read_only, {.migrations = next}) ==
        "schema " + now + " is older than this program's " + then + " and can't be migrated read-only, " + path);
  {
    db::Store store = must(db::StoreAccess::open(path, db::Mode::read_write, {.migrations = next}));
    CHECK(difference(run, must(store.load(id))) == "");
    auto& database = db::StoreAccess::database(store);
    CHECK(database.execAndGet("SELECT colour FROM run").getString() == "blue");
    CHECK(database.execAndGet("PRAGMA user_version").getInt64() == static_cast<int64_t>(next.size()));
  }
  CHECK(open_line(path) == "written by a newer version of the program: schema " + then + ", this program knows up to " + now + ", " + path);
  // From the beginning or by steps: the same text.
  must(db::StoreAccess::open(folder / "fresh.db", db::Mode::read_write, {.migrations = next}));
  const auto schema = [](const std::string& file) {
    SQLite::Database database(file, SQLite::OPEN_READONLY);
    return database.execAndGet("SELECT group_concat(sql) FROM (SELECT sql FROM sqlite_schema ORDER BY name)")
        .getString();
  };
  CHECK(schema(path) == schema(folder / "fresh.db"));
}

TEST_CASE("a migration that fails changes nothing") {
  TempFolder folder;
  const std::string path = folder / "runs.db";
  must(open_store(path).save({}));
  const auto ours = db::migrations();
  std::vector<const char*> next(ours.begin(), ours.end());
  next.insert(next.end(), {kSecond, kBroken});
  CHECK(open_line(path, db::Mode::read_write, {.migrations = next}) ==
        "the database refused: no such table: nowhere, " + path);
  db::Store store = open_store(path);   // still our version
  CHECK(must(store.list()).size() == 1);
  const char* left_over = "SELECT count(*) FROM sqlite_schema WHERE name IN ('extra', 'half')";
  CHECK(db::StoreAccess::database(store).execAndGet(left_over).getInt64() == 0);
}

TEST_CASE("a store that another process holds is said to be in use") {
  TempFolder folder;
  const std::string path = folder / "runs.db";
  must(open_store(path).save({}));
  SQLite::Database other(path, SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE; UPDATE run SET note = 'held'");
  db::Store store = must(db::StoreAccess::open(path, db::Mode::read_write, {.busy_timeout_ms = 20}));
  CHECK(line_of(store.save({})) == "another process is using the store and did not let go in time, " + path);
  CHECK(must(store.list()).size() == 1);   // reading goes on
  other.exec("ROLLBACK");
  CHECK(must(store.save({})) == 2);
}

TEST_CASE("a full disk is said, and earlier runs stay") {
  INFO("seed " << Catch::getSeed());
  Random random(Catch::getSeed());
  TempFolder folder;
  const std::string path = folder / "runs.db";
  db::Store store = open_store(path);
  const trace::Run first = random_run(random, 200);
  const int64_t id = must(store.save(first));
  SECTION("no page more than there are") {
    auto& database = db::StoreAccess::database(store);
    database.exec("PRAGMA max_page_count = " + database.execAndGet("PRAGMA page_count").getString());
    CHECK(line_of(store.save(random_run(random, 5000))) ==
          "no space left: nothing of this was stored, earlier runs are intact, " + path);
    database.exec("PRAGMA max_page_count = 1000000");
  }
  SECTION("the system refuses to let the file grow") {
    const std::string line = in_child([&] {
      std::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{200'000, 200'000};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      auto own = db::Store::open(path);
      if (!own.ok()) return own.error().line();
      return line_of(own->save(random_run(random, 20000)));
    });
    CHECK(line.starts_with("reading or writing failed"));
    CHECK(line.find("nothing of this was stored") != std::string::npos);
  }
  CHECK(must(store.list()).size() == 1);
  CHECK(difference(first, must(store.load(id))) == "");
  CHECK(must(store.save(random_run(random, 5000))) > id);
  CHECK(db::StoreAccess::database(store).execAndGet("PRAGMA quick_check").getString() == "ok");
}

TEST_CASE("a folder without leave to write is said, and reading works there") {
  TempFolder folder;
  fs::permissions(folder.path(), fs::perms::all);
  fs::create_directory(folder / "ro");
  const std::string path = folder / "ro/runs.db";
  must(open_store(path).save({}));
  fs::permissions(path, fs::perms(0444));
  fs::permissions(folder / "ro", fs::perms(0555));
  CHECK(in_child([&] {
          drop_rights();
          return open_line(path);
        }) == "can't be written: the file or its folder is read-only, " + path);
  CHECK(in_child([&] {
          drop_rights();
          auto store = db::Store::open(path, db::Mode::read_only);
          return store.ok() ? std::to_string(store->list()->size()) : store.error().line();
        }) == "1");
  CHECK(in_child([&] {
          drop_rights();
          return open_line(folder / "ro/new.db");
        }) == "can't be opened: Permission denied, " + (folder / "ro/new.db"));
  fs::permissions(path, fs::perms(0000));
  CHECK(in_child([&] {
          drop_rights();
          return open_line(path, db::Mode::read_only);
        }) == "can't be opened: Permission denied, " + path);
  fs::permissions(folder / "ro", fs::perms::all);
}

TEST_CASE("a store opened read-only refuses to change") {
  TempFolder folder;
  const std::string path = folder / "runs.db";
  must(open_store(path).save({}));
  db::Store store = open_store(path, db::Mode::read_only);
  CHECK(must(store.list()).size() == 1);
  CHECK(line_of(store.save({})) == "can't be written: the file or its folder is read-only, " + path);
  CHECK(line_of(store.remove(1)) == "can't be written: the file or its folder is read-only, " + path);
}

TEST_CASE("a damaged store says so") {
  TempFolder folder;
  const std::string path = folder / "runs.db";
  Random random(Catch::getSeed());
  must(open_store(path).save(random_run(random, 3000)));
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096 * 3);
    file << std::string(static_cast<size_t>(fs::file_size(path)) - 4096 * 3, '\x5a');
  }
  const auto store = db::Store::open(path);
  const std::string line = store.ok() ? line_of(const_cast<db::Store&>(*store).load(1)) : store.error().line();
  INFO(line);
  CHECK((line.starts_with("the database is damaged: ") || line.starts_with("damaged or not ours: ")));
}
