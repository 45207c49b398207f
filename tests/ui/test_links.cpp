// Lines over the bars, the minimap, snapping, hardware queues and launch calls, held to slow and obvious references.
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "tests/ui/random_trace.h"
#include "ui/vm/align.h"
#include "ui/vm/analysis.h"
#include "ui/vm/minimap.h"
#include "ui/vm/snap.h"
#include "ui/vm/timeline_links.h"

using namespace ui;

namespace {

trace::RunPtr run_of(std::shared_ptr<trace::Trace> t) {
  auto run = std::make_shared<trace::Run>();
  run->trace = std::move(t);
  return run;
}

StackItem item_of(const RunAnalysis& a) {
  StackItem item;
  item.lanes = a.lanes.get();
  item.bubbles = a.bubbles.get();
  item.report = a.report.get();
  item.host = a.host.get();
  item.path = a.path.get();
  item.crossings = a.crossings.get();
  item.longest_crossing_ns = a.longest_crossing_ns;
  item.origin_ns = a.report->window.begin_ns;
  return item;
}

// Launch calls on two threads, before what they launch; some launch several events.
void add_calls(std::mt19937_64& rng, trace::Trace& t) {
  std::vector<trace::EventId> ids(t.events.size());
  for (uint32_t i = 0; i < ids.size(); ++i) ids[i] = i;
  std::ranges::sort(ids, {}, [&](auto id) { return t.events[id].start_ns; });
  int64_t clock = -5000;
  for (size_t i = 0; i < ids.size();) {
    const size_t many = 1 + rng() % 3;
    trace::HostCall call;
    call.start_ns = clock;
    call.end_ns = clock + 1 + static_cast<int64_t>(rng() % 300);
    call.thread = 100 + static_cast<int64_t>(rng() % 2);
    call.name = 1;
    clock = call.start_ns + static_cast<int64_t>(rng() % 400);   // threads overlap each other
    for (size_t k = 0; k < many && i < ids.size(); ++k, ++i) {
      if (rng() % 10 != 0) t.events[ids[i]].call = static_cast<uint32_t>(t.calls.size());
    }
    t.calls.push_back(call);
  }
}

}  // namespace

TEST_CASE("the critical path's line covers every owned nanosecond of the view, at every zoom") {
  std::mt19937_64 rng(Catch::getSeed() + 20);
  TimelineVm vm;
  std::vector<LinkVm> links;
  for (int round = 0; round < 40; ++round) {
    const auto a = analyse(run_of(test::random_trace(rng, {.lanes = 3, .events = 900, .overlap = 0})), {});
    const StackItem items[] = {item_of(*a)};
    Viewport view = fit({.width_px = 900}, content_of(items));
    for (int k = static_cast<int>(rng() % 6); k > 0; --k)
      view = zoom_at(view, static_cast<double>(rng() % 900), 2.5, content_of(items));
    TimelineStyle style;
    style.height_px = 1e6f;
    build_timeline(items, view, style, vm);
    build_links(items, view, style, vm, {.path = true, .arrows = false}, links);
    std::vector<uint8_t> covered(900, 0);
    for (const LinkVm& link : links) {
      if (link.kind != LinkKind::path) continue;
      CHECK(link.x1 >= link.x0);
      for (int x = std::max(static_cast<int>(link.x0), 0); x <= static_cast<int>(link.x1) && x < 900; ++x) covered[static_cast<size_t>(x)] = 1;
    }
    CHECK(links.size() < 4000);   // pixels, not events
    for (const trace::PathStep& s : a->path->steps) {
      const trace::Event& e = a->trace().events[s.event];
      if (s.owned_ns == 0) continue;
      // A pixel wholly inside what the step owns has the line in it.
      const double x0 = view.x_of(static_cast<double>(e.end_ns - s.owned_ns - items[0].origin_ns));
      const double x1 = view.x_of(static_cast<double>(e.end_ns - items[0].origin_ns));
      for (int x = std::max(static_cast<int>(std::ceil(x0)), 0); x + 1 <= static_cast<int>(x1) && x < 900; ++x)
        REQUIRE(covered[static_cast<size_t>(x)]);
    }
  }
}

