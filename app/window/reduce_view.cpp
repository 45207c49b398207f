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

// Events of one run that match, in the order of their starts.
struct Matches {
  const trace::Trace& trace;
  const std::vector<uint8_t>& names;
  uint32_t device;

  bool has(const trace::Event& e) const { return names[e.name] != 0 && trace.device_of(e) == device; }
  std::pair<int64_t, trace::EventId> key(trace::EventId id) const { return {trace.events[id].start_ns, id}; }
  int64_t count() const {
    return std::ranges::count_if(trace.events, [this](const trace::Event& e) { return has(e); });
  }
  // How many start before this one.
  int64_t rank(trace::EventId of) const {
    int64_t n = 0;
    for (trace::EventId id = 0; id < trace.events.size(); ++id) n += has(trace.events[id]) && key(id) < key(of);
    return n;
  }
  // The nearest after `from` (or before it, by -1); the first (or last) of all without one. kNone at the end.
  trace::EventId next(trace::EventId from, int by) const {
    trace::EventId best = trace::kNone;
    for (trace::EventId id = 0; id < trace.events.size(); ++id) {
      if (!has(trace.events[id])) continue;
      const bool beyond = from == trace::kNone || (by > 0 ? key(id) > key(from) : key(id) < key(from));
      if (beyond && (best == trace::kNone || (by > 0 ? key(id) < key(best) : key(id) > key(best)))) best = id;
    }
    return best;
  }
};

Matches matches_in(const OpenRun& open, const SearchState::Found& found) {
  return {*open.run->trace, found.names, shown_device(open)};
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

void reduce_view(AppState& state, const action::StepGap& a, Effects& effects) {
  const OpenRun* open = state.find(state.selected);
  if (!open || !open->analysis || open->analysis->worst.empty()) return;
  const std::vector<uint32_t>& worst = open->analysis->worst;
  size_t next = 0;
  if (state.selection.kind == SelectionKind::bubble && state.selection.run == open->key) {
    const auto at = std::ranges::find(worst, state.selection.index);
    if (at != worst.end())
      next = static_cast<size_t>(std::clamp<ptrdiff_t>(at - worst.begin() + a.by, 0, static_cast<ptrdiff_t>(worst.size()) - 1));
  }
  select(state, {SelectionKind::bubble, open->key, worst[next]}, true, effects);
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
  state.search = {.text = a.text};
  if (a.text.empty()) return;
  for (const RunKey key : state.stack) {
    const OpenRun* open = state.find(key);
    if (!open || !open->run->trace) continue;
    const trace::Trace& t = *open->run->trace;
    SearchState::Found& found = state.search.runs[key];
    found.names.resize(t.strings.size());
    for (size_t i = 0; i < t.strings.size(); ++i) found.names[i] = contains_any_case(t.strings[i], a.text);
    found.matches = matches_in(*open, found).count();
    state.search.matches += found.matches;
  }
}

// Through one run after the other as they are stacked, from the selected event on; around the end to the start.
void reduce_view(AppState& state, const action::SearchStep& a, Effects& effects) {
  if (state.search.matches == 0) return;
  std::vector<RunKey> order;
  for (const RunKey key : state.stack) {
    const OpenRun* open = state.find(key);
    const auto found = state.search.runs.find(key);
    if (open && open->run->trace && found != state.search.runs.end() && found->second.names.size() == open->run->trace->strings.size()) order.push_back(key);
  }
  if (order.empty()) return;
  const bool event = state.selection.kind == SelectionKind::event;
  const auto here = std::ranges::find(order, event ? state.selection.run : state.selected);
  const size_t start = here == order.end() ? 0 : static_cast<size_t>(here - order.begin());
  const bool within = event && here != order.end() && state.selection.run == *here;
  // Once around, and the run it began in again: what lies before the selection there comes last.
  for (size_t i = 0; i <= order.size(); ++i) {
    const size_t at = (start + (a.by > 0 ? i : order.size() * 2 - i)) % order.size();
    const OpenRun& open = *state.find(order[at]);
    const trace::EventId next = matches_in(open, state.search.runs[order[at]]).next(i == 0 && within ? state.selection.index : trace::kNone, a.by);
    if (next == trace::kNone) continue;
    state.search.at = matches_in(open, state.search.runs[order[at]]).rank(next) + 1;
    for (size_t before = 0; before < at; ++before) state.search.at += state.search.runs[order[before]].matches;
    select(state, {SelectionKind::event, open.key, next}, true, effects);
    return;
  }
}

}  // namespace app
