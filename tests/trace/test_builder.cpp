#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include <random>
#include <tuple>

#include "trace/builder.h"

using trace::TraceBuilder;

namespace {

trace::Event event(uint32_t lane, int64_t start, int64_t end, int64_t correlation = -1) {
  trace::Event e;
  e.lane = lane;
  e.start_ns = start;
  e.end_ns = end;
  e.correlation = correlation;
  return e;
}

}  // namespace

TEST_CASE("builder: an empty trace has the empty string and the unknown op") {
  const auto t = TraceBuilder().finish();
  CHECK(t->strings == std::vector<std::string>{""});
  CHECK(t->ops == std::vector<std::string>{""});
  CHECK(t->events.empty());
  CHECK(t->origin_ns == 0);
}

TEST_CASE("builder: equal strings, ops, devices, lanes and details share one entry") {
  TraceBuilder b;
  CHECK(b.intern("a") == b.intern("a"));
  CHECK(b.intern("a") != b.intern("b"));
  CHECK(b.intern("") == 0);
  CHECK(b.op("q_b") == b.op("q_b"));
  CHECK(b.op("") == 0);
  CHECK(b.device("2") == b.device("2"));
  CHECK(b.lane(b.device("2"), 7) == b.lane(b.device("2"), 7));
  CHECK(b.lane(b.device("2"), 7) != b.lane(b.device("3"), 7));
  trace::Detail d;
  d.grid = {4, 1, 1};
  CHECK(b.detail(d) == b.detail(d));
  d.bytes = 3;
  CHECK(b.detail(d) == 1);
}

TEST_CASE("builder: devices by number, lanes by device and stream, events by lane, start, end") {
  TraceBuilder b;
  const auto ten = b.device("10"), two = b.device("2"), named = b.device("gpu");
  b.header().devices[two].name = "second";
  const auto c = b.lane(named, 0), l9 = b.lane(two, 9), l3 = b.lane(two, 3), l0 = b.lane(ten, 0);
  b.add(event(c, 1, 2));
  b.add(event(l0, 5, 6));
  b.add(event(l9, 9, 12));
  b.add(event(l9, 9, 10));
  b.add(event(l9, 4, 8));
  b.add(event(l3, 7, 8));
  const auto t = b.finish(true);
  REQUIRE(t->devices.size() == 3);
  CHECK(t->devices[0].name == "second");
  CHECK(t->devices[1].id == "10");
  CHECK(t->devices[2].id == "gpu");
  REQUIRE(t->lanes.size() == 4);
  CHECK(t->lanes[0].stream == 3);
  CHECK(t->lanes[1].stream == 9);
  CHECK(t->lanes[1].label == "stream 9");
  CHECK(t->lanes[1].first == 1);
  CHECK(t->lanes[1].count == 3);
  CHECK(t->lanes[2].device == 1);
  CHECK(t->lane_events(1)[0].start_ns == 4);
  CHECK(t->lane_events(1)[1].end_ns == 10);
  CHECK(t->lane_events(1)[2].end_ns == 12);
  CHECK(t->lane_events(3)[0].start_ns == 1);
}

TEST_CASE("builder: equal events keep the order in which they came") {
  TraceBuilder b;
  const auto lane = b.lane(b.device("0"), 0);
  for (const char* name : {"x", "y", "z"}) {
    auto e = event(lane, 0, 0);
    e.name = b.intern(name);
    b.add(e);
  }
  const auto t = b.finish();
  CHECK(t->name_of(t->events[0]) == "x");
  CHECK(t->name_of(t->events[1]) == "y");
  CHECK(t->name_of(t->events[2]) == "z");
}

TEST_CASE("builder: the first event is at 0, the shift is kept") {
  TraceBuilder b;
  const auto lane = b.lane(b.device("0"), 0);
  b.header().origin_ns = 5;
  b.add(event(lane, 1000, 1010));
  b.add(event(lane, 900, 950));
  b.add_call({.start_ns = 700, .end_ns = 710, .correlation = 1});
  b.add_annotation({.start_ns = 600, .end_ns = 2000});
  SECTION("shifted") {
    const auto t = b.finish();
    CHECK(t->origin_ns == 905);
    CHECK(t->events[0].start_ns == 0);
    CHECK(t->events[1].end_ns == 110);
    CHECK(t->calls[0].start_ns == -200);
    CHECK(t->annotations[0].end_ns == 1100);
  }
  SECTION("kept") {
    const auto t = b.finish(true);
    CHECK(t->origin_ns == 5);
    CHECK(t->events[0].start_ns == 900);
  }
}

