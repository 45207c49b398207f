// Generated files of every profiler: what bench import measures is what importers read, each record of it.
#include <catch2/catch_test_macros.hpp>

#include "tests/support/temp_folder.h"
#include "trace/formats.h"
#include "trace/generate_profiles.h"

TEST_CASE("generated: every format gives the same kernels") {
  tests::TempFolder folder;
  constexpr int64_t kKernels = 3'000;
  trace::TracePtr first;
  for (const auto format : trace::kProfileFormats) {
    const std::string path = folder / std::string(trace::file_name(format));
    INFO(path);
    const auto records = trace::generate_profile(format, kKernels, path);
    REQUIRE(records.ok());
    const auto imported = trace::import_file(path);
    if (!imported.ok()) FAIL(imported.error().line());
    CHECK(imported->report.read == *records);
    CHECK(imported->report.used == *records);
    CHECK(imported->report.warnings.empty());
    REQUIRE(imported->trace->events.size() == kKernels);
    CHECK(imported->trace->lanes.size() == 2);
    if (!first) first = imported->trace;
    for (size_t i = 0; i < kKernels; ++i) {
      const auto &a = first->events[i], &b = imported->trace->events[i];
      REQUIRE((a.start_ns == b.start_ns && a.end_ns == b.end_ns));
      REQUIRE(first->name_of(a) == imported->trace->name_of(b));
    }
  }
  CHECK(!trace::generate_profile(trace::ProfileFormat::rpd, 10, folder / "no/such/folder/x").ok());
}
