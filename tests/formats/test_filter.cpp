// import --from --to --device: what is kept, what is counted, for every format.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/expected_figures.h"
#include "tests/support/packed.h"
#include "tests/support/temp_folder.h"
#include "trace/export_chrome.h"

using Catch::Matchers::ContainsSubstring;

TEST_CASE("import: a stretch of time holds what the whole import has there, in every format") {
  for (const char* file : {"kineto_a100_tracediff_control_us.json.gz", "rocprofv3_mi350x_train_5queues.json.gz", "nsys_a100_cloverleaf_2024.5.sqlite.gz", "edge_rpd_matmul_29kernels.rpd",
                           "edge_rocprofv3_kernel_trace_docs.csv"}) {
    INFO(file);
    const auto all = tests::import_published(file);
    const auto& t = *all.trace;
    int64_t end = 0;
    for (const auto& e : t.events) end = std::max(end, e.end_ns);
    trace::ImportOptions options;
    options.from_ns = end / 4;
    options.to_ns = end / 2;
    const auto part = tests::import_published(file, options);
    tests::check_counts(part.report);
    int64_t wanted = 0, busy = 0, kept_busy = 0;
    for (const auto& e : t.events)
      if (e.start_ns < *options.to_ns && (e.end_ns > *options.from_ns || e.start_ns >= *options.from_ns)) {
        ++wanted;
        busy += e.duration_ns();
      }
    for (const auto& e : part.trace->events) {
      kept_busy += e.duration_ns();
      const int64_t start = e.start_ns + part.trace->origin_ns - t.origin_ns;
      CHECK(start < *options.to_ns);
      CHECK(start + e.duration_ns() >= *options.from_ns);
    }
    CHECK(static_cast<int64_t>(part.trace->events.size()) == wanted);
    CHECK(kept_busy == busy);
    CHECK(part.report.read == all.report.read);
    if (wanted < static_cast<int64_t>(t.events.size())) CHECK(part.report.skipped.at("outside --from and --to") == static_cast<int64_t>(t.events.size()) - wanted);
    // Calls that launched what is kept are kept, wherever they lie.
    int64_t linked = 0, linked_before = 0;
    for (const auto& e : part.trace->events) linked += e.call != trace::kNone;
    for (const auto& e : t.events)
      if (e.start_ns < *options.to_ns && (e.end_ns > *options.from_ns || e.start_ns >= *options.from_ns)) linked_before += e.call != trace::kNone;
    CHECK(linked == linked_before);
  }
}

TEST_CASE("import: one device of several, and one that is not there") {
  const tests::TempFolder folder;
  std::string records;
  for (int i = 0; i < 30; ++i)
    records += std::string(i ? "," : "") + R"({"ph":"X","cat":"kernel","name":"k","pid":)" + std::to_string(i % 3) + R"(,"tid":7,"ts":)" + std::to_string(100 + i) + R"(,"dur":1,"args":{"device":)" +
               std::to_string(i % 3) + R"(,"stream":7}})";
  const std::string path = tests::write_file(folder / "x.json", "{\"traceEvents\":[" + records + "]}");
  trace::ImportOptions options;
  options.device = "1";
  auto one = trace::import_file(path, options);
  REQUIRE(one.ok());
  CHECK(one->trace->events.size() == 10);
  CHECK(one->report.skipped.at("of other devices") == 20);
  tests::check_counts(one->report);
  // Times count from that device's first activity.
  options.to_ns = 4000;
  auto begin = trace::import_file(path, options);
  REQUIRE(begin.ok());
  CHECK(begin->trace->events.size() == 2);
  options.device = "7";
  const auto none = trace::import_file(path, options);
  REQUIRE_FALSE(none.ok());
  CHECK_THAT(none.error().what, ContainsSubstring("no activity of device 7, there are: 0, 1, 2"));
  options = {};
  options.from_ns = 1'000'000'000;
  const auto late = trace::import_file(path, options);
  REQUIRE(late.ok());
  CHECK(tests::any_contains(late->report.caveats, "no GPU activity in the stretch of time"));
}

TEST_CASE("import: a part of our own export keeps its meaning") {
  const tests::TempFolder folder;
  const auto all = tests::import_published("torch_h200_graph_2stream.json.gz");
  REQUIRE(trace::export_chrome(*all.trace, folder / "own.json").ok());
  trace::ImportOptions options;
  options.from_ns = 500'000;
  options.to_ns = 1'500'000;
  const auto part = trace::import_file(folder / "own.json", options);
  REQUIRE(part.ok());
  CHECK(part->trace->origin_ns == all.trace->origin_ns);
  REQUIRE_FALSE(part->trace->events.empty());
  for (const auto& e : part->trace->events) {
    CHECK(e.start_ns < 1'500'000);
    CHECK(e.end_ns > 500'000);
    CHECK(e.call != trace::kNone);
  }
}
