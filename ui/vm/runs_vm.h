// Rows of the run browser: what is open in this window and what the store holds. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ui/state.h"

namespace ui {

struct RunRowVm {
  RunKey key = kNoRun;  // open in this window; kNoRun = only in the store
  int64_t id = 0;       // in the store; 0 = not saved
  std::string name, what, when, tags, note;
  std::string time;  // µs: median step of engine runs, wall of opened traces
  std::string hint;  // tooltip: full specification
  std::optional<trace::RunSpec> spec;
  // columns of the wide table; empty or negative: the run does not say
  std::string origin, model, backend, device, switches, ab;
  int batch = -1, context = -1;
  int64_t steps = 0;
  double step_us = 0, half_interval_us = 0, kernels = 0;
  bool starred = false, stacked = false, selected = false, live = false, unsaved = false;
};

// Starred first, then open ones, then newest; only those whose text contains every word of the
// filter.
std::vector<RunRowVm> run_rows(const AppState&, std::string_view filter);

enum class RunColumn : uint8_t { none, id, name, origin, model, backend, device, switches, batch, context, steps, step_us, interval, kernels, ab, tags, note, created, starred };
// By one column, equal ones as they were; `none` leaves all as they are. What a run does not say comes last either way.
void sort_runs(std::vector<RunRowVm>&, RunColumn, bool descending);

// "2026-08-30 14:02" of ISO 8601.
std::string short_time(std::string_view iso);

}  // namespace ui