TEST_CASE("the minimap shows the worst kind of every pixel, as brute force sees it") {
  std::mt19937_64 rng(Catch::getSeed() + 21);
  for (int round = 0; round < 40; ++round) {
    const auto a = analyse(run_of(test::random_trace(rng, {.lanes = 2, .events = 40 + static_cast<uint32_t>(rng() % 2000)})), {});
    const StackItem items[] = {item_of(*a)};
    const Extent content = content_of(items);
    const int width = 1 + static_cast<int>(rng() % 700);
    const MinimapVm vm = make_minimap(items, content, width);
    REQUIRE(vm.pixels.size() == static_cast<size_t>(width));
    for (int p = 0; p < width; ++p) {
      const int64_t begin = std::llround(p * vm.ns_per_px()) + content.begin_ns,
                    end = std::max<int64_t>(std::llround((p + 1) * vm.ns_per_px()) + content.begin_ns, begin + 1);
      const trace::Bubble* worst = nullptr;
      for (const trace::Bubble& b : a->gaps->bubbles) {
        if (b.end_ns - items[0].origin_ns <= begin || b.begin_ns - items[0].origin_ns >= end) continue;
        if (!worst || b.ns() > worst->ns()) worst = &b;
      }
      REQUIRE(vm.pixels[static_cast<size_t>(p)].kind == (worst ? static_cast<int>(worst->kind) : -1));
      CHECK(vm.pixels[static_cast<size_t>(p)].idle <= 1.0f);
    }
  }
}

TEST_CASE("measuring snaps to the nearest edge of any event within reach") {
  std::mt19937_64 rng(Catch::getSeed() + 22);
  for (int round = 0; round < 30; ++round) {
    const auto a = analyse(run_of(test::random_trace(rng, {.lanes = 3, .events = 200})), {});
    const StackItem items[] = {item_of(*a)};
    for (int k = 0; k < 50; ++k) {
      const auto ns = static_cast<int64_t>(rng() % static_cast<uint64_t>(content_of(items).ns() + 1));
      const auto reach = static_cast<int64_t>(rng() % 3000);
      int64_t best = reach + 1;
      for (const trace::Event& e : a->trace().events) {
        for (const int64_t edge : {e.start_ns, e.end_ns}) best = std::min<int64_t>(best, std::llabs(edge - items[0].origin_ns - ns));
      }
      const int64_t got = snapped(items, ns, reach);
      CHECK(std::llabs(got - ns) == (best <= reach ? best : 0));
    }
  }
}

TEST_CASE("lanes by hardware queue hold every event once; a trace without queues keeps its streams") {
  std::mt19937_64 rng(Catch::getSeed() + 23);
  const auto t = test::random_trace(rng, {.lanes = 4, .events = 800});
  CHECK_FALSE(has_queues(*t, 0));
  for (trace::Event& e : t->events) {
    if (rng() % 5 == 0) continue;   // some name none
    e.detail = static_cast<uint32_t>(t->details.size());
    trace::Detail d;
    d.hsa_queue = static_cast<int64_t>(rng() % 3) * 7;
    t->details.push_back(d);
  }
  CHECK(has_queues(*t, 0));
  const LaneIndex lanes(*t, 0, test::overlaps_by_hand(*t), LaneGrouping::queue);
  std::map<trace::EventId, int> seen;
  for (const RowMap& row : lanes.rows()) {
    for (size_t i = 0; i < row.size(); ++i) ++seen[row.id(i)];
  }
  CHECK(seen.size() == t->events.size());
  for (trace::EventId id = 0; id < t->events.size(); ++id) {
    REQUIRE(seen[id] == 1);
    const auto at = lanes.find(id);
    REQUIRE(at);
    CHECK(lanes.rows()[at->row].id(at->position) == id);
    const trace::Detail* d = t->detail_of(t->events[id]);
    const std::string& label = lanes.lanes()[lanes.lane_of_row(at->row)].label;
    CHECK(label == (d ? "queue " + std::to_string(d->hsa_queue) : t->lanes[t->events[id].lane].label));
  }
}

