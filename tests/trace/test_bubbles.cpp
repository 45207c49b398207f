#include "trace/bubbles.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/random_trace.h"

using Catch::Matchers::ContainsSubstring;
using tests::Act;
using tests::make_trace;
using trace::BubbleCause;
using trace::BubbleKind;
using trace::BubbleScope;
using trace::OverlapLabel;

namespace {

trace::BubbleReport all_of(const trace::Trace& t) {
  return trace::classify(t, trace::whole(t, 0));
}

bool says(const trace::BubbleReport& r, std::string_view text) {
  return std::any_of(r.caveats.begin(), r.caveats.end(),
                     [&](const std::string& c) { return c.find(text) != c.npos; });
}

}  // namespace

TEST_CASE("kinds change exactly at their thresholds") {
  const trace::Thresholds usual;
  CHECK(trace::kind_of(1, usual) == BubbleKind::contiguous);
  CHECK(trace::kind_of(2, usual) == BubbleKind::dispatch);
  CHECK(trace::kind_of(999, usual) == BubbleKind::dispatch);
  CHECK(trace::kind_of(1000, usual) == BubbleKind::fence);
  CHECK(trace::kind_of(1999, usual) == BubbleKind::fence);
  CHECK(trace::kind_of(2000, usual) == BubbleKind::stall);
  // Dragged over one another: the longer kind wins, nothing is lost.
  CHECK(trace::kind_of(600, {.contiguous_ns = 1, .fence_ns = 900, .stall_ns = 500}) ==
        BubbleKind::stall);
}

TEST_CASE("idle time of one device: counts, tallies, the longest stall first") {
  const auto t = make_trace({{1, 0, 1000},
                             {1, 1001, 2000},
                             {1, 2500, 3000},
                             {1, 4200, 5000},
                             {1, 8000, 8100},
                             {1, 12000, 12100}});
  const auto r = all_of(*t);
  CHECK((r.wall_ns == 12100 && r.busy_ns == 1000 + 999 + 500 + 800 + 100 + 100 &&
         r.idle_ns == r.wall_ns - r.busy_ns));
  CHECK(r.kind(BubbleKind::contiguous) == trace::Tally{1, 1});
  CHECK(r.kind(BubbleKind::dispatch) == trace::Tally{1, 500});
  CHECK(r.kind(BubbleKind::fence) == trace::Tally{1, 1200});
  CHECK(r.kind(BubbleKind::stall) == trace::Tally{2, 3000 + 3900});
  const auto stalls = r.stalls();
  REQUIRE(stalls.size() == 2);
  CHECK((stalls[0].ns() == 3900 && stalls[1].ns() == 3000));
  CHECK((r.kernels == 6 && r.copies == 0 && r.streams == 1 && r.lanes == 1 && r.lane_gaps == 5 &&
         r.ties == 1));
}

TEST_CASE("a device without activities, and a window beside them, are reported without a crash") {
  const auto none = make_trace({});
  const auto r = trace::classify(*none, trace::whole(*none, 0));
  CHECK((r.wall_ns == 0 && r.bubbles.empty() && r.activities == 0));
  CHECK(says(r, "no GPU activity"));
  const auto t = make_trace({{1, 100, 200, "a"}, {1, 900, 1000, "b"}});
  const auto beside =
      trace::classify(*t, {.device = 0, .begin_ns = 300, .end_ns = 500, .label = ""});
  REQUIRE(beside.bubbles.size() == 1);
  CHECK((beside.idle_ns == 200 && beside.busy_ns == 0));
  CHECK((t->name_of(t->events[beside.bubbles[0].before]) == "a" &&
         t->name_of(t->events[beside.bubbles[0].after]) == "b"));
}

TEST_CASE("fork and join are told by the stream of the window's first activity") {
  const auto t = make_trace({{7, 0, 1000, "norm"},
                             {9, 3000, 4000, "indexer"},
                             {7, 7000, 8000, "attention"},
                             {9, 12000, 13000, "x"},
                             {11, 16000, 17000, "y"}});
  const auto r = all_of(*t);
  REQUIRE(r.bubbles.size() == 4);
  CHECK((r.bubbles[0].cause == BubbleCause::fork && r.bubbles[0].cause_is_guess));
  CHECK(r.bubbles[1].cause == BubbleCause::join);
  CHECK(r.bubbles[2].cause == BubbleCause::fork);
  CHECK(r.bubbles[3].cause == BubbleCause::unknown);  // neither side is the parent
  CHECK_THAT(trace::evidence(*t, r.bubbles[0]),
             ContainsSubstring("stream 9 starts after the parent stream 7"));
  CHECK_THAT(
      trace::evidence(*t, r.bubbles[1]),
      ContainsSubstring("the parent stream 7 waits for stream 9: `indexer` ends 3.000 us before"));
  CHECK_THAT(trace::evidence(*t, r.bubbles[1]),
             ContainsSubstring("stream 7 itself had been idle for 6.000 us"));
  CHECK_THAT(trace::evidence(*t, r.bubbles[3]), ContainsSubstring("neither is the parent"));
}

