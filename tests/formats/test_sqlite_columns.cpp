// SqliteColumns: what the thread hands over is what the table holds, over many blocks, whatever the types; and it ends
// when nobody wants more.
#include <catch2/catch_test_macros.hpp>

#include <utility>

#include "tests/support/expected_figures.h"
#include "tests/support/sqlite_maker.h"
#include "tests/support/temp_folder.h"
#include "trace/import_sqlite_columns.h"

namespace {

std::unique_ptr<trace::SqliteFile> opened(const std::string& path, const trace::ImportOptions& options) {
  auto source = trace::ByteSource::open(path);
  REQUIRE(source.ok());
  const trace::ImportJob job{path, "SQLite", options};
  auto file = trace::SqliteFile::open(**source, job);
  if (!file.ok()) FAIL(file.error().line());
  return std::move(*file);
}

}  // namespace

TEST_CASE("SQLite columns: every row of many blocks, in order") {
  const tests::TempFolder folder;
  tests::SqliteMaker db(folder / "x.db");
  db.table("t", "id INTEGER PRIMARY KEY, a, b");
  db.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO t SELECT i, i * 7, CASE WHEN i % 3 = 0 THEN NULL ELSE -i END FROM n");
  const trace::ImportOptions options;
  const auto file = opened(db.close(), options);
  trace::SqliteColumns rows(*file, file->list("t", "", {"id", "a", "b", "missing"}), {"t"});
  int64_t count = 0;
  bool right = true;
  while (rows.next()) {
    ++count;
    right = right && rows.integer(0) == count && rows.integer_or(1, 0) == count * 7 && rows.integer_or(2, 5) == (count % 3 == 0 ? 5 : -count) && rows.integer(2).has_value() == (count % 3 != 0) &&
            !rows.integer(3) && rows.integer_or(3, 9) == 9;
  }
  CHECK(right);
  CHECK(count == 20000);
  CHECK_FALSE(rows.next());
  CHECK(file->problem().empty());
}

TEST_CASE("SQLite columns: numbers in other clothes, and what is none") {
  const tests::TempFolder folder;
  tests::SqliteMaker db(folder / "x.db");
  db.table("t", "v");
  db.run("INSERT INTO t VALUES ('42'), (43.0), (43.5), ('x'), (x'00'), (9223372036854775807), (1e300), ('')");
  const trace::ImportOptions options;
  const auto file = opened(db.close(), options);
  trace::SqliteColumns rows(*file, "v", {"t"});
  const std::optional<int64_t> expected[] = {42, 43, {}, {}, {}, INT64_MAX, {}, {}};
  for (const auto& value : expected) {
    REQUIRE(rows.next());
    CHECK(rows.integer(0) == value);
  }
  CHECK_FALSE(rows.next());
}

TEST_CASE("SQLite columns: two threads take turns, and the rows stay in the order of their ids") {
  const tests::TempFolder folder;
  tests::SqliteMaker db(folder / "x.db");
  const std::string numbers = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 49999) INSERT INTO ";
  db.table("dense", "a");
  db.run(numbers + "dense SELECT i FROM n");
  db.table("gaps", "id INTEGER PRIMARY KEY, a");   // two heaps of rows, no row in most ranges between them
  db.run(numbers + "gaps SELECT CASE WHEN i < 25000 THEN i - 4000000000 ELSE i * 1000 END, i FROM n");
  db.table("ends", "id INTEGER PRIMARY KEY, a");   // the widest there is
  db.run("INSERT INTO ends VALUES (-9223372036854775807 - 1, 0), (-5, 1), (7, 2), (9223372036854775807, 3)");
  db.table("shadowed", "_rowid_, a");              // no key, though it has its name
  db.run(numbers + "shadowed SELECT NULL, i FROM n");
  db.run("CREATE TABLE keyed (k PRIMARY KEY, a) WITHOUT ROWID");
  db.run(numbers + "keyed SELECT i, i FROM n");
  const trace::ImportOptions options;
  const auto file = opened(db.close(), options);
  const auto in_order = [&](const char* table, int64_t rows_of, const std::string& where, int64_t step) {
    INFO(table);
    trace::SqliteColumns rows(*file, "t.a", {.table = table, .where = where});
    int64_t expected = 0;
    bool right = true;
    while (rows.next()) right = right && rows.integer(0) == std::exchange(expected, expected + step);
    CHECK(right);
    CHECK(expected == rows_of);
    CHECK(file->problem().empty());
  };
  for (const char* table : {"dense", "gaps", "shadowed", "keyed"}) in_order(table, 50000, "", 1);
  for (const char* table : {"dense", "gaps"}) in_order(table, 50000, "t.a % 100 = 0 OR t.a < 0", 100);
  in_order("ends", 4, "", 1);
}

TEST_CASE("SQLite columns: left in the middle of a table, or before its first row") {
  const tests::TempFolder folder;
  tests::SqliteMaker db(folder / "x.db");
  db.table("t", "a");
  db.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) INSERT INTO t SELECT i FROM n");
  const trace::ImportOptions options;
  const auto file = opened(db.close(), options);
  for (const int wanted : {0, 1, 3000}) {
    trace::SqliteColumns rows(*file, "a", {"t"});
    for (int i = 0; i < wanted; ++i) REQUIRE(rows.next());
  }
  trace::SqliteColumns none(*file, "a", {"no_such_table"});
  CHECK_FALSE(none.next());
  CHECK(file->problem().find("no_such_table") != std::string::npos);
}
