#include "ui/vm/runs_vm.h"

#include <algorithm>

#include "ui/vm/format.h"
#include "ui/vm/kernels_vm.h"
#include "ui/vm/session_vm.h"
#include "trace/model_name.h"

namespace ui {
namespace {

std::string what_text(const trace::Run& run) {
  std::string text = run.spec ? trace::shown_name(run.spec->model) : std::string(trace::to_string(run.origin));
  const std::string_view device = !run.device.empty() ? run.device : run.backend;
  if (!device.empty()) text += " · " + std::string(device);
  return text;
}

// What is not at its first value.
std::string switches_set(const trace::ToggleSet& toggles) {
  std::string text;
  for (const trace::ToggleInfo& info : trace::toggle_table()) {
    if (toggles.index(info.key) != 0) text += (text.empty() ? "" : ", ") + std::string(info.name) + " " + std::string(toggles.value(info.key));
  }
  return text;
}

std::string hint_text(const trace::Run& run) {
  std::string text = run.name + "\n" + what_text(run);
  if (!run.standing.empty()) text += "\n" + run.standing;
  if (run.spec) {
    const trace::Workload& w = run.spec->workload;
    text += "\nbatch " + std::to_string(w.batch) + ", context " + std::to_string(w.context) +
            ", tp " + std::to_string(w.tp) + ", seed " + std::to_string(w.seed);
    text += "\n" + run.spec->toggles.text();
  }
  if (run.ab_id != 0)
    text += "\narm " + std::string(1, run.ab_arm) + " of A/B " + std::to_string(run.ab_id);
  if (!run.program.empty())
    text += "\nmade by " + run.program + (run.host.empty() ? "" : " on " + run.host);
  if (!run.tags.empty()) text += "\ntags: " + run.tags;
  if (const std::string note = without_annotations(run.note); !note.empty()) text += "\n" + note;
  if (const size_t marks = annotations_of(run.note).size(); marks > 0)
    text += "\n" + std::to_string(marks) + (marks == 1 ? " annotation" : " annotations");
  return text;
}

RunRowVm row_of(const trace::Run& run) {
  RunRowVm row;
  row.id = run.id;
  row.name = run.name;
  row.what = what_text(run);
  row.when = short_time(run.created);
  row.tags = run.tags;
  row.note = without_annotations(run.note);
  row.starred = run.starred;
  row.hint = hint_text(run);
  row.spec = run.spec;
  row.origin = trace::to_string(run.origin);
  row.backend = run.backend;
  row.device = run.device;
  if (run.spec) {
    row.model = trace::shown_name(run.spec->model);
    row.switches = switches_set(run.spec->toggles);
    row.batch = run.spec->workload.batch;
    row.context = run.spec->workload.context;
  }
  if (run.ab_id != 0) row.ab = std::to_string(run.ab_id) + " " + std::string(1, run.ab_arm);
  row.steps = run.step.n;
  if (run.step.n > 0) row.step_us = run.step.median;
  if (run.step.n >= 6) row.half_interval_us = (run.step.hi - run.step.lo) / 2;
  row.kernels = run.kernels_per_step;
  row.time = run.step.n > 0 ? number_text(run.step.median, 1) : std::string(kNothing);
  return row;
}

bool matches(const RunRowVm& row, std::string_view filter) {
  const std::string text =
      row.name + " " + row.what + " " + row.tags + " " + row.note + " " + row.when;
  while (!filter.empty()) {
    const size_t space = filter.find(' ');
    const std::string_view word = filter.substr(0, space);
    if (!contains_any_case(text, word)) return false;
    filter = space == std::string_view::npos ? std::string_view{} : filter.substr(space + 1);
  }
  return true;
}

}  // namespace

void sort_runs(std::vector<RunRowVm>& rows, RunColumn column, bool descending) {
  if (column == RunColumn::none) return;
  const auto text = [column](const RunRowVm& r) -> const std::string* {
    switch (column) {
      case RunColumn::name: return &r.name;
      case RunColumn::origin: return &r.origin;
      case RunColumn::model: return &r.model;
      case RunColumn::backend: return &r.backend;
      case RunColumn::device: return &r.device;
      case RunColumn::switches: return &r.switches;
      case RunColumn::ab: return &r.ab;
      case RunColumn::tags: return &r.tags;
      case RunColumn::note: return &r.note;
      case RunColumn::created: return &r.when;
      default: return nullptr;
    }
  };
  const auto number = [column](const RunRowVm& r) -> double {
    switch (column) {
      case RunColumn::id: return r.id > 0 ? static_cast<double>(r.id) : -1;
      case RunColumn::batch: return r.batch;
      case RunColumn::context: return r.context;
      case RunColumn::steps: return r.steps > 0 ? static_cast<double>(r.steps) : -1;
      case RunColumn::step_us: return r.step_us > 0 ? r.step_us : -1;
      case RunColumn::interval: return r.half_interval_us > 0 ? r.half_interval_us : -1;
      case RunColumn::kernels: return r.kernels > 0 ? r.kernels : -1;
      case RunColumn::starred: return r.starred ? 1 : -1;
      default: return 0;
    }
  };
  std::ranges::stable_sort(rows, [&](const RunRowVm& a, const RunRowVm& b) {
    if (const std::string *x = text(a), *y = text(b); x && y) {
      if (x->empty() != y->empty()) return y->empty();
      return descending ? *x > *y : *x < *y;
    }
    const double x = number(a), y = number(b);
    if ((x < 0) != (y < 0)) return y < 0;
    return descending ? x > y : x < y;
  });
}

std::string short_time(std::string_view iso) {
  std::string text(iso.substr(0, 16));
  if (text.size() > 10 && text[10] == 'T') text[10] = ' ';
  return text;
}

std::vector<RunRowVm> run_rows(const AppState& state, std::string_view filter) {
  std::vector<RunRowVm> rows;
  const auto stacked = [&](RunKey key) {
    return std::ranges::find(state.stack, key) != state.stack.end();
  };
  for (const OpenRun& open : state.runs) {
    RunRowVm row = row_of(*open.run);
    row.key = open.key;
    row.name = open.title;
    row.live = open.live;
    row.unsaved = open.run->id == 0 && !open.live;
    row.stacked = stacked(open.key);
    row.selected = open.key == state.selected;
    if (row.time == kNothing && open.analysis)
      row.time = us_text(open.analysis->report->wall_ns, 1);
    for (const trace::Run& stored : state.store.runs) {
      if (stored.id == row.id && row.id != 0) {
        row.starred = stored.starred;
        row.note = without_annotations(stored.note);
        row.tags = stored.tags;
      }
    }
    rows.push_back(std::move(row));
  }
  for (const trace::Run& stored : state.store.runs) {
    const bool open =
        std::ranges::any_of(state.runs, [&](const OpenRun& r) { return r.run->id == stored.id; });
    if (!open) rows.push_back(row_of(stored));
  }
  std::erase_if(rows, [&](const RunRowVm& row) { return !matches(row, filter); });
  std::ranges::stable_sort(rows, [](const RunRowVm& a, const RunRowVm& b) {
    if (a.live != b.live) return a.live;
    if (a.starred != b.starred) return a.starred;
    if ((a.key != kNoRun) != (b.key != kNoRun)) return a.key != kNoRun;
    return a.key == kNoRun && a.id > b.id;
  });
  return rows;
}

}  // namespace ui
