#include "db/store.h"

#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>

#include "tests/db/store_check.h"
#include "tests/support/random_run.h"
#include "tests/support/temp_folder.h"

using namespace tests;

namespace {

std::vector<int64_t> ids(db::Store& store, const db::RunFilter& filter = {}) {
  std::vector<int64_t> out;
  for (const trace::Run& run : must(store.list(filter))) out.push_back(run.id);
  return out;
}

trace::Run named(const std::string& name) {
  trace::Run run;
  run.name = name;
  run.created = "2025-11-21T08:00:00Z";
  return run;
}

}  // namespace

TEST_CASE("runs come back from the store as they were saved") {
  INFO("seed " << Catch::getSeed());
  Random random(Catch::getSeed());
  TempFolder folder;
  std::vector<std::pair<int64_t, trace::Run>> saved;
  {
    db::Store store = open_store(folder / "runs.db");
    for (int i = 0; i < 25; ++i) {
      const trace::Run run = random_run(random, i * 7);
      saved.emplace_back(must(store.save(run)), run);
    }
  }
  db::Store store = open_store(folder / "runs.db", db::Mode::read_only);
  for (const auto& [id, run] : saved) {
    const trace::Run back = must(store.load(id));
    CHECK(difference(run, back) == "");
    CHECK(back.id == id);
    CHECK(back.ab_id == 0);
  }
}

TEST_CASE("a run without a trace, and one with an empty trace, stay so") {
  TempFolder folder;
  db::Store store = open_store(folder / "runs.db");
  trace::Run run = named("bare");
  const int64_t bare = must(store.save(run));
  trace::Trace empty;
  empty.strings = empty.ops = {""};
  run.trace = std::make_shared<const trace::Trace>(empty);
  const int64_t with = must(store.save(run));
  CHECK(must(store.load(bare)).trace == nullptr);
  REQUIRE(must(store.load(with)).trace);
  CHECK(*must(store.load(with)).trace == empty);
}

TEST_CASE("a run gets a date when it has none") {
  TempFolder folder;
  db::Store store = open_store(folder / "runs.db");
  const std::string created = must(store.load(must(store.save(trace::Run{})))).created;
  CHECK(created.size() == std::string("2025-11-21T08:18:09Z").size());
  CHECK(created.ends_with("Z"));
}

TEST_CASE("an A/B comes back with both runs and every observation") {
  INFO("seed " << Catch::getSeed());
  Random random(Catch::getSeed());
  TempFolder folder;
  db::Store store = open_store(folder / "runs.db");
  for (int i = 0; i < 10; ++i) {
    trace::AbResult ab = random_ab(random, 20);
    const db::SavedAb saved = must(store.save_ab(ab));
    for (const int64_t arm : {saved.a, saved.b}) CHECK(difference(ab, must(store.load_ab(arm))) == "");
    const trace::AbResult back = must(store.load_ab(saved.b));
    CHECK((back.a->id == saved.a && back.a->ab_arm == 'a' && back.a->ab_id == saved.ab));
    CHECK((back.b->id == saved.b && back.b->ab_arm == 'b' && back.b->ab_id == saved.ab));
    CHECK(must(store.load(saved.a)).ab_arm == 'a');
    // Resumed: more instances, another verdict, the same runs.
    trace::AbResult more = random_ab(random, 5);
    must(store.update_ab(saved.ab, more));
    more.a = ab.a;
    more.b = ab.b;
    CHECK(difference(more, must(store.load_ab(saved.a))) == "");
  }
  CHECK(line_of(store.update_ab(99, random_ab(random, 1))) == "no such A/B: 99, " + store.path());
  const int64_t single = must(store.save(named("single")));
  CHECK(line_of(store.load_ab(single)) ==
        "run " + std::to_string(single) + " is not an arm of an A/B, " + store.path());
}

