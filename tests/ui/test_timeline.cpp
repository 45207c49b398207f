// What the timeline promises at every zoom: nothing is lost.
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <algorithm>
#include <map>

#include "tests/ui/random_trace.h"
#include "ui/vm/names.h"
#include "ui/vm/timeline_vm.h"

using namespace ui;

namespace {

struct Scene {
  std::shared_ptr<trace::Trace> trace;
  trace::BubbleReport report;
  LaneIndex lanes;
  BubbleMap bubbles;
  Scene(std::mt19937_64& rng, const test::TraceShape& shape)
      : trace(test::random_trace(rng, shape)) {
    report = test::bubbles_by_hand(*trace, 0);
    report.overlaps = test::overlaps_by_hand(*trace);
    lanes = LaneIndex(*trace, 0, report.overlaps, LaneGrouping::folded);
    bubbles = BubbleMap(report.bubbles);
  }
  StackItem item() const {
    return {.lanes = &lanes,
            .bubbles = &bubbles,
            .report = &report,
            .origin_ns = report.window.begin_ns,
            .title = "scene"};
  }
};

Viewport random_view(std::mt19937_64& rng, const Extent& content) {
  Viewport v;
  v.width_px = std::uniform_real_distribution<float>(40, 1900)(rng);
  v = fit(v, content);
  for (int k = 0, n = static_cast<int>(rng() % 9); k < n; ++k) {
    v = zoom_at(v, std::uniform_real_distribution<double>(0, v.width_px)(rng),
                std::uniform_real_distribution<double>(0.5, 12)(rng), content);
  }
  return v;
}

bool in_view(int64_t begin, int64_t end, const Viewport& v) {
  return static_cast<double>(end) > v.begin_ns && static_cast<double>(begin) < v.end_ns();
}

}  // namespace

TEST_CASE("every visible event is in exactly one bar and can be hit, at every zoom") {
  std::mt19937_64 rng(Catch::getSeed());
  TimelineVm vm;
  for (int round = 0; round < 60; ++round) {
    const Scene scene(rng, {.lanes = 1 + static_cast<uint32_t>(rng() % 4),
                            .events = 40 + static_cast<uint32_t>(rng() % 3000),
                            .overlap = 0.05});
    const StackItem items[] = {scene.item()};
    const Viewport view = random_view(rng, content_of(items));
    TimelineStyle style;
    style.height_px = 1e6f;
    build_timeline(items, view, style, vm);
    std::map<trace::EventId, int> bars;
    for (const BarVm& bar : vm.bars) {
      const RowMap& row = scene.lanes.rows()[vm.rows[bar.row].row];
      for (uint32_t i = bar.first; i < bar.first + bar.count; ++i) {
        ++bars[row.id(i)];
        CHECK(row.at(i).duration_ns() <= row.at(bar.longest).duration_ns());
        // What is merged is narrow: a bar one could tell apart stays by itself.
        if (bar.count > 1)
          CHECK(static_cast<double>(row.at(i).duration_ns()) / view.ns_per_px <
                static_cast<double>(style.min_bar_px));
      }
    }
    for (trace::EventId id = 0; id < scene.trace->events.size(); ++id) {
      const trace::Event& e = scene.trace->events[id];
      const int64_t origin = items[0].origin_ns;
      if (e.duration_ns() == 0 || !in_view(e.start_ns - origin, e.end_ns - origin, view)) continue;
      REQUIRE(bars[id] == 1);
      RectPx rect;
      REQUIRE(locate(items, vm, view, 0, id, style, &rect));
      const Hit hit = hit_test(vm, (std::max(rect.x0, 0.0f) + std::min(rect.x1, view.width_px)) / 2,
                               (rect.y0 + rect.y1) / 2);
      INFO("event " << e.start_ns - origin << ".." << e.end_ns - origin << " at px " << rect.x0
                    << ".." << rect.x1 << " of " << view.width_px << ", " << view.ns_per_px
                    << " ns/px");
      REQUIRE(hit.kind == HitKind::bar);
    }
  }
}

