// SqliteColumns: what the thread hands over is what the table holds, over many blocks, whatever the types; and it ends
// when nobody wants more.
#include <catch2/catch_test_macros.hpp>

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
  trace::SqliteColumns rows(*file, file->list("t", "", {"id", "a", "b", "missing"}), "FROM t");
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
  trace::SqliteColumns rows(*file, "v", "FROM t");
  const std::optional<int64_t> expected[] = {42, 43, {}, {}, {}, INT64_MAX, {}, {}};
  for (const auto& value : expected) {
    REQUIRE(rows.next());
    CHECK(rows.integer(0) == value);
  }
  CHECK_FALSE(rows.next());
}

TEST_CASE("SQLite columns: left in the middle of a table, or before its first row") {
  const tests::TempFolder folder;
  tests::SqliteMaker db(folder / "x.db");
  db.table("t", "a");
  db.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) INSERT INTO t SELECT i FROM n");
  const trace::ImportOptions options;
  const auto file = opened(db.close(), options);
  for (const int wanted : {0, 1, 3000}) {
    trace::SqliteColumns rows(*file, "a", "FROM t");
    for (int i = 0; i < wanted; ++i) REQUIRE(rows.next());
  }
  trace::SqliteColumns none(*file, "a", "FROM no_such_table");
  CHECK_FALSE(none.next());
  CHECK(file->problem().find("no_such_table") != std::string::npos);
}
