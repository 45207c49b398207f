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

TEST_CASE("the verdict tells the recorder's own idle time from the engine's") {
  for (const bool ours : {false, true}) {
    trace::Trace t;
    t.strings = {"", "a"};
    t.ops = {""};
    t.devices.push_back({"0", "test", ""});
    t.lanes.push_back({.stream = 7, .label = "stream 7", .logical = 0, .first = 0, .count = 2});
    t.events = {{.start_ns = 0, .end_ns = 10000, .name = 1, .lane = 0, .step = 0}, {.start_ns = 30000, .end_ns = 40000, .name = 1, .lane = 0, .step = 1}};
    t.collector.clock = trace::ClockSource::cupti;
    if (ours) t.source = trace::kRecordedLive;
    auto run = std::make_shared<trace::Run>();
    run->trace = std::make_shared<const trace::Trace>(std::move(t));
    CHECK(idle_verdict(*analyse(run, {})).starts_with(ours ? "Idle 50.0 % of the wall, 20.00 µs of it between steps and the recorder's own; 100.0 %" : "Idle 50.0 % of the wall; 100.0 %"));
  }
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

TEST_CASE("other thresholds change figures and kinds as the classifier itself would; the gaps stay what they are") {
  std::mt19937_64 rng(Catch::getSeed());
  for (int round = 0; round < 20; ++round) {
    auto run = std::make_shared<trace::Run>();
    run->trace = test::random_trace(rng, {.lanes = 2, .events = 300});
    const trace::Thresholds other{.contiguous_ns = 5, .fence_ns = 700, .stall_ns = 4000};
    const auto a = analyse(run, {}), b = reanalyse(*a, {.thresholds = other});
    const trace::BubbleReport truth = trace::classify(*run->trace, trace::whole(*run->trace, 0), other);
    CHECK(b->report->kinds == truth.kinds);
    CHECK(b->report->scopes == truth.scopes);
    CHECK(b->report->kinds_by_scope == truth.kinds_by_scope);
    CHECK(b->report->idle_ns == truth.idle_ns);
    CHECK(b->report->thresholds == other);
    REQUIRE(b->bubbles->size() == truth.bubbles.size());
    for (size_t i = 0; i < truth.bubbles.size(); ++i) CHECK(b->bubbles->at(i).kind == truth.bubbles[i].kind);
    CHECK(b->gaps == a->gaps);
    CHECK(histogram_vm(*a, other).stall_x == histogram_vm(*b, other).stall_x);
  }
}

TEST_CASE("many gaps are counted on two threads to the same sums") {
  std::vector<trace::Bubble> bubbles;
  std::mt19937_64 rng(Catch::getSeed());
  std::uniform_int_distribution<int64_t> length(0, 4000);
  int64_t at = 0, idle = 0;
  for (size_t i = 0; i < kParallelFrom + 1000; ++i) {
    const int64_t ns = length(rng);
    bubbles.push_back({.begin_ns = at, .end_ns = at + ns, .scope = static_cast<trace::BubbleScope>(i % 3)});
    at += ns + 10, idle += ns;
  }
  const BubbleMap map(bubbles);
  int64_t sum = 0, count = 0;
  for (const auto& kind : map.tallies())
    for (const trace::Tally& t : kind) sum += t.ns, count += t.count;
  CHECK(sum == idle);
  CHECK(count == static_cast<int64_t>(bubbles.size()));
  CHECK(map.aggregate(0, map.size()).idle_ns == idle);
}