TEST_CASE(
    "a launch call that came after the device had gone idle is the host's doing, whatever the "
    "streams") {
  trace::TraceBuilder builder;
  tests::add_acts(builder,
                  {{7, 0, 1000, "a", 1}, {9, 5000, 6000, "b", 2}, {9, 9000, 9500, "c", 3}});
  builder.add_call({.start_ns = -500,
                    .end_ns = -400,
                    .correlation = 1,
                    .name = builder.intern("cudaLaunchKernel")});
  builder.add_call({.start_ns = 4000,
                    .end_ns = 4100,
                    .correlation = 2,
                    .name = builder.intern("cudaLaunchKernel")});
  builder.add_call({.start_ns = 5500,
                    .end_ns = 5600,
                    .correlation = 3,
                    .name = builder.intern("cudaLaunchKernel")});
  const auto t = builder.finish(true);
  const auto r = all_of(*t);
  REQUIRE(r.bubbles.size() == 2);
  CHECK((r.bubbles[0].cause == BubbleCause::host && !r.bubbles[0].cause_is_guess));
  CHECK_THAT(
      trace::evidence(*t, r.bubbles[0]),
      ContainsSubstring("cudaLaunchKernel of `b` began 3.000 us after the device had gone idle"));
  CHECK(r.bubbles[1].cause == BubbleCause::unknown);  // launched while b ran
  CHECK_THAT(trace::evidence(*t, r.bubbles[1]), ContainsSubstring("launched in time"));
  // A window that begins inside the gap does not change what the device did.
  const auto cut =
      trace::classify(*t, {.device = 0, .begin_ns = 4500, .end_ns = 6000, .label = ""});
  CHECK(cut.bubbles[0].cause == BubbleCause::host);
}

TEST_CASE("a launch call still under way when the device goes idle is the host's doing as a guess") {
  trace::TraceBuilder builder;
  // b's call spans the end of a; c's comes back as b ends; d and e are nodes of one graph whose call outlasts d by little; f is a copy's.
  tests::add_acts(builder, {{7, 0, 1000, "a", 1}, {7, 5000, 6000, "b", 2}, {7, 8500, 9000, "c", 3}, {7, 12000, 13000, "d", 4},
                            {7, 15000, 16000, "e", 4}, {7, 20000, 21000, "Memcpy DtoH", 5}});
  const auto call = [&](int64_t start, int64_t end, int64_t correlation) {
    builder.add_call({.start_ns = start, .end_ns = end, .correlation = correlation, .name = builder.intern("cudaLaunchKernel")});
  };
  call(-500, -400, 1), call(900, 3500, 2), call(5500, 6000, 3), call(8900, 13900, 4), call(15500, 21500, 5);
  const auto t = builder.finish(true);
  const auto r = all_of(*t);
  REQUIRE(r.bubbles.size() == 5);
  CHECK((r.bubbles[0].cause == BubbleCause::host && r.bubbles[0].cause_is_guess));
  CHECK(trace::evidence(*t, r.bubbles[0]) ==
        "cudaLaunchKernel of `b` was under way when the device went idle and came back 2.500 us later; it started 1.500 us after that");
  CHECK(r.bubbles[1].cause == BubbleCause::unknown);  // submitted by the time that b ended
  CHECK(r.bubbles[2].cause == BubbleCause::host);     // between launches
  CHECK(r.bubbles[3].cause == BubbleCause::graph_edge);
  CHECK(r.bubbles[4].cause == BubbleCause::copy);
}