TEST_CASE("lists are newest first, light, and filtered") {
  TempFolder folder;
  db::Store store = open_store(folder / "runs.db");
  trace::Run run = named("Baseline of Tuesday");
  run.tags = "nightly mi355x";
  run.device = "AMD Instinct MI355X";
  run.step_us = {1, 2, 3};
  run.step = {2, 1, 3, 3};
  run.spec.emplace().model.name = "glm-5";
  must(store.save(run));
  run.name = "Tuesday, 100 % skip_cat";
  run.tags = "night";
  run.spec->model.name = "tiny";
  must<trace::Ok>(run.spec->toggles.set(trace::ToggleKey::cat_skip, "on"));
  run.origin = trace::Origin::engine;
  must(store.save(run));
  must(store.save(named("imported")));
  must(store.set_starred(3, true));

  CHECK(ids(store) == std::vector<int64_t>{3, 2, 1});
  CHECK(ids(store, {.limit = 2}) == std::vector<int64_t>{3, 2});
  CHECK(ids(store, {.text = "tuesday"}) == std::vector<int64_t>{2, 1});
  CHECK(ids(store, {.text = "TUESDAY, baseline"}) == std::vector<int64_t>{1});
  CHECK(ids(store, {.text = "mi355x tiny"}) == std::vector<int64_t>{2});
  CHECK(ids(store, {.text = "glm-5"}) == std::vector<int64_t>{1});
  CHECK(ids(store, {.text = "100 % skip_cat"}) == std::vector<int64_t>{2});   // no wildcards
  CHECK(ids(store, {.text = "skip%cat"}).empty());
  CHECK(ids(store, {.tags = {"night"}}) == std::vector<int64_t>{2});
  CHECK(ids(store, {.tags = {"mi355x", "nightly"}}) == std::vector<int64_t>{1});
  CHECK(ids(store, {.toggles = {{"cat_skip", "on"}}}) == std::vector<int64_t>{2});
  CHECK(ids(store, {.toggles = {{"cat_skip", "off"}}}) == std::vector<int64_t>{1});
  CHECK(ids(store, {.origin = trace::Origin::engine}) == std::vector<int64_t>{2});
  CHECK(ids(store, {.starred = true}) == std::vector<int64_t>{3});
  CHECK(ids(store, {.text = "'; DROP TABLE run; --"}).empty());

  const auto first = must(store.list()).back();
  CHECK(first.step_us.empty());
  CHECK(first.trace == nullptr);
  CHECK((first.step.median == 2 && first.step.n == 3));
  CHECK(first.spec->model.name == "glm-5");
}

TEST_CASE("notes, tags, names and stars are kept") {
  TempFolder folder;
  db::Store store = open_store(folder / "runs.db");
  const int64_t id = must(store.save(named("first")));
  must(store.set_note(id, "slower: see the 3rd stall\nµs"));
  must(store.set_tags(id, " nightly, mi355x  nightly,,tp8 "));
  must(store.set_name(id, "second"));
  must(store.set_starred(id, true));
  const trace::Run run = must(store.load(id));
  CHECK(run.note == "slower: see the 3rd stall\nµs");
  CHECK(run.tags == "nightly mi355x tp8");
  CHECK(run.name == "second");
  CHECK(run.starred);
  must(store.set_starred(id, false));
  CHECK_FALSE(must(store.load(id)).starred);
  CHECK(line_of(store.set_note(9, "x")) == "no such run: 9 (it holds run 1), " + store.path());
}

