// Several processes on one store, and processes that die while they write.
#include <unistd.h>

#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <memory>
#include <set>
#include <sstream>

#include "db/bundle.h"
#include "db/store_access.h"
#include "tests/db/store_check.h"
#include "tests/support/forked.h"
#include "tests/support/random_run.h"
#include "tests/support/temp_folder.h"

using namespace tests;

namespace {

// The run that a writer stores under this number: made again by whoever checks it. The note carries the number.
trace::Run numbered_run(uint64_t seed, int64_t number, int events) {
  Random random(seed * 1000003 + static_cast<uint64_t>(number));
  trace::Run run = random_run(random, events);
  run.note = std::to_string(number);
  return run;
}

trace::AbResult numbered_ab(uint64_t seed, int64_t number, int events) {
  Random random(seed * 1000003 + static_cast<uint64_t>(number));
  trace::AbResult ab = random_ab(random, events);
  for (auto* arm : {&ab.a, &ab.b}) {
    trace::Run run = **arm;
    run.note = std::to_string(number);
    *arm = std::make_shared<const trace::Run>(run);
  }
  return ab;
}

// Saves runs and A/Bs for ever, and says after each "number id".
void write_for_ever(const std::string& path, uint64_t seed, int64_t number, const Child::Report& report) {
  auto store = db::Store::open(path);
  if (!store.ok()) return report("error " + store.error().line() + "\n");
  for (;; ++number) {
    int64_t id = 0;
    if (number % 4 == 3) {
      const auto saved = store->save_ab(numbered_ab(seed, number, 300));
      if (!saved.ok()) return report("error " + saved.error().line() + "\n");
      id = saved->a;
    } else {
      const auto saved = store->save(numbered_run(seed, number, 1500));
      if (!saved.ok()) return report("error " + saved.error().line() + "\n");
      id = *saved;
    }
    report(std::to_string(number) + " " + std::to_string(id) + "\n");
  }
}

// What a writer reported as finished is there, exactly; returns the next free number.
int64_t check_finished(db::Store& store, uint64_t seed, const std::string& reports, int64_t number) {
  std::istringstream lines(reports);
  int64_t id = 0;
  for (; lines >> number >> id; ++number) {
    INFO("run " << id << ", number " << number);
    if (number % 4 == 3) {
      CHECK(difference(numbered_ab(seed, number, 300), must(store.load_ab(id))) == "");
    } else {
      CHECK(difference(numbered_run(seed, number, 1500), must(store.load(id))) == "");
    }
  }
  CHECK(reports.find("error") == std::string::npos);
  return number;
}

// What was not reported is there as a whole or not at all: every run there is equals what was to be written.
void check_everything(db::Store& store, uint64_t seed) {
  for (const trace::Run& listed : must(store.list())) {
    const int64_t number = std::stoll(listed.note);
    INFO("run " << listed.id << ", number " << number);
    if (number % 4 == 3) {
      CHECK(difference(numbered_ab(seed, number, 300), must(store.load_ab(listed.id))) == "");
    } else {
      CHECK(difference(numbered_run(seed, number, 1500), must(store.load(listed.id))) == "");
    }
  }
}

}  // namespace

TEST_CASE("a process killed while recording loses at most the run being written") {
  INFO("seed " << Catch::getSeed());
  Random random(Catch::getSeed());
  TempFolder folder;
  const std::string path = folder / "runs.db";
  int64_t number = 0;
  size_t finished = 0;
  for (int round = 0; round < 20; ++round) {
    Child child([&](const Child::Report& report) { write_for_ever(path, Catch::getSeed(), number, report); });
    // Now and then early, perhaps while it opens; else after a run, however slow the machine is.
    std::string reports = round % 2 ? child.read() : "";
    ::usleep(static_cast<useconds_t>(pick(random, 2000, 90000)));
    child.kill();
    reports += child.read_all();
    child.wait();
    db::Store store = open_store(path);
    CHECK(db::StoreAccess::database(store).execAndGet("PRAGMA quick_check").getString() == "ok");
    const int64_t next = check_finished(store, Catch::getSeed(), reports, number);
    finished += static_cast<size_t>(next - number);
    number = next + 1;   // the one under way may be there too
  }
  CHECK(finished > 0);
  db::Store store = open_store(path);
  check_everything(store, Catch::getSeed());
}

TEST_CASE("a process killed while exporting leaves the old bundle or the new one") {
  INFO("seed " << Catch::getSeed());
  Random random(Catch::getSeed());
  TempFolder folder;
  const std::string path = folder / "runs.db", bundle = folder / "x.decodescope";
  {
    db::Store store = open_store(path);
    for (int i = 0; i < 3; ++i) must(store.save(random_run(random, 2000)));
    must(db::export_bundle(store, {1}, bundle));
  }
  for (int round = 0; round < 10; ++round) {
    Child child([&](const Child::Report& report) {
      auto store = db::Store::open(path);
      const std::vector<int64_t> one{1}, two{2, 3};
      for (int i = 0; store.ok(); ++i)
        report(db::export_bundle(*store, i % 2 ? one : two, bundle).ok() ? "+" : "-");
    });
    ::usleep(static_cast<useconds_t>(pick(random, 2000, 60000)));
    child.kill();
    CHECK(child.read_all().find('-') == std::string::npos);
    child.wait();
    const size_t runs = must(db::read_bundle(bundle)).size();
    CHECK((runs == 1 || runs == 2));
  }
}

TEST_CASE("readers see whole runs while another process writes") {
  INFO("seed " << Catch::getSeed());
  TempFolder folder;
  const std::string path = folder / "runs.db";
  open_store(path);
  Child writer([&](const Child::Report& report) { write_for_ever(path, Catch::getSeed(), 0, report); });
  db::Store reader = open_store(path, db::Mode::read_only);
  std::set<int64_t> seen;
  std::string reports;
  while (seen.size() < 12 && reports.find("error") == std::string::npos) {
    for (const trace::Run& run : must(reader.list({.limit = 3}))) {
      if (seen.contains(run.id) || std::stoll(run.note) % 4 == 3) continue;
      CHECK(difference(numbered_run(Catch::getSeed(), std::stoll(run.note), 1500), must(reader.load(run.id))) == "");
      seen.insert(run.id);
    }
    reports += writer.read();   // waits for the next run
  }
  CHECK(reports.find("error") == std::string::npos);
  CHECK(seen.size() >= 12);
}

TEST_CASE("processes that make and write one store at the same time lose nothing") {
  INFO("seed " << Catch::getSeed());
  TempFolder folder;
  const std::string path = folder / "runs.db";
  constexpr int kWriters = 4, kRuns = 5;
  {
    std::vector<std::unique_ptr<Child>> writers;
    for (int w = 0; w < kWriters; ++w)
      writers.push_back(std::make_unique<Child>([&, w](const Child::Report& report) {
        auto store = db::Store::open(path);
        if (!store.ok()) return report(store.error().line());
        for (int i = 0; i < kRuns; ++i) {
          const auto saved = store->save(numbered_run(Catch::getSeed(), w * kRuns + i, 200));
          if (!saved.ok()) report(saved.error().line());
        }
      }));
    for (const auto& writer : writers) CHECK(writer->read_all() == "");
  }
  db::Store store = open_store(path);
  std::set<std::string> notes;
  for (const trace::Run& run : must(store.list())) {
    notes.insert(run.note);
    CHECK(difference(numbered_run(Catch::getSeed(), std::stoll(run.note), 200), must(store.load(run.id))) == "");
  }
  CHECK(notes.size() == kWriters * kRuns);
}
