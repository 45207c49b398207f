#include "app/window/reduce_view.h"

#include <algorithm>

#include "app/window/reduce.h"
#include "app/window/reduce_runs.h"
#include "ui/panels.h"
#include "ui/vm/align.h"
#include "ui/vm/details_vm.h"
#include "ui/vm/format.h"

namespace app {
namespace {

using namespace ui;

constexpr double kRevealPx = 24;  // what is revealed is at least this wide

// The selection on the shared axis; empty when nothing is selected or its run is not analysed.
std::optional<Extent> selected_extent(const AppState& state) {
  const OpenRun* open = state.find(state.selection.run);
  if (!open || !open->analysis) return std::nullopt;
  const RunAnalysis& a = *open->analysis;
  const int64_t origin = open->origin_ns;
  if (state.selection.kind == SelectionKind::event &&
      state.selection.index < a.trace().events.size()) {
    const trace::Event& e = a.trace().events[state.selection.index];
    return Extent{e.start_ns - origin, e.end_ns - origin};
  }
  if (state.selection.kind == SelectionKind::bubble &&
      state.selection.index < a.bubbles->size()) {
    const trace::Bubble b = a.bubbles->at(state.selection.index);
    return Extent{b.begin_ns - origin, b.end_ns - origin};
  }
  return std::nullopt;
}

// Brings the selection into view, zooming only if it would be too narrow to see.
void reveal_selection(AppState& state) {
  const auto range = selected_extent(state);
  if (!range) return;
  const Extent content = stack_of(state).content();
  if (static_cast<double>(range->ns()) / state.view.ns_per_px >= kRevealPx) {
    state.view = reveal(state.view, *range, content);
    return;
  }
  const int64_t air = std::max<int64_t>(range->ns(), 1) * 6;
  state.view = zoom_to(state.view, {range->begin_ns - air, range->end_ns + air}, content);
}

void select(AppState& state, Selection selection, bool revealed, Effects& effects) {
  state.selection = selection;
  state.selected = selection.run;
  if (!revealed) return;
  reduce_runs(state, action::StackRun{selection.run, true}, effects);
  reveal_selection(state);
}

// Events of other devices are not on the timeline: they are no matches.
uint32_t shown_device(const OpenRun& open) {
  return open.analysis ? open.analysis->options.device : open.device;
}

int64_t count_matches(const trace::Trace& t, uint32_t device, const std::vector<uint8_t>& names) {
  return std::ranges::count_if(t.events, [&](const trace::Event& e) { return names[e.name] != 0 && t.device_of(e) == device; });
}

// The next match after (or before) the selected event, in time; around the end to the start.
trace::EventId next_match(const trace::Trace& t, uint32_t device, const std::vector<uint8_t>& names,
                          trace::EventId from, int by) {
  const auto key = [&](trace::EventId id) { return std::pair{t.events[id].start_ns, id}; };
  trace::EventId best = trace::kNone, wrap = trace::kNone;
  for (trace::EventId id = 0; id < t.events.size(); ++id) {
    if (!names[t.events[id].name] || t.device_of(t.events[id]) != device) continue;
    const auto better = [&](trace::EventId than) {
      return than == trace::kNone || (by > 0 ? key(id) < key(than) : key(id) > key(than));
    };
    if (better(wrap)) wrap = id;
    const bool beyond =
        from == trace::kNone || (by > 0 ? key(id) > key(from) : key(id) < key(from));
    if (beyond && better(best)) best = id;
  }
  return best != trace::kNone ? best : wrap;
}

void analyse_all(AppState& state, Effects& effects) {
  for (OpenRun& open : state.runs) analyse_if_needed(state, open, effects);
}

}  // namespace

void reduce_view(AppState& state, const action::SetViewport& a, Effects&) {
  state.view = a.view;
}

void reduce_view(AppState& state, const action::FitView&, Effects&) {
  state.view = fit(state.view, stack_of(state).content());
}

void reduce_view(AppState& state, const action::SelectEvent& a, Effects& effects) {
  const OpenRun* open = state.find(a.key);
  if (!open || !open->run->trace || a.event >= open->run->trace->events.size()) return;
  select(state, {SelectionKind::event, a.key, a.event}, a.reveal, effects);
}

void reduce_view(AppState& state, const action::SelectBubble& a, Effects& effects) {
  const OpenRun* open = state.find(a.key);
  if (!open || !open->analysis || a.index >= open->analysis->bubbles->size()) return;
  select(state, {SelectionKind::bubble, a.key, a.index}, a.reveal, effects);
}

void reduce_view(AppState& state, const action::ClearSelection&, Effects&) {
  state.selection = {};
  state.search = {};
  state.measure.reset();
}

void reduce_view(AppState& state, const action::FitSelection&, Effects&) {
  const auto range = selected_extent(state);
  const Extent content = stack_of(state).content();
  if (range)
    state.view = zoom_to(state.view, *range, content);
  else
    state.view = fit(state.view, content);
}

void reduce_view(AppState& state, const action::StepOnLane& a, Effects& effects) {
  const OpenRun* open = state.find(state.selection.run);
  if (!open || state.selection.kind != SelectionKind::event ||
      state.selection.index >= open->run->trace->events.size())
    return;
  const trace::EventId next = neighbour_on_lane(*open->run->trace, state.selection.index, a.by);
  if (next == trace::kNone) return;
  state.selection.index = next;
  const auto range = selected_extent(state);
  if (range) state.view = reveal(state.view, *range, stack_of(state).content());
  (void)effects;
}

void reduce_view(AppState& state, const action::ToggleMark&, Effects&) {
  const auto selected = selected_extent(state);
  const auto range = state.measure ? state.measure : selected;
  if (!range) return;
  const auto same = [&](const MarkState& m) {
    return m.range.begin_ns == range->begin_ns && m.range.end_ns == range->end_ns;
  };
  if (std::erase_if(state.marks, same) == 0)
    state.marks.push_back({*range, duration_text(range->ns())});
}

void reduce_view(AppState& state, const action::SetThresholds& a, Effects& effects) {
  state.thresholds = a.thresholds;
  analyse_all(state, effects);
}

void reduce_view(AppState& state, const action::SetKernelGroups& a, Effects& effects) {
  state.groups = a.groups.empty() ? nullptr : std::make_shared<const GroupRules>(a.groups);
  effects.push_back(effect::SaveSettings{});
  analyse_all(state, effects);
}

void reduce_view(AppState& state, const action::SetLens& a, Effects& effects) {
  if (state.lens == a.on) return;
  state.lens = a.on;
  state.selection = {};  // of a device that is no longer shown
  analyse_all(state, effects);
}

void reduce_view(AppState& state, const action::SetShow& a, Effects& effects) {
  state.show = a.show;
  analyse_all(state, effects);
}

void reduce_view(AppState& state, const action::SetAlign& a, Effects&) {
  state.align = a.align;
  state.marks.clear();  // they were on the axis as it was
  state.measure.reset();
  for (OpenRun& open : state.runs) align(state, open);
  state.view = fit(state.view, stack_of(state).content());
}

void reduce_view(AppState& state, const action::SetMeasure& a, Effects&) {
  state.measure = a.range;
}

void reduce_view(AppState& state, const action::StepRelated& a, Effects& effects) {
  const OpenRun* open = state.find(state.selection.run);
  if (!open || !open->analysis || state.selection.kind != SelectionKind::event) return;
  const trace::EventId next = related_event(*open->analysis, state.selection.index, a.by);
  if (next != trace::kNone) select(state, {SelectionKind::event, open->key, next}, true, effects);
}

void reduce_view(AppState& state, const action::Search& a, Effects&) {
  state.search = {.text = a.text, .run = state.selected};
  const OpenRun* open = state.find(state.selected);
  if (a.text.empty() || !open || !open->run->trace) return;
  const trace::Trace& t = *open->run->trace;
  state.search.names.resize(t.strings.size());
  for (size_t i = 0; i < t.strings.size(); ++i)
    state.search.names[i] = contains_any_case(t.strings[i], a.text);
  state.search.matches = count_matches(t, shown_device(*open), state.search.names);
}

void reduce_view(AppState& state, const action::SearchStep& a, Effects& effects) {
  const OpenRun* open = state.find(state.search.run);
  if (!open || !open->run->trace || state.search.matches == 0 ||
      state.search.names.size() != open->run->trace->strings.size())
    return;
  const bool here =
      state.selection.kind == SelectionKind::event && state.selection.run == open->key;
  const trace::EventId next = next_match(*open->run->trace, shown_device(*open), state.search.names,
                                         here ? state.selection.index : trace::kNone, a.by);
  if (next != trace::kNone) select(state, {SelectionKind::event, open->key, next}, true, effects);
}

}  // namespace app
