// Runs of 100,000 events and more, the size that the store must take within a second: exact, and how long it took.
#include <SQLiteCpp/SQLiteCpp.h>

#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <filesystem>

#include "db/bundle.h"
#include "tests/db/store_check.h"
#include "tests/support/random_run.h"
#include "tests/support/temp_folder.h"

using namespace tests;

namespace {

template <class F>
double milliseconds(F&& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

TEST_CASE("a run of 100,000 events goes in and out exactly") {
  INFO("seed " << Catch::getSeed());
  Random random(Catch::getSeed());
  TempFolder folder;
  const trace::Run run = random_run(random, 100'000);
  db::Store store = open_store(folder / "runs.db");
  trace::Run back;
  int64_t id = 0;
  const double save_ms = milliseconds([&] { id = must(store.save(run)); });
  const double load_ms = milliseconds([&] { back = must(store.load(id)); });
  CHECK(difference(run, back) == "");
  const double export_ms = milliseconds([&] { must(db::export_bundle(store, {id}, folder / "x.decodescope")); });
  db::Store other = open_store(folder / "other.db");
  const double import_ms = milliseconds([&] { must(db::import_bundle(folder / "x.decodescope", other)); });
  CHECK(difference(run, must(other.load(1))) == "");
  const auto bytes = std::filesystem::file_size(folder / "x.decodescope");
  WARN("saved in " << save_ms << " ms, loaded in " << load_ms << " ms, bundle out " << export_ms << " ms, in "
                   << import_ms << " ms, " << static_cast<double>(bytes) / 1e5 << " bytes an event");
}

TEST_CASE("of a long run two threads read a half each, and what is wrong in either is said") {
  INFO("seed " << Catch::getSeed());
  Random random(Catch::getSeed());
  TempFolder folder;
  const std::string path = folder / "runs.db";
  const trace::Run run = random_run(random, 150'001);
  int64_t id = 0;
  {
    db::Store store = open_store(path);
    id = must(store.save(run));
  }
  const auto loaded_after = [&](const std::string& sql) {
    std::filesystem::copy_file(path, folder / "changed.db", std::filesystem::copy_options::overwrite_existing);
    SQLite::Database(folder / "changed.db", SQLite::OPEN_READWRITE).exec(sql);
    db::Store store = open_store(folder / "changed.db");
    const auto back = store.load(id);
    return back.ok() ? difference(run, *back) : back.error().what;
  };
  CHECK(loaded_after("SELECT 1") == "");
  CHECK(loaded_after("DELETE FROM event WHERE i = 10").find("row 10 is missing") != std::string::npos);
  CHECK(loaded_after("DELETE FROM event WHERE i = 140000").find("row 140000 is missing") != std::string::npos);
  CHECK(loaded_after("DELETE FROM event WHERE i = 75000").find("row 75000 is missing") != std::string::npos);
  CHECK(loaded_after("UPDATE event SET i = -3 WHERE i = 0").find("row 0 is missing") != std::string::npos);
  CHECK(loaded_after("UPDATE event SET i = 60000000 WHERE i = 149999").find("row 149999 is missing") != std::string::npos);
  CHECK(loaded_after("UPDATE event SET lane = 5000000000 WHERE i = 120000").find("out of range") != std::string::npos);
  std::filesystem::permissions(path, std::filesystem::perms::owner_read);
  CHECK(difference(run, must(open_store(path, db::Mode::read_only).load(id))) == "");
}
