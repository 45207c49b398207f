#include <catch2/catch_test_macros.hpp>

#include "tests/support/packed.h"
#include "tests/support/temp_folder.h"
#include "trace/bench_import.h"
#include "trace/generate_kineto.h"

TEST_CASE("bench import: figures of a generated file, plain and gzip") {
  const tests::TempFolder folder;
  const auto totals = trace::generate_kineto_file({.events = 5000, .seed = 2}, folder / "x.json");
  REQUIRE(totals.ok());
  std::string text;
  trace::generate_kineto({.events = 5000, .seed = 2}, [&](std::string_view part) { text += part; });
  tests::write_file(folder / "x.json.gz", tests::gzipped(text));
  for (const char* name : {"x.json", "x.json.gz"}) {
    const auto row = trace::bench_import(folder / name, 1);
    REQUIRE(row.ok());
    CHECK(row->events == 5000);
    CHECK(row->raw_bytes == totals->bytes);
    CHECK(row->seconds > 0);
    CHECK(row->simdjson_seconds > 0);
    CHECK(row->peak_rss_bytes > 1 << 20);
  }
  CHECK_FALSE(trace::bench_import(folder / "absent.json").ok());
  CHECK_FALSE(trace::generate_kineto_file({.events = 5, .seed = 2}, folder / "no/x.json").ok());
}
