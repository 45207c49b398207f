#include "trace/lanes.h"

#include <set>

#include <catch2/catch_test_macros.hpp>

#include "tests/support/decode_trace.h"
#include "trace/bubbles.h"

namespace {

size_t lanes_of(const trace::Trace& t) {
  std::set<uint32_t> lanes;
  for (const auto& lane : t.lanes) lanes.insert(lane.logical);
  return lanes.size();
}

}  // namespace

TEST_CASE("a side stream that a graph spreads over many ids is one lane again") {
  tests::DecodeShape shape{.steps = 3, .layers = 8};
  shape.side = {"indexer"};
  const auto t = tests::make_trace(tests::decode_acts(shape));
  REQUIRE(t->lanes.size() == 9);
  CHECK(lanes_of(*t) == 2);
  CHECK(t->lanes[0].logical == 0);
  for (size_t i = 1; i < 9; ++i) CHECK(t->lanes[i].logical == 1);
  const auto r = trace::classify(*t, trace::whole(*t, 0));
  CHECK((r.streams == 9 && r.lanes == 2));
}

TEST_CASE("side streams that run at the same time stay apart") {
  const auto t = tests::make_trace(
      {{7, 0, 10, "a", 1}, {13, 20, 40, "b", 1}, {14, 30, 50, "c", 1}, {15, 60, 70, "d", 1}});
  REQUIRE(t->lanes.size() == 4);
  CHECK((t->lanes[1].logical == 1 && t->lanes[2].logical == 2 && t->lanes[3].logical == 1));
}

TEST_CASE("streams with work of their own, or that begin a launch, are never folded") {
  // 13 runs something outside the graph; 14 begins the second launch.
  const auto own = tests::make_trace(
      {{7, 0, 10, "a", 1}, {13, 20, 30, "b", 1}, {13, 40, 50, "c", 9}, {14, 60, 70, "d", 1}});
  CHECK(lanes_of(*own) == 3);
  const auto begins = tests::make_trace(
      {{7, 0, 10, "a", 1}, {13, 20, 30, "b", 1}, {14, 100, 110, "c", 2}, {7, 120, 130, "d", 2}});
  CHECK(lanes_of(*begins) == 3);
  // Without launches nothing says that a stream is a graph's: the four streams of a published layer
  // stay four.
  const auto unknown = tests::make_trace({{7, 0, 10}, {13, 20, 30}, {14, 40, 50}, {15, 60, 70}});
  CHECK(lanes_of(*unknown) == 4);
}

TEST_CASE("folding is by device, and correlation ids far apart do not matter") {
  trace::TraceBuilder builder;
  for (const char* id : {"0", "1"}) {
    const uint32_t device = builder.device(id);
    for (int64_t launch : {int64_t{5}, int64_t{4'000'000'000'000}}) {
      const int64_t at = launch == 5 ? 0 : 1000;
      builder.add({.start_ns = at,
                   .end_ns = at + 10,
                   .correlation = launch,
                   .lane = builder.lane(device, 7)});
      for (int s = 0; s < 3; ++s)
        builder.add({.start_ns = at + 20 + s * 10,
                     .end_ns = at + 30 + s * 10,
                     .correlation = launch,
                     .lane = builder.lane(device, 20 + s)});
    }
  }
  const auto t = builder.finish();
  CHECK(lanes_of(*t) == 4);
  CHECK((t->lanes[1].logical == 1 && t->lanes[3].logical == 1 && t->lanes[5].logical == 5 &&
         t->lanes[7].logical == 5));
}