TEST_CASE("no bubble vanishes by zooming out, and the worst kind of a pixel wins") {
  std::mt19937_64 rng(Catch::getSeed() + 1);
  TimelineVm vm;
  for (int round = 0; round < 60; ++round) {
    const Scene scene(
        rng, {.lanes = 2, .events = 40 + static_cast<uint32_t>(rng() % 3000), .overlap = 0});
    const StackItem items[] = {scene.item()};
    const Viewport view = random_view(rng, content_of(items));
    build_timeline(items, view, {}, vm);
    std::map<uint32_t, const OverlayVm*> overlay_of;
    for (const OverlayVm& o : vm.overlays) {
      for (uint32_t i = o.first; i < o.first + o.count; ++i) {
        REQUIRE(overlay_of.emplace(i, &o).second);
        REQUIRE(static_cast<int>(scene.bubbles.at(i).kind) <= static_cast<int>(o.kind));
      }
    }
    for (uint32_t i = 0; i < scene.report.bubbles.size(); ++i) {
      const trace::Bubble& b = scene.report.bubbles[i];
      if (!in_view(b.begin_ns - items[0].origin_ns, b.end_ns - items[0].origin_ns, view)) continue;
      REQUIRE(overlay_of.contains(i));
      const OverlayVm& o = *overlay_of[i];
      const float x = (std::max(o.x0, 0.0f) + std::min(o.x1, view.width_px)) / 2;
      if (x >= view.width_px) continue;
      REQUIRE(hit_test(vm, x, vm.bands[0].strip_y + 1).kind == HitKind::bubble);
    }
  }
}

TEST_CASE("every overlap has its violet mark") {
  std::mt19937_64 rng(Catch::getSeed() + 2);
  TimelineVm vm;
  for (int round = 0; round < 30; ++round) {
    const Scene scene(rng, {.lanes = 2, .events = 400, .overlap = 0.3});
    const StackItem items[] = {scene.item()};
    TimelineStyle style;
    style.height_px = 1e6f;
    const Viewport view = fit({.width_px = 700}, content_of(items));
    build_timeline(items, view, style, vm);
    size_t marked = 0;
    for (const OverlapVm& o : vm.overlaps) marked += o.count;
    REQUIRE(marked == scene.report.overlaps.size());
  }
}

TEST_CASE("the cost of a frame goes with the pixels, not with the events") {
  std::mt19937_64 rng(Catch::getSeed() + 3);
  TimelineVm vm;
  const Scene scene(rng, {.lanes = 2, .events = 60000, .overlap = 0});
  const StackItem items[] = {scene.item()};
  const Viewport view = fit({.width_px = 1000}, content_of(items));
  build_timeline(items, view, {}, vm);
  CHECK(vm.bars.size() < 2 * 1000);
  CHECK(vm.overlays.size() < 1100);
}

TEST_CASE("rows that are scrolled away cost nothing, bands keep their places") {
  std::mt19937_64 rng(Catch::getSeed() + 4);
  const Scene scene(rng, {.lanes = 6, .events = 300, .overlap = 0});
  const std::vector<StackItem> items(20, scene.item());
  TimelineVm vm;
  TimelineStyle style;
  const Viewport view = fit({.width_px = 900}, content_of(items));
  build_timeline(items, view, style, vm);
  CHECK(vm.bands.size() == 20);
  CHECK(vm.rows.size() < 25);
  const float y = vm.bands[10].rows_y;
  style.scroll_px = y - 50;
  build_timeline(items, view, style, vm);
  CHECK(vm.bands[10].rows_y == y);
  CHECK(vm.bands[10].rows > 0);
  CHECK(vm.bands[0].rows == 0);
}

