#include "trace/window.h"

#include <catch2/catch_test_macros.hpp>

#include "tests/support/random_trace.h"

using tests::make_trace;
using trace::Window;

namespace {

std::vector<trace::EventId> ids_in(const trace::Trace& t, int64_t begin, int64_t end) {
  return trace::events_in(t, Window{.device = 0, .begin_ns = begin, .end_ns = end, .label = ""});
}

}  // namespace

TEST_CASE(
    "the whole of a device reaches from the first start to the last end, not to the end of the "
    "last start") {
  const auto t = make_trace({{1, 10, 90, "long"}, {2, 20, 30, "short"}});
  const Window w = trace::whole(*t, 0);
  CHECK((w.begin_ns == 10 && w.end_ns == 90 && w.wall_ns() == 80 && w.label == "all"));
  const auto none = make_trace({});
  CHECK(trace::active_devices(*none).empty());
  CHECK(trace::whole(*none, 0).wall_ns() == 0);
}

TEST_CASE("devices are ordered by how much happened on them") {
  trace::TraceBuilder builder;
  const uint32_t few = builder.device("0"), many = builder.device("1"), none = builder.device("2");
  builder.add({.start_ns = 0, .end_ns = 1, .lane = builder.lane(few, 0)});
  builder.add({.start_ns = 0, .end_ns = 1, .lane = builder.lane(many, 0)});
  builder.add({.start_ns = 1, .end_ns = 2, .lane = builder.lane(many, 0)});
  builder.lane(none, 0);
  const auto t = builder.finish();
  CHECK(trace::active_devices(*t) == std::vector<uint32_t>{many, few});
}

TEST_CASE("a window holds what covers any of it; touching is not covering") {
  const auto t = make_trace({{1, 0, 10, "a"}, {1, 10, 20, "b"}, {2, 5, 40, "c"}, {1, 30, 35, "d"}});
  const auto names = [&](int64_t begin, int64_t end) {
    std::string out;
    for (const auto id : ids_in(*t, begin, end)) out += t->name_of(t->events[id]);
    return out;
  };
  CHECK(names(0, 40) == "acbd");
  CHECK(names(10, 20) == "cb");
  CHECK(names(20, 30) == "c");
  CHECK(names(0, 5) == "a");
  CHECK(names(40, 50) == "");
  CHECK(names(12, 12) == "");  // nothing covers any of an empty window
}

TEST_CASE(
    "an instant belongs to one of two adjacent windows, and to the last one at the very end") {
  const auto t =
      make_trace({{1, 0, 10, "a"}, {1, 10, 10, "instant"}, {1, 10, 20, "b"}, {2, 20, 20, "end"}});
  CHECK(ids_in(*t, 0, 10).size() == 1);
  CHECK(ids_in(*t, 10, 20).size() == 3);
  CHECK(ids_in(*t, 0, 20).size() == 4);
  const auto instants = make_trace({{1, 7, 7, "a"}, {1, 7, 7, "b"}});
  const Window w = trace::whole(*instants, 0);
  CHECK((w.begin_ns == 7 && w.end_ns == 7));
  CHECK(trace::events_in(*instants, w).size() == 2);
}

TEST_CASE("idle spans lie between what runs, clipped to the window") {
  const auto t = make_trace({{1, 10, 20, "a"},
                             {1, 25, 30, "b"},
                             {2, 28, 28, "in b"},
                             {1, 40, 40, "alone"},
                             {1, 50, 60, "c"}});
  const auto spans = [&](int64_t begin, int64_t end) {
    const Window w{.device = 0, .begin_ns = begin, .end_ns = end, .label = ""};
    std::vector<std::pair<int64_t, int64_t>> out;
    for (const auto& s : trace::idle_spans(*t, w, trace::events_in(*t, w)))
      out.emplace_back(s.begin_ns, s.end_ns);
    return out;
  };
  using Spans = std::vector<std::pair<int64_t, int64_t>>;
  CHECK(spans(10, 60) == Spans{{20, 25}, {30, 40}, {40, 50}});
  CHECK(spans(0, 15) == Spans{{0, 10}});
  CHECK(spans(22, 24) == Spans{{22, 24}});
  CHECK(spans(55, 70) == Spans{{60, 70}});
  CHECK(spans(12, 18).empty());
}

TEST_CASE("random windows hold exactly the events that a plain search finds, in order") {
  std::mt19937_64 random = tests::fresh_random();
  for (int round = 0; round < 200; ++round) {
    const auto t = tests::random_trace(random);
    for (const uint32_t device : trace::active_devices(*t)) {
      const Window all = trace::whole(*t, device);
      const auto index = trace::device_events(*t, device);
      REQUIRE(trace::events_in(*t, index, all).size() == index.by_start.size());
      const auto span = tests::random_span(random, all.begin_ns, all.end_ns);
      const Window w{
          .device = device, .begin_ns = span.begin_ns, .end_ns = span.end_ns, .label = ""};
      std::vector<trace::EventId> expected;
      for (const trace::EventId id : index.by_start) {
        const trace::Event& e = t->events[id];
        const bool instant = e.start_ns == e.end_ns;
        const bool at_the_end =
            instant && e.start_ns == w.end_ns && w.end_ns == all.end_ns && w.begin_ns <= w.end_ns;
        const bool covers = w.begin_ns == w.end_ns ? false
                            : instant ? w.begin_ns <= e.start_ns && e.start_ns < w.end_ns
                                      : e.start_ns < w.end_ns && w.begin_ns < e.end_ns;
        if (covers || at_the_end) expected.push_back(id);
      }
      CHECK(trace::events_in(*t, w) == expected);
      CHECK(std::is_sorted(index.by_start.begin(), index.by_start.end(), [&](auto a, auto b) {
        return t->events[a].start_ns < t->events[b].start_ns;
      }));
    }
  }
}
