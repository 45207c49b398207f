#include "db/bundle.h"

#include <sys/stat.h>

#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>

#include "db/store_access.h"
#include "tests/db/store_check.h"
#include "tests/support/random_run.h"
#include "tests/support/temp_folder.h"

using namespace tests;
namespace fs = std::filesystem;

namespace {

trace::AbResult loaded_ab(db::Store& store, int64_t run) { return must(store.load_ab(run)); }

}  // namespace

TEST_CASE("runs and A/Bs go through a bundle unchanged") {
  INFO("seed " << Catch::getSeed());
  Random random(Catch::getSeed());
  TempFolder folder;
  db::Store from = open_store(folder / "from.db");
  const trace::Run single = random_run(random, 60);
  const int64_t id = must(from.save(single));
  const trace::AbResult ab = random_ab(random, 40);
  const db::SavedAb saved = must(from.save_ab(ab));
  must(from.set_note(id, "look at the join"));
  must(from.set_tags(id, "stall join"));

  const std::string path = folder / "a b#100%?.decodescope";
  must(db::export_bundle(from, {saved.b, id, saved.a, id}, path));
  CHECK(db::is_bundle(path));
  for (const auto& entry : fs::directory_iterator(folder.path()))   // nothing beside it
    CHECK((entry.path().extension() == ".decodescope" || entry.path().filename().string().starts_with("from.db")));

  SECTION("into another store") {
    db::Store to = open_store(folder / "to.db");
    must(to.save(random_run(random, 3)));
    const db::BundleImport imported = must(db::import_bundle(path, to));
    REQUIRE(imported.runs.size() == 3);
    CHECK(imported.abs == 1);
    for (const auto& run : imported.runs) CHECK_FALSE((run.existed || run.restored));
    const trace::Run back = must(to.load(imported.runs[1].id));
    CHECK(back.note == "look at the join");
    CHECK(back.tags == "stall join");
    CHECK(difference(must(from.load(id)), back) == "");
    CHECK(difference(ab, loaded_ab(to, imported.runs[0].id)) == "");

    const db::BundleImport again = must(db::import_bundle(path, to));
    CHECK(again.abs == 0);
    for (size_t i = 0; i < 3; ++i) CHECK((again.runs[i].existed && again.runs[i].id == imported.runs[i].id));
    CHECK(must(to.list()).size() == 4);
    must(to.remove(imported.runs[1].id));
    CHECK(must(db::import_bundle(path, to)).runs[1].restored);
    CHECK(must(to.list()).size() == 4);
  }
  SECTION("as plain input") {
    const auto runs = must(db::read_bundle(path));
    REQUIRE(runs.size() == 3);
    CHECK(difference(runs[0], *ab.b) == "");
    CHECK(difference(runs[2], *ab.a) == "");
    CHECK(runs[1].name == single.name);
    CHECK((runs[0].id == 0 && runs[0].ab_arm == 'b' && runs[2].ab_arm == 'a' && runs[0].ab_id == runs[2].ab_id));
  }
  SECTION("the same name with other content is another run") {
    db::Store to = open_store(folder / "to.db");
    trace::Run other = must(from.load(id));
    other.device += "!";   // same date, host, steps and trace: only a comparison tells them apart
    must(to.save(other));
    CHECK_FALSE(must(db::import_bundle(path, to)).runs[1].existed);
  }
}

TEST_CASE("an arm exported alone is a plain run, and its A/B comes when both arms are there") {
  Random random(Catch::getSeed());
  TempFolder folder;
  db::Store from = open_store(folder / "from.db"), to = open_store(folder / "to.db");
  const trace::AbResult ab = random_ab(random, 10);
  const db::SavedAb saved = must(from.save_ab(ab));
  must(db::export_bundle(from, {saved.a}, folder / "a.decodescope"));
  must(db::export_bundle(from, {saved.a, saved.b}, folder / "ab.decodescope"));
  const int64_t a = must(db::import_bundle(folder / "a.decodescope", to)).runs[0].id;
  CHECK(must(to.load(a)).ab_id == 0);
  const db::BundleImport both = must(db::import_bundle(folder / "ab.decodescope", to));
  CHECK((both.runs[0].existed && both.runs[0].id == a && !both.runs[1].existed && both.abs == 1));
  CHECK(difference(ab, loaded_ab(to, a)) == "");
}