TEST_CASE("builder: without events the first call or annotation is at 0") {
  TraceBuilder b;
  b.add_call({.start_ns = 700, .end_ns = 710});
  b.add_annotation({.start_ns = 600, .end_ns = 2000});
  const auto t = b.finish();
  CHECK(t->origin_ns == 600);
  CHECK(t->calls[0].start_ns == 100);
}

TEST_CASE("builder: one launch has many kernels; the latest call before the kernel wins") {
  TraceBuilder b;
  const auto lane = b.lane(b.device("0"), 0);
  b.add_call({.start_ns = 50, .end_ns = 60, .correlation = 7});
  b.add_call({.start_ns = 10, .end_ns = 20, .correlation = 7});
  b.add_call({.start_ns = 12, .end_ns = 14, .correlation = 9});
  b.add_call({.start_ns = 11, .end_ns = 14});
  b.add(event(lane, 30, 31, 7));
  b.add(event(lane, 40, 41, 7));
  b.add(event(lane, 70, 71, 7));
  b.add(event(lane, 5, 6, 9));
  b.add(event(lane, 80, 81, 8));
  b.add(event(lane, 90, 91));
  const auto t = b.finish(true);
  const auto call_start = [&](int i) -> int64_t {
    return t->events[i].call == trace::kNone ? -1 : t->calls[t->events[i].call].start_ns;
  };
  CHECK(call_start(0) == 12);  // the only one, though it began later
  CHECK(call_start(1) == 10);
  CHECK(call_start(2) == 10);
  CHECK(call_start(3) == 50);
  CHECK(call_start(4) == -1);
  CHECK(call_start(5) == -1);
}

TEST_CASE("builder: a call that the feeder set follows its call through the sort") {
  TraceBuilder b;
  const auto lane = b.lane(b.device("0"), 0);
  b.add_call({.start_ns = 50, .end_ns = 60});
  b.add_call({.start_ns = 10, .end_ns = 20});
  auto e = event(lane, 100, 101);
  e.call = 0;
  b.add(e);
  const auto t = b.finish(true);
  CHECK(t->calls[t->events[0].call].start_ns == 50);
}

TEST_CASE("builder: edges and every field follow their events, whatever the order of feeding") {
  GENERATE(range(0, 20));
  const uint32_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto draw = [&](int below) {
    return static_cast<int>(random() % static_cast<unsigned>(below));
  };
  TraceBuilder b;
  std::vector<trace::Edge> edges;
  const int count = 200;
  for (int i = 0; i < count; ++i) {
    const auto lane = b.lane(b.device(std::to_string(draw(3))), draw(4));
    const int64_t start = draw(50);
    auto e = event(lane, start, start + draw(5));
    e.name = b.intern("event " + std::to_string(i));
    b.add(e);
    if (i == 0) continue;
    b.add_edge(static_cast<uint32_t>(draw(i)), static_cast<uint32_t>(i));
    edges.push_back(b.header().edges.back());
  }
  const auto t = b.finish();
  const auto number = [&](uint32_t id) {
    return std::stoul(std::string(t->name_of(t->events[id]).substr(6)));
  };
  for (size_t i = 0; i < edges.size(); ++i) {
    CHECK(number(t->edges[i].from) == edges[i].from);
    CHECK(number(t->edges[i].to) == edges[i].to);
  }
  for (size_t i = 1; i < t->events.size(); ++i) {
    const auto &x = t->events[i - 1], &y = t->events[i];
    CHECK(std::tuple(x.lane, x.start_ns, x.end_ns, number(i - 1)) <
          std::tuple(y.lane, y.start_ns, y.end_ns, number(i)));
  }
  uint32_t first = 0;
  for (const auto& lane : t->lanes) {
    CHECK(lane.first == first);
    first += lane.count;
  }
  CHECK(first == t->events.size());
}

TEST_CASE("category: keys and titles are whole and go back") {
  for (int i = 0; i < trace::kCategories; ++i) {
    const auto c = static_cast<trace::Category>(i);
    CHECK_FALSE(trace::to_string(c).empty());
    CHECK_FALSE(trace::title_of(c).empty());
    CHECK(trace::category_from(trace::to_string(c)) == c);
  }
  CHECK(trace::category_from("no such") == trace::Category::other);
}