TEST_CASE("lengths below the band do not run into one another, at the right edge either") {
  std::mt19937_64 rng(Catch::getSeed() + 6);
  for (int round = 0; round < 20; ++round) {
    const Scene scene(rng, {.lanes = 2, .events = 4000, .overlap = 0, .longest_ns = 9000});
    const StackItem items[] = {scene.item()};
    TimelineVm vm;
    TimelineStyle style;
    const Viewport view = fit({.width_px = 900}, content_of(items));
    build_timeline(items, view, style, vm);
    std::vector<std::pair<float, float>> places;
    for (const BubbleLabelVm& l : vm.labels) {
      const float half = style.char_px * static_cast<float>(code_points(l.text)) / 2;
      CHECK(l.x + half <= view.width_px);
      places.push_back({l.x - half, l.x + half});
    }
    std::ranges::sort(places);
    for (size_t i = 1; i < places.size(); ++i) CHECK(places[i - 1].second <= places[i].first);
  }
}

TEST_CASE("labels stay inside their bars and ticks carry round numbers") {
  std::mt19937_64 rng(Catch::getSeed() + 5);
  const Scene scene(rng, {.lanes = 1, .events = 60, .overlap = 0, .longest_ns = 60000});
  const StackItem items[] = {scene.item()};
  TimelineVm vm;
  TimelineStyle style;
  const Viewport view = fit({.width_px = 1200}, content_of(items));
  build_timeline(items, view, style, vm);
  for (const BarVm& bar : vm.bars) {
    if (bar.label < 0) continue;
    const auto& text = vm.texts[static_cast<size_t>(bar.label)];
    CHECK(static_cast<float>(text.size()) * style.char_px <=
          bar.x1 - bar.x0 + 3 * style.char_px);  // "…" is three bytes
  }
  REQUIRE(vm.ticks.size() > 3);
  CHECK(vm.ticks[0].text == "0");
  CHECK(vm.unit == "µs");
  for (size_t i = 1; i < vm.ticks.size(); ++i) CHECK(vm.ticks[i].x - vm.ticks[i - 1].x >= 55);
}

TEST_CASE("an empty trace gives an empty band, not a crash") {
  trace::Trace t;
  t.strings = {""};
  const LaneIndex lanes(t, 0, {}, LaneGrouping::folded);
  const trace::BubbleReport report;
  const BubbleMap bubbles(report.bubbles);
  const StackItem items[] = {{.lanes = &lanes, .bubbles = &bubbles, .report = &report}};
  TimelineVm vm;
  build_timeline(items, fit({}, content_of(items)), {}, vm);
  CHECK(vm.bands.size() == 1);
  CHECK(hit_test(vm, 5, 5).kind == HitKind::band);
  CHECK(hit_test(vm, 5, 500).kind == HitKind::none);
}

TEST_CASE("a few lanes grow into a high window, many keep their height, and neither zoom nor scrolling changes it") {
  std::mt19937_64 rng(7);
  const Scene scene(rng, {.lanes = 2, .events = 200, .overlap = 0});
  const StackItem items[] = {scene.item()};
  TimelineStyle style;
  TimelineVm vm;
  const auto content = [&](float row_px) {
    TimelineStyle s = style;
    s.row_px = row_px;
    build_timeline(items, fit({.width_px = 800}, content_of(items)), s, vm);
    return vm.content_px;
  };
  const float base = style.row_px, needed = content(base);
  for (const float height : {needed * 0.5f, needed, needed + 40, needed * 2, needed * 20}) {
    style.height_px = height;
    const float row = grown_row_px(items, style);
    CHECK(row >= base);
    CHECK(row <= base * 1.8f);
    if (height > needed) CHECK(content(row) <= height);
    style.scroll_px = 17;
    CHECK(grown_row_px(items, style) == row);
    style.scroll_px = 0;
  }
  style.height_px = needed;
  CHECK(grown_row_px(items, style) == base);
  style.height_px = needed * 20;
  CHECK(grown_row_px(items, style) == std::floor(base * 1.8f));
}
