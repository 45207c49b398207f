#include "trace/path.h"

#include <catch2/catch_test_macros.hpp>

#include "tests/support/random_trace.h"

using tests::make_trace;

namespace {

std::string names(const trace::Trace& t, const trace::CriticalPath& path) {
  std::string out;
  for (const auto& step : path.steps) out += t.name_of(t.events[step.event]);
  return out;
}

}  // namespace

TEST_CASE("the path walks back over whatever ended last, and gaps on it are waits") {
  // a forks b (side) and c; d joins and waits for b.
  const auto t =
      make_trace({{7, 10, 100, "a"}, {9, 105, 400, "b"}, {7, 101, 200, "c"}, {7, 420, 500, "d"}});
  const auto p = trace::critical_path(*t, trace::whole(*t, 0));
  CHECK(names(*t, p) == "abd");
  CHECK(
      (p.owned_ns == 90 + 295 + 80 && p.waits_ns == 5 + 20 && p.lead_in_ns == 0 && p.tail_ns == 0));
  CHECK((p.steps[1].wait_ns == 5 && p.steps[2].wait_ns == 20 && p.steps[2].guessed));
}

TEST_CASE("of equal ends the same lane comes first") {
  const auto t =
      make_trace({{9, 0, 100, "x"}, {7, 50, 100, "y"}, {11, 60, 100, "z"}, {7, 110, 120, "e"}});
  CHECK(names(*t, trace::critical_path(*t, trace::whole(*t, 0))) == "ye");
}

TEST_CASE("a known dependency is walked even when it overlaps or did not end last") {
  trace::TraceBuilder builder;
  const auto id = tests::add_acts(
      builder, {{7, 0, 100, "a"}, {9, 0, 150, "b"}, {7, 160, 300, "c"}, {7, 290, 400, "d"}});
  builder.add_edge(id[0], id[2]);
  builder.add_edge(id[2], id[3]);  // d started before c had ended: it owns only what comes after
  const auto t = builder.finish(true);
  const auto p = trace::critical_path(*t, trace::whole(*t, 0));
  CHECK(names(*t, p) == "acd");
  CHECK((p.steps[2].owned_ns == 100 && p.steps[2].wait_ns == 0 && !p.steps[2].guessed));
  CHECK((p.steps[1].wait_ns == 60 && p.owned_ns == 340 && p.waits_ns == 60));
}

TEST_CASE("instants and dependencies that turn time around end nowhere but at the head") {
  trace::TraceBuilder builder;
  const auto id = tests::add_acts(
      builder, {{7, 5, 5, "a"}, {9, 5, 5, "b"}, {11, 5, 5, "c"}, {7, 5, 9, "d"}, {9, 2, 20, "e"}});
  builder.add_edge(id[3], id[0]);
  builder.add_edge(id[4], id[3]);  // ended after its successor
  const auto t = builder.finish(true);
  const auto w = trace::whole(*t, 0);
  const auto p = trace::critical_path(*t, w);
  CHECK(p.owned_ns + p.waits_ns + p.lead_in_ns == w.wall_ns());
}

TEST_CASE("windows cut the path: lead-in before it, an idle tail among the waits") {
  const auto t = make_trace({{7, 0, 100, "a"}, {7, 110, 200, "b"}, {7, 300, 400, "c"}});
  const auto p =
      trace::critical_path(*t, {.device = 0, .begin_ns = 50, .end_ns = 250, .label = ""});
  CHECK((p.owned_ns == 50 + 90 && p.waits_ns == 10 + 50 && p.tail_ns == 50 && p.lead_in_ns == 0));
  const auto late =
      trace::critical_path(*t, {.device = 0, .begin_ns = 210, .end_ns = 350, .label = ""});
  CHECK((late.owned_ns == 50 && late.lead_in_ns == 90 && late.waits_ns == 0));
  const auto none =
      trace::critical_path(*t, {.device = 0, .begin_ns = 210, .end_ns = 250, .label = ""});
  CHECK((none.steps.empty() && none.lead_in_ns == 40));
}

TEST_CASE("a kernel that spans everything does not hide the chain beneath it") {
  std::vector<tests::Act> acts{{9, 0, 100000, "long"}};
  for (int i = 0; i < 300; ++i) acts.push_back({7, i * 100, i * 100 + 90, "k"});
  acts.push_back({7, 100000, 100010, "end"});
  const auto t = make_trace(acts);
  CHECK(names(*t, trace::critical_path(*t, trace::whole(*t, 0))) == "longend");
  acts[0].end_ns = 100020;  // ends last: it is the path
  const auto u = make_trace(acts);
  CHECK(names(*u, trace::critical_path(*u, trace::whole(*u, 0))) == "long");
  // Walk back from a short kernel under the long one: the chain of short ones, found among the
  // sorted ends.
  const auto p =
      trace::critical_path(*u, {.device = 0, .begin_ns = 1, .end_ns = 29990, .label = ""});
  CHECK(p.owned_ns + p.waits_ns + p.lead_in_ns == 29989);
}