TEST_CASE("a graph whose call still hands over the rest is waited for within its launch") {
  // The call of correlation 4 comes back at 9000: it explains the stall behind a, not the short gap behind b, nor most of the one behind c.
  trace::TraceBuilder builder;
  tests::add_acts(builder, {{7, 0, 1000, "a", 4}, {7, 6000, 7000, "b", 4}, {7, 7900, 8000, "c", 4}, {7, 12000, 13000, "d", 4}});
  builder.add_call({.start_ns = -500, .end_ns = 9000, .correlation = 4, .name = builder.intern("cudaGraphLaunch")});
  const auto t = builder.finish(true);
  const auto r = all_of(*t);
  REQUIRE(r.bubbles.size() == 3);
  CHECK((r.bubbles[0].cause == BubbleCause::host && r.bubbles[0].cause_is_guess && r.bubbles[0].scope == BubbleScope::in_graph));
  CHECK_THAT(trace::evidence(*t, r.bubbles[0]), ContainsSubstring("cudaGraphLaunch of `b` was under way when the device went idle"));
  CHECK(r.bubbles[1].cause == BubbleCause::graph_edge);
  CHECK(r.bubbles[2].cause == BubbleCause::graph_edge);
}

TEST_CASE("a launch call under way outweighs a guessed join, not a known one") {
  for (const bool known : {false, true}) {
    trace::TraceBuilder builder;
    const auto id = tests::add_acts(builder, {{7, 0, 1000, "a", 1}, {9, 500, 2000, "b", 2}, {7, 4000, 5000, "c", 3}});
    builder.add_call({.start_ns = 1900, .end_ns = 4500, .correlation = 3, .name = builder.intern("cudaLaunchKernel")});
    if (known) builder.add_edge(id[1], id[2]);
    const auto t = builder.finish(true);
    const auto r = all_of(*t);
    REQUIRE(r.bubbles.size() == 1);
    CHECK(r.bubbles[0].cause == (known ? BubbleCause::join : BubbleCause::host));
    CHECK(r.bubbles[0].cause_is_guess == !known);
    if (!known) CHECK_THAT(trace::evidence(*t, r.bubbles[0]), ContainsSubstring("came back 2.500 us later; it started 0.500 us before the call came back"));
  }
}

TEST_CASE("copies and edges of one graph launch are named as causes on the same stream") {
  const auto t = make_trace({{7, 0, 10, "a", 5},
                             {7, 20, 30, "b", 5},
                             {7, 40, 50, "Memcpy DtoH"},
                             {7, 60, 70, "c", 8},
                             {7, 80, 90, "d", 9}});
  const auto r = all_of(*t);
  REQUIRE(r.bubbles.size() == 4);
  CHECK(r.bubbles[0].cause == BubbleCause::graph_edge);
  CHECK(r.bubbles[1].cause == BubbleCause::copy);
  CHECK(r.bubbles[2].cause == BubbleCause::copy);
  CHECK(r.bubbles[3].cause == BubbleCause::unknown);
  CHECK((r.kernels == 4 && r.copies == 1));
  CHECK_THAT(trace::evidence(*t, r.bubbles[0]),
             ContainsSubstring("of one graph launch on stream 7"));
  CHECK_THAT(trace::evidence(*t, r.bubbles[2]), ContainsSubstring("a copy precedes it"));
}

TEST_CASE("known dependencies decide over what ended last") {
  trace::TraceBuilder builder;
  const auto id = tests::add_acts(builder, {{7, 0, 1000, "a"},
                                            {9, 100, 2050, "side"},
                                            {7, 500, 2000, "b"},
                                            {11, 600, 2100, "beside"},
                                            {7, 5000, 6000, "needs side"},
                                            {9, 8000, 9000, "needs it"},
                                            {11, 9100, 9200, "alone"},
                                            {9, 12000, 12500, "needs what went before"}});
  builder.add_edge(id[1], id[4]);
  builder.add_edge(id[0], id[4]);
  builder.add_edge(id[4], id[5]);
  builder.add_edge(id[4], id[7]);
  const auto t = builder.finish(true);
  const auto r = all_of(*t);
  REQUIRE(r.bubbles.size() == 4);
  CHECK(t->name_of(t->events[r.bubbles[0].before]) == "beside");  // ended last, but nobody waited
  CHECK((r.bubbles[0].cause == BubbleCause::join && !r.bubbles[0].cause_is_guess));
  CHECK_THAT(trace::evidence(*t, r.bubbles[0]),
             ContainsSubstring("waits for stream 9: `side` ends 2.950 us before"));
  CHECK((r.bubbles[1].cause == BubbleCause::fork && !r.bubbles[1].cause_is_guess));
  CHECK(r.bubbles[2].cause_is_guess);
  // Streams run in order: the neighbour on the stream ended later than the recorded dependency.
  CHECK((r.bubbles[3].cause == BubbleCause::unknown && !r.bubbles[3].cause_is_guess));
  CHECK_THAT(trace::evidence(*t, r.bubbles[3]),
             ContainsSubstring("known dependency on the same stream"));
}

