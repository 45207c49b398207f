// The bubbles panel's words and figures against the classifier's.
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>

#include "tests/ui/random_trace.h"
#include "ui/vm/bubbles_vm.h"

using namespace ui;

TEST_CASE("the verdict says idle, its worst kind with causes, and the path's hidden waits") {
  trace::Trace t;
  t.strings = {"", "a", "b"};
  t.ops = {""};
  t.devices.push_back({"0", "test", ""});
  t.lanes.push_back({.stream = 7, .label = "stream 7", .logical = 0, .first = 0, .count = 2});
  t.lanes.push_back({.stream = 8, .label = "stream 8", .logical = 1, .first = 2, .count = 1});
  t.events = {{.start_ns = 0, .end_ns = 10000, .name = 1, .lane = 0},
              {.start_ns = 33000, .end_ns = 40000, .name = 1, .lane = 0},
              {.start_ns = 13000, .end_ns = 30000, .name = 2, .lane = 1}};
  auto run = std::make_shared<trace::Run>();
  run->trace = std::make_shared<const trace::Trace>(std::move(t));
  const auto a = analyse(run, {});
  // 10..13 us is a fork, 30..33 us a join: both stalls.
  CHECK(idle_verdict(*a) == "Idle 15.0 % of the wall; 100.0 % of that in 2 stalls (1 fork, 1 join). The critical path waits 6.00 µs.");
  const auto rows = scope_rows(*a);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].idle == "6.00 · 2");
  CHECK(rows[0].kinds[3] == "6.00 · 2");
}

TEST_CASE("scopes and kinds add up to the idle time") {
  std::mt19937_64 rng(Catch::getSeed() + 30);
  for (int round = 0; round < 20; ++round) {
    auto run = std::make_shared<trace::Run>();
    run->trace = test::random_trace(rng, {.lanes = 3, .events = 400});
    const auto a = analyse(run, {});
    int64_t sum = 0;
    for (const trace::Tally& t : a->report->scopes) sum += t.ns;
    CHECK(sum == a->report->idle_ns);
    CHECK(scope_rows(*a).size() >= 1);
    CHECK(idle_verdict(*a).starts_with("Idle "));
  }
}
