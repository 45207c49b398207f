// Properties of everything that is derived from a window, on random traces: several devices and
// streams, overlaps, ties, events of zero length, windows that cut events.
#include <algorithm>
#include <map>
#include <numeric>

#include <catch2/catch_test_macros.hpp>

#include "tests/support/random_trace.h"
#include "trace/bubbles.h"
#include "trace/compare.h"
#include "trace/path.h"
#include "trace/waterfall.h"

using trace::Window;

namespace {

struct Case {
  trace::TracePtr trace;
  Window window;
};

Case random_case(std::mt19937_64& random, const tests::RandomShape& shape = {}) {
  Case c{.trace = tests::random_trace(random, shape), .window = {}};
  const auto devices = trace::active_devices(*c.trace);
  c.window.device = devices[random() % devices.size()];
  const Window all = trace::whole(*c.trace, c.window.device);
  const auto span = tests::random_span(random, all.begin_ns, all.end_ns);
  c.window.begin_ns = span.begin_ns;
  c.window.end_ns = span.end_ns;
  return c;
}

// Nanosecond by nanosecond: how many run in [t, t + 1), and where an instant separates.
struct Reference {
  std::vector<std::vector<trace::EventId>> running;
  std::vector<bool> instant;  // something of zero length happens at begin + i
};

Reference sweep(const Case& c) {
  Reference r;
  r.running.resize(static_cast<size_t>(c.window.wall_ns()));
  r.instant.assign(r.running.size() + 1, false);
  for (trace::EventId id = 0; id < c.trace->events.size(); ++id) {
    const trace::Event& e = c.trace->events[id];
    if (c.trace->device_of(e) != c.window.device) continue;
    if (e.start_ns == e.end_ns && e.start_ns >= c.window.begin_ns && e.start_ns <= c.window.end_ns)
      r.instant[static_cast<size_t>(e.start_ns - c.window.begin_ns)] = true;
    for (int64_t t = std::max(e.start_ns, c.window.begin_ns);
         t < std::min(e.end_ns, c.window.end_ns); ++t)
      r.running[static_cast<size_t>(t - c.window.begin_ns)].push_back(id);
  }
  return r;
}

std::vector<std::pair<int64_t, int64_t>> idle_of(const Case& c, const Reference& r) {
  std::vector<std::pair<int64_t, int64_t>> idle;
  for (size_t i = 0; i < r.running.size(); ++i) {
    if (!r.running[i].empty()) continue;
    const int64_t t = c.window.begin_ns + static_cast<int64_t>(i);
    if (!idle.empty() && idle.back().second == t && !r.instant[i])
      ++idle.back().second;
    else
      idle.emplace_back(t, t + 1);
  }
  return idle;
}

const trace::Thresholds kSmall{
    .contiguous_ns = 1, .fence_ns = 5, .stall_ns = 12};  // times here are tens of ns

void check_same(const trace::BubbleReport& a, const trace::BubbleReport& b) {
  CHECK(a.kinds == b.kinds);
  CHECK(a.scopes == b.scopes);
  CHECK(a.kinds_by_scope == b.kinds_by_scope);
  CHECK((a.wall_ns == b.wall_ns && a.busy_ns == b.busy_ns && a.idle_ns == b.idle_ns));
  CHECK(a.thresholds == b.thresholds);
  CHECK(a.caveats == b.caveats);
  REQUIRE(a.bubbles.size() == b.bubbles.size());
  for (size_t i = 0; i < a.bubbles.size(); ++i) {
    const trace::Bubble &x = a.bubbles[i], &y = b.bubbles[i];
    CHECK((x.begin_ns == y.begin_ns && x.end_ns == y.end_ns && x.kind == y.kind &&
           x.cause == y.cause && x.scope == y.scope));
  }
}

}  // namespace