TEST_CASE("scopes: one launch, one step, or between steps") {
  const auto t = make_trace({{7, 0, 10, "a", 5, 0},
                             {7, 20, 30, "b", 5, 0},
                             {7, 40, 50, "c", 6, 0},
                             {7, 70, 80, "d", 7, 1},
                             {7, 90, 95, "e", 8}});
  const auto r = all_of(*t);
  REQUIRE(r.bubbles.size() == 4);
  CHECK(r.bubbles[0].scope == BubbleScope::in_graph);
  CHECK(r.bubbles[1].scope == BubbleScope::in_step);
  CHECK(r.bubbles[2].scope == BubbleScope::between_steps);
  CHECK(r.bubbles[3].scope == BubbleScope::between_steps);  // to something outside every step
  CHECK(r.scopes[static_cast<int>(BubbleScope::between_steps)] == trace::Tally{2, 30});
  // Where nothing marks steps there is nothing between them.
  const auto unmarked = make_trace({{7, 0, 10, "a"}, {7, 20, 30, "b"}});
  CHECK(all_of(*unmarked).bubbles[0].scope == BubbleScope::in_step);
}

TEST_CASE("overlaps on one stream are counted and labelled, concurrency of streams is none") {
  const auto t = make_trace({
      {7, 0, 100, "p"},
      {7, 90, 200, "q"},   // 10 early ...
      {7, 210, 300, "r"},  // ... followed by a gap of 10: jitter
      {7, 400, 500, "m"},
      {7, 480, 600, "n"},  // m -> n always overlaps
      {7, 700, 800, "m"},
      {7, 795, 900, "n"},
      {7, 950, 1000, "s"},
      {7, 999, 1100, "t"},  // once: accounting
      {9, 0, 1100, "beside"},
  });
  const auto r = all_of(*t);
  REQUIRE(r.overlaps.size() == 4);
  CHECK((r.overlaps[0].label == OverlapLabel::jitter && r.overlaps[0].gap_ns == -10));
  CHECK((r.overlaps[1].label == OverlapLabel::early_launch && r.overlaps[1].gap_ns == -20));
  CHECK((r.overlaps[2].label == OverlapLabel::early_launch && r.overlaps[2].gap_ns == -5));
  CHECK(r.overlaps[3].label == OverlapLabel::accounting);
  CHECK(r.overlap_min_ns == -20);
  CHECK(r.idle_ns == 0);
  CHECK(says(
      r, "4 overlaps of neighbours on one stream, down to -0.020 us: 1 jitter, 2 early launch"));
  // A pair that overlaps only at times launches nothing early.
  const auto sometimes =
      make_trace({{7, 0, 10, "m"}, {7, 9, 20, "n"}, {7, 30, 40, "m"}, {7, 42, 50, "n"}});
  CHECK(all_of(*sometimes).overlaps[0].label == OverlapLabel::accounting);
}

TEST_CASE("gaps between neighbours of a lane, negative ones too") {
  const auto t = make_trace({{7, 0, 10}, {7, 8, 20}, {7, 20, 30}, {9, 5, 6}, {9, 50, 60}});
  const auto gaps = trace::lane_gaps(*t, trace::whole(*t, 0));
  REQUIRE(gaps.size() == 3);
  CHECK((gaps[0].gap_ns == -2 && gaps[1].gap_ns == 0 && gaps[2].gap_ns == 44));
  CHECK((gaps[0].lane == 0 && gaps[2].lane == 1));
  CHECK(trace::lane_gaps(*t, {.device = 0, .begin_ns = 0, .end_ns = 9, .label = ""}).size() == 1);
}

TEST_CASE("histogram bins are decades in equal steps; bounds are whole nanoseconds") {
  const auto t = make_trace(
      {{7, 0, 10}, {7, 11, 12}, {7, 22, 30}, {7, 39, 40}, {7, 1040, 1050}});  // gaps 1, 10, 9, 1000
  const auto h = trace::gap_histogram(all_of(*t), 1);
  REQUIRE(h.count.size() == 9);
  CHECK((h.count[0] == 2 && h.count[1] == 1 && h.count[2] == 0 && h.count[3] == 1));
  CHECK((h.ns[0] == 10 && h.ns[1] == 10 && h.ns[3] == 1000));
  CHECK((h.lower_ns(0) == 0 && h.lower_ns(1) == 10 && h.lower_ns(3) == 1000));
  const auto fine = trace::gap_histogram(all_of(*t));
  CHECK((fine.per_decade == 8 && fine.count.size() == 72));
  CHECK((fine.lower_ns(8) == 10 && fine.lower_ns(16) == 100 && fine.lower_ns(24) == 1000 &&
         fine.lower_ns(4) == 4));
  for (int i = 1; i < 72; ++i) CHECK(fine.lower_ns(i) >= fine.lower_ns(i - 1));
}