TEST_CASE("launch calls: every one that launched something is drawn once, and flows lead to what it launched") {
  std::mt19937_64 rng(Catch::getSeed() + 24);
  for (int round = 0; round < 20; ++round) {
    auto t = test::random_trace(rng, {.lanes = 2, .events = 300});
    add_calls(rng, *t);
    const auto a = analyse(run_of(t), {.host = true});
    REQUIRE(a->host);
    std::set<uint32_t> launching;
    for (const trace::Event& e : t->events) {
      if (e.call != trace::kNone) launching.insert(e.call);
    }
    CHECK(std::set<uint32_t>(a->host->call.begin(), a->host->call.end()) == launching);
    uint32_t launched = 0;
    for (const uint32_t n : a->host->launched) launched += n;
    CHECK(launched == static_cast<uint32_t>(std::ranges::count_if(t->events, [](const auto& e) { return e.call != trace::kNone; })));
    const StackItem items[] = {item_of(*a)};
    TimelineVm vm;
    TimelineStyle style;
    style.height_px = 1e6f;
    const Viewport view = fit({.width_px = 1500}, content_of(items));
    int64_t first = INT64_MAX;
    for (const uint32_t c : launching) first = std::min(first, t->calls[c].start_ns);
    CHECK(view.begin_ns <= static_cast<double>(first - items[0].origin_ns));   // calls before the first kernel are in view
    build_timeline(items, view, style, vm);
    size_t drawn = 0;
    for (const BarVm& bar : vm.bars) {
      if (vm.rows[bar.row].host) drawn += bar.count;
    }
    CHECK(drawn == launching.size());
    std::vector<LinkVm> links;
    for (trace::EventId id = 0; id < t->events.size(); id += 17) {
      build_links(items, view, style, vm, {.arrows = false, .selected_item = 0, .selected = id}, links);
      CHECK(links.size() == (t->events[id].call == trace::kNone ? 0u : 1u));
      if (!links.empty()) CHECK(links[0].kind == LinkKind::flow);
    }
  }
}

TEST_CASE("runs align by start, by kernel, and say when they can't") {
  std::mt19937_64 rng(Catch::getSeed() + 25);
  const auto t = test::random_trace(rng, {.lanes = 2, .events = 300});
  const auto a = analyse(run_of(t), {});
  CHECK(aligned_origin(*a, {}) == a->report->window.begin_ns);
  const std::string name = t->strings[3];
  int64_t first = INT64_MAX;
  for (const trace::Event& e : t->events) {
    if (e.name == 3) first = std::min(first, e.start_ns);
  }
  CHECK(aligned_origin(*a, {.by = AlignBy::kernel, .kernel = name}) == first);
  CHECK_FALSE(aligned_origin(*a, {.by = AlignBy::kernel, .kernel = "no such kernel"}));
  CHECK_FALSE(aligned_origin(*a, {.by = AlignBy::layer, .layer = 100000}));
  CHECK_FALSE(aligned_origin(*a, {.by = AlignBy::step, .step = 100000}));
}

TEST_CASE("related events walk the critical path both ways") {
  std::mt19937_64 rng(Catch::getSeed() + 26);
  const auto a = analyse(run_of(test::random_trace(rng, {.lanes = 2, .events = 200, .overlap = 0})), {});
  const auto& steps = a->path->steps;
  REQUIRE(steps.size() > 3);
  for (size_t i = 1; i < steps.size(); ++i) {
    CHECK(related_event(*a, steps[i].event, -1) == steps[i].predecessor);
    CHECK(related_event(*a, steps[i].predecessor, 1) == steps[i].event);
  }
}