TEST_CASE("an export that fails leaves what was there") {
  Random random(Catch::getSeed());
  TempFolder folder;
  db::Store store = open_store(folder / "runs.db");
  const int64_t id = must(store.save(random_run(random, 5)));
  const std::string path = folder / "x.decodescope";
  std::ofstream(path) << "precious";
  const auto line = [&](const std::vector<int64_t>& ids, const std::string& to) {
    return line_of(db::export_bundle(store, ids, to));
  };
  CHECK(line({id, 77}, path) == "no such run: 77 (it holds run 1), " + store.path());
  CHECK(line({}, path) == "no runs given to export, " + path);
  CHECK(line({id}, store.path()) == "is the store itself, " + store.path());
  CHECK(line({id}, folder.path()) == "is a folder, " + folder.path());
  CHECK(line({id}, folder / "no/such/x.decodescope") == "no such folder, " + (folder / "no/such"));
  CHECK(line({id}, "") == "no file name given for the bundle, --to");
  must(store.remove(id));
  CHECK(line({id}, path) == "run 1 was removed, " + store.path());
  std::string content;
  std::getline(std::ifstream(path), content);
  CHECK(content == "precious");
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) <= 4);   // store, its log, x

  must(store.undo_remove(id));
  must(db::export_bundle(store, {id}, path));   // takes the place of the old file
  CHECK(must(db::read_bundle(path)).size() == 1);
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0400) != 0);
}

TEST_CASE("a bundle opens from a folder and a file where nothing can be written") {
  Random random(Catch::getSeed());
  TempFolder folder;
  fs::create_directory(folder / "ro");
  const std::string path = folder / "ro/x.decodescope";
  db::Store store = open_store(folder / "runs.db");
  must(db::export_bundle(store, {must(store.save(random_run(random, 5)))}, path));
  ::chmod(path.c_str(), 0444);
  ::chmod((folder / "ro").c_str(), 0555);
  CHECK(must(db::read_bundle(path)).size() == 1);
  CHECK(std::distance(fs::directory_iterator(folder / "ro"), fs::directory_iterator()) == 1);
  ::chmod((folder / "ro").c_str(), 0755);
}

TEST_CASE("what is no bundle is told so") {
  TempFolder folder;
  const auto line = [&](const std::string& path) { return line_of(db::read_bundle(path)); };
  CHECK(line(folder / "none").starts_with("can't be read: No such file"));
  CHECK(line(folder.path()) == "is a folder, not a bundle, " + folder.path());
  std::ofstream(folder / "text.decodescope") << "{\"traceEvents\": []}";
  CHECK(line(folder / "text.decodescope") == "not a .decodescope bundle, " + (folder / "text.decodescope"));
  std::ofstream(folder / "empty.decodescope");
  CHECK(line(folder / "empty.decodescope") == "not a .decodescope bundle, " + (folder / "empty.decodescope"));
  CHECK_FALSE(db::is_bundle(folder / "text.decodescope"));
  CHECK_FALSE(db::is_bundle(folder / "none"));
  {
    SQLite::Database other(folder / "other.db", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    other.exec("CREATE TABLE run (id INTEGER)");
  }
  CHECK(line(folder / "other.db") == "not a .decodescope bundle, " + (folder / "other.db"));
  db::Store store = open_store(folder / "runs.db");
  must(store.save({}));
  CHECK(line(store.path()).starts_with("a store in use, not a bundle: "));
}

TEST_CASE("a closed store reads as a bundle of all its runs, an empty one says it is empty") {
  TempFolder folder;
  { open_store(folder / "runs.db"); }
  CHECK(line_of(db::read_bundle(folder / "runs.db")) == "the bundle holds no runs, " + (folder / "runs.db"));
  {
    db::Store store = open_store(folder / "runs.db");
    must(store.save({}));
    must(store.save({}));
    must(store.remove(1));
  }
  CHECK(must(db::read_bundle(folder / "runs.db")).size() == 1);
}

TEST_CASE("a store opened read-only takes no bundle") {
  TempFolder folder;
  { open_store(folder / "runs.db"); }
  db::Store store = open_store(folder / "runs.db", db::Mode::read_only);
  CHECK(line_of(db::import_bundle(folder / "x", store)) == "the store is open read-only, " + store.path());
}
