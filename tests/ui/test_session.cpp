// The live chart's series: segments between flips, their bands and shares.
#include <catch2/catch_test_macros.hpp>

#include <memory>

#include <numeric>

#include "ui/vm/toggles_vm.h"
#include "ui/vm/session_vm.h"

using namespace ui;

TEST_CASE("a flip starts a segment of its own, with its own median, band and distribution") {
  SessionState s;
  trace::ToggleSet off, on;
  on.set_index(trace::ToggleKey::cat_skip, 1);
  for (int i = 0; i < 100; ++i) s.steps.push_back({i, i < 60 ? 1000.0 + i % 7 : 900.0 + i % 5, 190, i < 60 ? off : on});
  const StepChartVm vm = step_chart(s);
  REQUIRE(vm.flips.size() == 1);
  CHECK(vm.flips[0].text == "cat_skip on");
  REQUIRE(vm.segments.size() == 2);
  CHECK(vm.segments[0].count == 60);
  CHECK(vm.segments[1].first == 60);
  CHECK(vm.segments[1].count == 40);
  CHECK(vm.segments[1].high_us < vm.segments[0].low_us);
  CHECK(vm.median_us[60] == 900);   // nothing of before the flip is in it
  CHECK(std::abs(std::accumulate(vm.now.begin(), vm.now.end(), 0.0) - 1) < 1e-9);
  CHECK(std::abs(std::accumulate(vm.before.begin(), vm.before.end(), 0.0) - 1) < 1e-9);
}

TEST_CASE("one step is a chart too") {
  SessionState s;
  s.steps.push_back({0, 12.5, 3, {}});
  const StepChartVm vm = step_chart(s);
  CHECK(vm.segments.size() == 1);
  CHECK(vm.flips.empty());
  SessionState none;
  CHECK(step_chart(none).segments.empty());
}

TEST_CASE("steps that something else was in the way of are counted above the chart and do not flatten it") {
  SessionState s;
  for (int i = 0; i < 200; ++i) s.steps.push_back({i, i % 20 == 7 ? 8000.0 + i : 250.0 + i % 5, 95, {}});
  const StepChartVm vm = step_chart(s);
  CHECK(vm.high_us <= 2 * 254);
  REQUIRE(vm.above_index.size() == 10);
  CHECK(vm.above_index[1] == 27);
  CHECK(vm.slowest_us == 8187);
  CHECK(std::abs(std::accumulate(vm.now.begin(), vm.now.end(), 0.0) - 1) < 1e-9);
}

TEST_CASE("clocks and power: a point for every step with a reading, none made up for the others") {
  SessionState s;
  for (int i = 0; i < 40; ++i) {
    StepPoint p{.index = i, .us = 100, .kernels = 5};
    if (i % 10 == 3) p.clock_mhz = 1900 + i, p.watts = 400, p.celsius = 50 + i;
    s.steps.push_back(p);
  }
  const StepChartVm vm = step_chart(s);
  CHECK(vm.has_sensors());
  CHECK(vm.sensor_index == std::vector<double>{3, 13, 23, 33});
  CHECK(vm.clock_mhz == std::vector<double>{1903, 1913, 1923, 1933});
  CHECK(vm.watts.size() == 4);
  CHECK(vm.celsius == 83);
  for (StepPoint& p : s.steps) p.clock_mhz.reset(), p.watts.reset();
  CHECK(!step_chart(s).has_sensors());
}

TEST_CASE("a bounded switch's badge says its largest error, and a plain 0 where there is none") {
  ui::AppState state;
  const auto badge = [&](double max_abs) {
    auto ab = std::make_shared<trace::AbResult>();
    ab->equivalence.cls = trace::Equivalence::bounded;
    ab->equivalence.ok = true;
    ab->equivalence.max_abs = max_abs;
    state.session.effects[trace::ToggleKey::head_gates] = ab;
    for (const ui::ToggleRowVm& row : ui::toggle_rows(state))
      if (row.key == trace::ToggleKey::head_gates) return row.badge;
    return std::string();
  };
  CHECK(badge(0) == "max 0 ✓");
  CHECK(badge(0.002) == "max 2e-03 ✓");
}
