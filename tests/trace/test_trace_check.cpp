#include "trace/trace_check.h"

#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <functional>

#include "tests/support/random_run.h"

namespace {

// Two lanes, three events, one call, one annotation, one edge: enough to break every promise singly.
trace::Trace small() {
  trace::Trace t;
  t.strings = {"", "k"};
  t.ops = {"", "q_b"};
  t.devices = {{"0", "", ""}};
  t.lanes = {{.device = 0, .stream = 1, .logical = 0, .first = 0, .count = 2},
             {.device = 0, .stream = 2, .logical = 1, .first = 2, .count = 1}};
  t.details.resize(1);
  t.calls = {{-5, -1, 7, 1, 0}, {-5, 0, 8, 1, 0}};
  t.annotations = {{0, 9, 1, 0}};
  t.events.resize(3);
  for (trace::Event& e : t.events) e.name = 1;
  t.events[0].end_ns = 4;
  t.events[1].start_ns = 4;
  t.events[1].end_ns = 6;
  t.events[2].lane = 1;
  t.edges = {{0, 1}, {2, 1}};
  return t;
}

std::string verdict(const std::function<void(trace::Trace&)>& damage) {
  trace::Trace t = small();
  damage(t);
  const auto status = trace::check_trace(t);
  return status.ok() ? "" : status.error().line();
}

}  // namespace

TEST_CASE("sound traces pass") {
  CHECK(verdict([](auto&) {}) == "");
  INFO("seed " << Catch::getSeed());
  tests::Random random(Catch::getSeed());
  for (int i = 0; i < 50; ++i) {
    const auto status = trace::check_trace(tests::random_full_trace(random, i));
    CHECK((status.ok() ? "" : status.error().line()) == "");
  }
  trace::Trace empty;
  CHECK_FALSE(trace::check_trace(empty).ok());
  empty.strings = empty.ops = {""};
  CHECK(trace::check_trace(empty).ok());
}

TEST_CASE("each broken promise of a trace is named") {
  using T = trace::Trace;
  CHECK(verdict([](T& t) { t.strings[0].push_back('x'); }) == "string 0 is not the empty one");
  CHECK(verdict([](T& t) { t.ops.clear(); }) == "op 0 is not the empty one");
  CHECK(verdict([](T& t) { t.ops.resize(65537); }) == "more than 65,536 ops");
  CHECK(verdict([](T& t) { t.origin_ns = INT64_MIN; }) == "origin beyond 2^62 ns");
  CHECK(verdict([](T& t) { t.collector.resolution_ns = 0; }) == "resolution below 1 ns");
  CHECK(verdict([](T& t) { t.collector.clock = static_cast<trace::ClockSource>(9); }) == "no such clock");
  CHECK(verdict([](T& t) { t.lanes[1].device = 4; }) == "lane 1: no such device: 4 of 1");
  CHECK(verdict([](T& t) { t.lanes[1].logical = 2; }) == "lane 1: no such logical lane: 2 of 2");
  CHECK(verdict([](T& t) { t.lanes[1].first = 1; }) == "lane 1: its events do not follow those of the lane before");
  CHECK(verdict([](T& t) { t.lanes[1].count = 2; }) == "lanes hold 4 events of 3");
  CHECK(verdict([](T& t) { t.lanes.clear(); }) == "lanes hold 0 events of 3");
  CHECK(verdict([](T& t) { t.events[1].lane = 1; }) == "event 1: not with the events of its lane");
  CHECK(verdict([](T& t) { t.events[1].end_ns = 3; }) == "event 1: ends before it starts");
  CHECK(verdict([](T& t) { t.events[1].end_ns = INT64_MAX; }) == "event 1: time beyond 2^62 ns");
  CHECK(verdict([](T& t) { t.events[1].start_ns = -1; }) == "event 1: not sorted by start and end");
  CHECK(verdict([](T& t) { t.events[1].name = 2; }) == "event 1: no such string: 2 of 2");
  CHECK(verdict([](T& t) { t.events[1].op = 2; }) == "event 1: no such op: 2 of 2");
  CHECK(verdict([](T& t) { t.events[1].detail = 1; }) == "event 1: no such detail: 1 of 1");
  CHECK(verdict([](T& t) { t.events[1].call = 2; }) == "event 1: no such call: 2 of 2");
  CHECK(verdict([](T& t) { t.events[1].kind = static_cast<trace::EventKind>(3); }) == "event 1: no such kind");
  CHECK(verdict([](T& t) { t.events[1].category = trace::Category::count_; }) == "event 1: no such category");
  CHECK(verdict([](T& t) { t.calls[0].start_ns = -4; }) == "call 1: not sorted by start");
  CHECK(verdict([](T& t) { t.calls[0].end_ns = -9; }) == "call 0: ends before it starts");
  CHECK(verdict([](T& t) { t.annotations[0].name = 9; }) == "annotation 0: no such string: 9 of 2");
  CHECK(verdict([](T& t) { t.edges[1].to = 3; }) == "edge 1: no such event: 3 of 3");
  CHECK(verdict([](T& t) { t.edges.push_back({1, 0}); }) == "the known dependencies form a cycle");
  CHECK(verdict([](T& t) { t.edges.push_back({2, 2}); }) == "the known dependencies form a cycle");
}
