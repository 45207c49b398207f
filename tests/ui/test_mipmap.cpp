// The trees answer exactly what a loop over everything would, for random ranges, columns and data.
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <set>

#include "tests/ui/random_trace.h"
#include "ui/vm/lane_index.h"

using namespace ui;

namespace {

EventAggregate by_hand(const RowMap& row, size_t first, size_t last) {
  EventAggregate a;
  for (size_t i = first; i < last; ++i) {
    const trace::Event& e = row.at(i);
    ++a.count;
    a.busy_ns += e.duration_ns();
    if (e.duration_ns() > a.longest_ns)
      a.longest_ns = e.duration_ns(), a.longest = static_cast<uint32_t>(i);
    if (i == first) continue;
    const int64_t gap = e.start_ns - row.at(i - 1).end_ns;
    if (gap > a.worst_gap_ns) a.worst_gap_ns = gap, a.worst_gap_at = static_cast<uint32_t>(i);
  }
  return a;
}

bool same(const EventAggregate& a, const EventAggregate& b) {
  return a.count == b.count && a.busy_ns == b.busy_ns && a.worst_gap_ns == b.worst_gap_ns &&
         a.worst_gap_at == b.worst_gap_at && a.longest == b.longest && a.longest_ns == b.longest_ns;
}

}  // namespace

TEST_CASE("rows: aggregates and searches equal a loop over everything") {
  std::mt19937_64 rng(Catch::getSeed());
  for (const uint32_t events : {1u, 2u, 15u, 16u, 17u, 255u, 257u, 5000u}) {
    const auto t = test::random_trace(rng, {.lanes = 1, .events = events, .overlap = 0.2});
    const LaneIndex lanes(*t, 0, test::overlaps_by_hand(*t), LaneGrouping::folded);
    for (const RowMap& row : lanes.rows()) {
      for (size_t i = 1; i < row.size(); ++i) REQUIRE(row.at(i).start_ns >= row.at(i - 1).end_ns);
      for (int k = 0; k < 300; ++k) {
        size_t a = rng() % (row.size() + 1), b = rng() % (row.size() + 1);
        if (a > b) std::swap(a, b);
        REQUIRE(same(row.aggregate(a, b), by_hand(row, a, b)));
        const int64_t ns =
            static_cast<int64_t>(rng() % static_cast<uint64_t>(t->events.back().end_ns + 10)) - 2;
        size_t starts = 0, ends = 0;
        while (starts < row.size() && row.at(starts).start_ns < ns) ++starts;
        while (ends < row.size() && row.at(ends).end_ns <= ns && row.at(ends).start_ns < ns) ++ends;
        REQUIRE(row.first_starting_at(ns) == starts);
        REQUIRE(row.first_ending_after(ns) == ends);
      }
    }
  }
}

TEST_CASE("lanes: every event is in exactly one sub-row, and can be found") {
  std::mt19937_64 rng(Catch::getSeed() + 1);
  for (int round = 0; round < 20; ++round) {
    const auto t =
        test::random_trace(rng, {.lanes = 4, .events = 600, .overlap = round * 0.05, .devices = 2});
    if (round % 2) t->lanes[2].logical = 0;  // a folded lane: its events share the rows of lane 0
    size_t seen = 0;
    for (uint32_t device = 0; device < 2; ++device) {
      const LaneIndex lanes(*t, device, test::overlaps_by_hand(*t), LaneGrouping::folded);
      std::set<trace::EventId> ids;
      for (uint32_t r = 0; r < lanes.rows().size(); ++r) {
        for (size_t i = 0; i < lanes.rows()[r].size(); ++i) {
          const trace::EventId id = lanes.rows()[r].id(i);
          REQUIRE(ids.insert(id).second);
          const auto at = lanes.find(id);
          REQUIRE(at);
          REQUIRE(lanes.rows()[at->row].id(at->position) == id);
          REQUIRE(t->device_of(t->events[id]) == device);
        }
      }
      seen += ids.size();
    }
    REQUIRE(seen == t->events.size());
  }
}

TEST_CASE("a thousand events at once get a thousand sub-rows, quickly") {
  trace::Trace t;
  t.strings = {"", "k"};
  t.devices.push_back({"0", "", ""});
  t.lanes.push_back({.label = "stream 1", .first = 0, .count = 1000});
  for (int i = 0; i < 1000; ++i) t.events.push_back({.start_ns = i, .end_ns = 100000, .name = 1});
  const LaneIndex lanes(t, 0, {}, LaneGrouping::folded);
  CHECK(lanes.rows().size() == 1000);
}

TEST_CASE("bubbles: aggregates equal a loop over everything") {
  std::mt19937_64 rng(Catch::getSeed() + 2);
  for (const uint32_t events : {2u, 33u, 300u, 6000u}) {
    const auto t = test::random_trace(rng, {.lanes = 2, .events = events, .overlap = 0});
    const trace::BubbleReport report = test::bubbles_by_hand(*t, 0);
    const BubbleMap map(report.bubbles);
    for (int k = 0; k < 300; ++k) {
      size_t a = rng() % (map.size() + 1), b = rng() % (map.size() + 1);
      if (a > b) std::swap(a, b);
      const BubbleAggregate sum = map.aggregate(a, b);
      std::array<trace::Tally, trace::kBubbleKinds> kinds{};
      int64_t worst_ns = -1;
      uint32_t worst = trace::kNone;
      for (size_t i = a; i < b; ++i) {
        kinds[static_cast<size_t>(map.at(i).kind)].add(map.at(i).ns());
        if (map.at(i).ns() > worst_ns) worst_ns = map.at(i).ns(), worst = static_cast<uint32_t>(i);
      }
      REQUIRE(sum.kinds == kinds);
      REQUIRE(sum.worst == worst);
      REQUIRE(sum.worst_ns == worst_ns);
    }
    const BubbleAggregate all = map.aggregate(0, map.size());
    CHECK(all.idle_ns == report.idle_ns);
    CHECK(all.kinds == report.kinds);
  }
}
