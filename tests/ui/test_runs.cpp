// The wide table of runs: sorting by every column.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "ui/vm/runs_vm.h"

using namespace ui;

TEST_CASE("runs sort by every column, either way; what a run does not say comes last") {
  std::vector<RunRowVm> rows(3);
  rows[0] = {.id = 1, .name = "b", .when = "2026-01-02", .tags = "y", .note = "m", .origin = "engine", .model = "tiny", .backend = "cpu",
             .device = "EPYC", .switches = "cat_skip on", .ab = "3 a", .batch = 4, .context = 100, .steps = 9, .step_us = 50, .half_interval_us = 2, .kernels = 7, .starred = true};
  rows[1] = {.id = 2, .name = "a", .when = "2026-01-01", .tags = "z", .note = "n", .origin = "imported", .model = "glm-5", .backend = "cuda",
             .device = "H200", .switches = "x_scale transposed", .ab = "3 b", .batch = 64, .context = 8192, .steps = 90, .step_us = 20, .half_interval_us = 1, .kernels = 900, .starred = true};
  rows[2] = {.name = "c", .when = "2026-01-03"};   // says hardly anything
  for (int c = 1; c <= static_cast<int>(RunColumn::starred); ++c) {
    const auto column = static_cast<RunColumn>(c);
    std::vector<RunRowVm> up = rows, down = rows;
    sort_runs(up, column, false);
    sort_runs(down, column, true);
    INFO("column " << c);
    if (column == RunColumn::name || column == RunColumn::created) {
      CHECK(up.back().name == "c");
      CHECK(down.front().name == "c");
      continue;
    }
    CHECK(up.back().name == "c");
    CHECK(down.back().name == "c");
    if (column != RunColumn::starred) CHECK(up.front().id != down.front().id);
  }
  std::vector<RunRowVm> as_is = rows;
  sort_runs(as_is, RunColumn::none, true);
  CHECK(as_is[0].id == 1);
}