TEST_CASE("wall = busy + idle, and every idle kind agrees with a sweep by nanoseconds") {
  std::mt19937_64 random = tests::fresh_random();
  for (int round = 0; round < 300; ++round) {
    const Case c = random_case(random);
    const Reference r = sweep(c);
    const auto report = trace::classify(*c.trace, c.window, kSmall);
    const auto expected = idle_of(c, r);
    REQUIRE(report.bubbles.size() == expected.size());
    std::array<trace::Tally, trace::kBubbleKinds> kinds{};
    int64_t idle = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      const int64_t ns = expected[i].second - expected[i].first;
      REQUIRE((report.bubbles[i].begin_ns == expected[i].first &&
               report.bubbles[i].end_ns == expected[i].second));
      kinds[ns <= 1 ? 0 : ns < 5 ? 1 : ns < 12 ? 2 : 3].add(ns);
      idle += ns;
    }
    CHECK(report.kinds == kinds);
    CHECK(report.idle_ns == idle);
    CHECK(report.wall_ns == c.window.wall_ns());
    CHECK(report.wall_ns == report.busy_ns + report.idle_ns);
    CHECK(report.busy_ns == std::count_if(r.running.begin(), r.running.end(),
                                          [](const auto& v) { return !v.empty(); }));
    CHECK(report.activities == report.kernels + report.copies);
    // Tallies by scope are the same bubbles again.
    for (int k = 0; k < trace::kBubbleKinds; ++k) {
      trace::Tally sum;
      for (const auto& t : report.kinds_by_scope[static_cast<size_t>(k)])
        sum.count += t.count, sum.ns += t.ns;
      CHECK(sum == report.kinds[static_cast<size_t>(k)]);
    }
    const auto causes = trace::by_cause(report);
    for (int k = 0; k < trace::kBubbleKinds; ++k) {
      trace::Tally sum;
      for (const auto& t : causes[static_cast<size_t>(k)]) sum.count += t.count, sum.ns += t.ns;
      CHECK(sum == report.kinds[static_cast<size_t>(k)]);
    }
    const auto histogram = trace::gap_histogram(report);
    CHECK(std::accumulate(histogram.count.begin(), histogram.count.end(), int64_t{0}) ==
          static_cast<int64_t>(expected.size()));
    CHECK(std::accumulate(histogram.ns.begin(), histogram.ns.end(), int64_t{0}) == idle);
  }
}

TEST_CASE(
    "neighbours of a bubble are what ended last before it and started first after it, in the "
    "window or not") {
  std::mt19937_64 random = tests::fresh_random();
  for (int round = 0; round < 200; ++round) {
    const Case c = random_case(random);
    for (const trace::Bubble& b : trace::classify(*c.trace, c.window).bubbles) {
      int64_t last_end = -1, first_start = -1;
      for (const trace::Event& e : c.trace->events) {
        if (c.trace->device_of(e) != c.window.device) continue;
        if (e.end_ns <= b.begin_ns) last_end = std::max(last_end, e.end_ns);
        if (e.start_ns >= b.end_ns && (first_start < 0 || e.start_ns < first_start))
          first_start = e.start_ns;
      }
      CHECK((b.before == trace::kNone ? -1 : c.trace->events[b.before].end_ns) == last_end);
      CHECK((b.after == trace::kNone ? -1 : c.trace->events[b.after].start_ns) == first_start);
      CHECK(!trace::evidence(*c.trace, b).empty());
    }
  }
}

TEST_CASE("reclassifying gives what classifying with those thresholds gives") {
  std::mt19937_64 random = tests::fresh_random();
  for (int round = 0; round < 100; ++round) {
    const Case c = random_case(random);
    auto report = trace::classify(*c.trace, c.window);
    trace::reclassify(report, kSmall);
    check_same(report, trace::classify(*c.trace, c.window, kSmall));
  }
}

TEST_CASE("adjacent windows add up to the window that they tile") {
  std::mt19937_64 random = tests::fresh_random();
  for (int round = 0; round < 100; ++round) {
    const Case c = random_case(random);
    const auto context = trace::bubble_context(*c.trace, c.window.device);
    const auto whole = trace::classify(*c.trace, context, c.window);
    const auto shares = trace::equal_shares(*c.trace, context.events, c.window);
    int64_t busy = 0, idle = 0, overlaps = 0;
    std::array<trace::ShareSum, trace::kCategories> category{};
    Window piece = c.window;
    for (int64_t begin = c.window.begin_ns; begin < c.window.end_ns; begin = piece.end_ns) {
      piece.begin_ns = begin;
      piece.end_ns =
          std::min<int64_t>(c.window.end_ns, begin + 1 + static_cast<int64_t>(random() % 60));
      const auto part = trace::classify(*c.trace, context, piece);
      busy += part.busy_ns;
      idle += part.idle_ns;
      overlaps += static_cast<int64_t>(part.overlaps.size());
      const auto part_shares = trace::equal_shares(*c.trace, context.events, piece);
      for (size_t i = 0; i < category.size(); ++i) category[i] += part_shares.category[i];
    }
    CHECK(busy == whole.busy_ns);
    CHECK(idle == whole.idle_ns);
    CHECK(overlaps <= static_cast<int64_t>(whole.overlaps.size()));
    CHECK((category == shares.category));
  }
}