TEST_CASE("what a collector cannot show is said with this trace's numbers") {
  trace::TraceBuilder builder;
  // 20 kernels of 4.0 to 5.9 us, 1 ns apart: 19 ties.
  std::vector<Act> acts;
  int64_t at = 0;
  for (int i = 0; i < 20; ++i) {
    acts.push_back({7, at, at + 4000 + 100 * i, "k" + std::to_string(i)});
    at = acts.back().end_ns + 1;
  }
  tests::add_acts(builder, acts);
  builder.header().collector = {.name = "kineto+roctracer",
                                .version = "",
                                .clock = trace::ClockSource::roctracer,
                                .resolution_ns = 1};
  const auto ties = builder.finish();
  const auto r = all_of(*ties);
  CHECK(says(r, "19 of 19 gaps between neighbours on a stream are ties"));
  CHECK(says(r, "at most 20 x 4.100 = 82.000 us"));
  CHECK(says(r, "kineto+roctracer hardly ever reports a gap between 2 ns and 2 us"));

  CHECK(!says(r, "launch calls"));

  trace::TraceBuilder late;
  tests::add_acts(late, {{7, 0, 5000}, {7, 9000, 9500}});
  late.header().collector.clock = trace::ClockSource::cupti;
  CHECK(says(all_of(*late.finish()), "no launch calls: 1 idle interval of 2 us and more of unknown cause may be the host's"));

  for (const bool ours : {false, true}) {
    trace::TraceBuilder steps;
    const uint32_t lane = steps.lane(steps.device("0"), 7);
    for (int i = 0; i < 3; ++i) {
      steps.add({.start_ns = i * 9000, .end_ns = i * 9000 + 2000, .lane = lane, .step = i});
      steps.add({.start_ns = i * 9000 + 3000, .end_ns = i * 9000 + 4000, .lane = lane, .step = i});
    }
    steps.header().collector.clock = trace::ClockSource::cupti;
    if (ours) steps.header().source = std::string(trace::kRecordedLive) + "; stamps lie on the profiler's clock";
    const auto recorded = steps.finish();
    CHECK(says(all_of(*recorded), "the 10.000 us between steps are the recorder's own") == ours);
    CHECK(!says(trace::classify(*recorded, {.device = 0, .begin_ns = 0, .end_ns = 4000, .label = ""}), "recorder's own"));
  }

  trace::TraceBuilder coarse;
  tests::add_acts(coarse, {{7, 0, 5000}, {7, 6000, 9000}});
  coarse.header().collector.resolution_ns = 1000;
  const auto us = coarse.finish();
  CHECK(says(all_of(*us),
             "times are multiples of 1000 ns: idle intervals below 2.000 us cannot be told apart"));
  CHECK(!says(all_of(*us), "ties"));
}

TEST_CASE("kinds below two quanta get one label") {
  const trace::Thresholds usual;
  CHECK(trace::merged_kinds_label(1, usual).empty());
  CHECK(trace::merged_kinds_label(1000, usual) ==
        "contiguous or dispatch or fence (below two quanta of 1000 ns)");
  CHECK(trace::merged_kinds_label(32, usual) == "contiguous (below two quanta of 32 ns)");
  CHECK(trace::is_merged(BubbleKind::fence, 1000, usual));
  CHECK(!trace::is_merged(BubbleKind::fence, 1000,
                          {.contiguous_ns = 1, .fence_ns = 1000, .stall_ns = 5000}));
  CHECK(!trace::is_merged(BubbleKind::stall, 1000000, usual));
}

TEST_CASE("every device has its own idle time") {
  trace::TraceBuilder builder;
  const uint32_t d0 = builder.device("0"), d1 = builder.device("1");
  for (int i = 0; i < 3; ++i) {
    builder.add({.start_ns = i * 5000, .end_ns = i * 5000 + 1000, .lane = builder.lane(d0, 7)});
    builder.add(
        {.start_ns = i * 5000 + 1000, .end_ns = i * 5000 + 4999, .lane = builder.lane(d1, 7)});
  }
  const auto t = builder.finish();
  const auto first = trace::classify(*t, trace::whole(*t, 0)),
             second = trace::classify(*t, trace::whole(*t, 1));
  CHECK((first.kind(BubbleKind::stall) == trace::Tally{2, 8000} && first.kernels == 3));
  CHECK((second.kind(BubbleKind::fence) == trace::Tally{2, 2002} && second.kernels == 3));
}