TEST_CASE("a removed run is hidden, comes back on undo, and is purged later") {
  Random random(Catch::getSeed());
  TempFolder folder;
  db::Store store = open_store(folder / "runs.db");
  const db::SavedAb ab = must(store.save_ab(random_ab(random, 30)));
  const int64_t third = must(store.save(random_run(random, 30)));
  must(store.remove(ab.b));
  CHECK(ids(store) == std::vector<int64_t>{third, ab.a});
  CHECK(ids(store, {.removed = true}) == std::vector<int64_t>{ab.b});
  CHECK(line_of(store.load(ab.b)) == "run 2 was removed, " + store.path());
  CHECK(line_of(store.load_ab(ab.a)) == "run 2 was removed, " + store.path());
  CHECK(line_of(store.remove(ab.b)) == "run 2 was removed, " + store.path());
  CHECK(line_of(store.undo_remove(third)) == "run 3 was not removed, " + store.path());
  must(store.undo_remove(ab.b));
  CHECK(must(store.load_ab(ab.a)).b->id == ab.b);

  must(store.remove(ab.b));
  CHECK(must(store.purge(std::chrono::hours(24))) == 0);
  CHECK(must(store.purge(std::chrono::seconds(0))) == 1);
  CHECK(line_of(store.undo_remove(ab.b)) == "no such run: 2 (it holds runs 1, 3), " + store.path());
  CHECK(must(store.load(ab.a)).ab_id == 0);   // the A/B went with its run
  CHECK(must(store.load(third)).trace);
  must(store.remove(third));
  must(store.purge(std::chrono::seconds(0)));
  CHECK(must(store.save(named("next"))) == 4);   // an id is never used again
}

TEST_CASE("a purge gives the space back") {
  Random random(Catch::getSeed());
  TempFolder folder;
  const std::string path = folder / "runs.db";
  {
    db::Store store = open_store(path);
    for (int i = 0; i < 3; ++i) must(store.save(random_run(random, 5000)));
  }
  const auto before = std::filesystem::file_size(path);
  {
    db::Store store = open_store(path);
    for (int64_t id = 1; id <= 2; ++id) must(store.remove(id));
    CHECK(must(store.purge(std::chrono::seconds(0))) == 2);
  }
  CHECK(std::filesystem::file_size(path) < before / 2);
  db::Store store = open_store(path);
  CHECK(must(store.load(3)).trace->events.size() == 5000);
}

TEST_CASE("a run that is not there is named together with those that are") {
  TempFolder folder;
  db::Store store = open_store(folder / "runs.db");
  CHECK(line_of(store.load(1)) == "no such run: 1 (it holds no runs), " + store.path());
  for (int i = 0; i < 3; ++i) must(store.save(named("run")));
  CHECK(line_of(store.load(7)) == "no such run: 7 (it holds runs 1, 2, 3), " + store.path());
  CHECK(line_of(store.remove(-1)) == "no such run: -1 (it holds runs 1, 2, 3), " + store.path());
  for (int i = 0; i < 8; ++i) must(store.save(named("run")));
  CHECK(line_of(store.load(70)) == "no such run: 70 (it holds 11 runs, the newest is 11), " + store.path());
}

TEST_CASE("a trace that breaks its promises is not stored") {
  Random random(Catch::getSeed());
  TempFolder folder;
  db::Store store = open_store(folder / "runs.db");
  trace::Run run = random_run(random, 10);
  trace::Trace bad = *run.trace;
  bad.events[4].name = 1000;
  run.trace = std::make_shared<const trace::Trace>(bad);
  run.name = "odd";
  CHECK(line_of(store.save(run))
            .starts_with("the trace of run \"odd\" can't be stored: event 4: no such string: 1000"));
  CHECK(ids(store).empty());
}

TEST_CASE("the store lies in the XDG data folder") {
  const char* old_data = std::getenv("XDG_DATA_HOME");
  const std::string kept = old_data ? old_data : "";
  setenv("XDG_DATA_HOME", "/data", 1);
  CHECK(db::default_store_path() == "/data/decodescope/runs.db");
  setenv("XDG_DATA_HOME", "relative", 1);
  CHECK(db::default_store_path().ends_with("/.local/share/decodescope/runs.db"));
  unsetenv("XDG_DATA_HOME");
  CHECK(db::default_store_path() == std::string(std::getenv("HOME")) + "/.local/share/decodescope/runs.db");
  if (old_data) setenv("XDG_DATA_HOME", kept.c_str(), 1);
}