TEST_CASE("the critical path sums to the wall, with guessed and with known predecessors") {
  std::mt19937_64 random = tests::fresh_random();
  for (int round = 0; round < 300; ++round) {
    const Case c = random_case(random, {.edges = round % 2 ? 0.6 : 0.0});
    const auto path = trace::critical_path(*c.trace, c.window);
    CHECK(path.owned_ns + path.waits_ns + path.lead_in_ns == c.window.wall_ns());
    int64_t owned = 0, waits = path.tail_ns;
    for (size_t i = 0; i < path.steps.size(); ++i) {
      const auto& step = path.steps[i];
      CHECK((step.owned_ns >= 0 && step.wait_ns >= 0));
      CHECK(step.predecessor == (i == 0 ? trace::kNone : path.steps[i - 1].event));
      if (!step.guessed)
        CHECK((std::any_of(c.trace->edges.begin(), c.trace->edges.end(),
                           [&](const trace::Edge& e) {
                             return e.from == step.predecessor && e.to == step.event;
                           }) ||
               step.predecessor + 1 == step.event));  // its neighbour on the lane
      else if (step.predecessor != trace::kNone)
        CHECK(c.trace->events[step.predecessor].end_ns <= c.trace->events[step.event].start_ns);
      owned += step.owned_ns;
      waits += step.wait_ns;
    }
    CHECK(owned == path.owned_ns);
    CHECK(waits == path.waits_ns);
  }
}

TEST_CASE(
    "equal shares agree with a sweep by nanoseconds and sum to the wall in whole share units") {
  std::mt19937_64 random = tests::fresh_random();
  for (int round = 0; round < 200; ++round) {
    // Every fourth trace is so crowded that shares do not divide.
    const bool crowded = round % 4 == 3;
    const Case c = random_case(
        random, crowded
                    ? tests::RandomShape{.devices = 1, .streams = 9, .events = 120, .span_ns = 60}
                    : tests::RandomShape{});
    const auto shares = trace::equal_shares(*c.trace, c.window, kSmall);
    std::map<trace::EventId, trace::ShareSum> expected;
    bool divides = true;
    int64_t idle = 0;
    for (const auto& running : sweep(c).running) {
      divides = divides &&
                (running.empty() || trace::kShareUnits % static_cast<int64_t>(running.size()) == 0);
      idle += running.empty();
      for (const auto id : running)
        expected[id] += trace::kShareUnits / static_cast<int64_t>(running.size());
    }
    trace::ShareSum sum = 0, of_categories = 0;
    for (size_t i = 0; i < shares.events.size(); ++i) {
      sum += shares.event_share[i];
      if (divides)
        CHECK((shares.event_share[i] == expected[shares.events[i]]));
      else
        CHECK((shares.event_share[i] >= expected[shares.events[i]]));
    }
    for (const auto share : shares.category) of_categories += share;
    CHECK((sum == of_categories));
    CHECK(std::accumulate(shares.idle_ns.begin(), shares.idle_ns.end(), int64_t{0}) == idle);
    CHECK((sum + static_cast<trace::ShareSum>(idle) * trace::kShareUnits ==
           static_cast<trace::ShareSum>(c.window.wall_ns()) * trace::kShareUnits));
  }
}

TEST_CASE("a comparison's views sum to the difference of the walls") {
  std::mt19937_64 random = tests::fresh_random();
  for (int round = 0; round < 150; ++round) {
    const Case a = random_case(random), b = random_case(random);
    const auto c = trace::compare(*a.trace, a.window, *b.trace, b.window, kSmall);
    const int64_t delta = b.window.wall_ns() - a.window.wall_ns();
    const auto sum = [](const std::vector<trace::Contributor>& list) {
      return std::accumulate(list.begin(), list.end(), int64_t{0},
                             [](int64_t s, const auto& x) { return s + x.ns; });
    };
    CHECK(sum(c.waterfall.contributors) == delta);
    CHECK(c.waterfall.b_ns - c.waterfall.a_ns == delta);
    CHECK(sum(c.second_view) == delta);
    int64_t durations = 0, names_a = 0, names_b = 0;
    for (const auto* list : {&c.matched, &c.only_a, &c.only_b})
      for (const auto& k : *list) {
        durations += k.b_ns - k.a_ns;
        names_a += k.a_count;
        names_b += k.b_count;
      }
    CHECK(c.second_view.front().ns == durations);
    CHECK((names_a == c.a.activities && names_b == c.b.activities));
    for (const auto& k : c.matched) CHECK((k.a_count > 0 && k.b_count > 0));
    for (const auto& k : c.only_a) CHECK((k.a_count > 0 && k.b_count == 0));
    for (const auto& k : c.only_b) CHECK((k.a_count == 0 && k.b_count > 0));
  }
}
