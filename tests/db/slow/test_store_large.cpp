// A run of 100,000 events, the size that the store must take within a second: exact, and how long it took.
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
