// A million records: everything is found again, and the file is never wholly in memory.
#include <catch2/catch_test_macros.hpp>

#include "tests/support/temp_folder.h"
#include "trace/bench_import.h"
#include "trace/formats.h"
#include "trace/generate_kineto.h"

TEST_CASE("import: a million records in less than 1.5 times their size") {
  const tests::TempFolder folder;
  const auto totals =
      trace::generate_kineto_file({.events = 1'000'000, .seed = 4}, folder / "x.json");
  REQUIRE(totals.ok());
  const auto row = trace::bench_import(folder / "x.json", 1);
  REQUIRE(row.ok());
  CHECK(row->events == totals->events);
  CHECK(row->raw_bytes == totals->bytes);
  CHECK(static_cast<double>(row->peak_rss_bytes) < 1.5 * static_cast<double>(row->raw_bytes));
  const auto imported = trace::import_file(folder / "x.json");
  REQUIRE(imported.ok());
  CHECK(static_cast<int64_t>(imported->trace->events.size()) == totals->kernels + totals->copies);
  CHECK(static_cast<int64_t>(imported->trace->calls.size()) == totals->calls);
  CHECK(imported->report.warnings.empty());
}
