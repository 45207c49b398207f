#include "ui/vm/align.h"

#include <algorithm>

#include "trace/ranks.h"
#include "ui/vm/details_vm.h"

namespace ui {
namespace {

using trace::EventId;
using trace::kNone;

// Ranks share a clock: they begin where the first of them does, so that who is late is seen to be late.
int64_t first_start(const RunAnalysis& a) {
  int64_t first = a.report->window.begin_ns;
  if (a.trace().source == trace::kRanksMerged)
    for (const trace::Event& e : a.trace().events) first = std::min(first, e.start_ns);
  return first;
}

std::optional<int64_t> first_of_kernel(const RunAnalysis& a, const std::string& name) {
  const trace::Trace& t = a.trace();
  const auto at = std::ranges::find(t.strings, name);
  if (name.empty() || at == t.strings.end()) return std::nullopt;
  const auto id = static_cast<trace::StringId>(at - t.strings.begin());
  std::optional<int64_t> first;
  for (const trace::Event& e : t.events) {
    if (e.name != id || t.device_of(e) != a.options.device) continue;
    first = std::min(first.value_or(e.start_ns), e.start_ns);
  }
  return first;
}

// Among known edges: the latest source of those into `id`, or the earliest target of those out of it.
EventId by_edge(const trace::Trace& t, EventId id, int by) {
  EventId best = kNone;
  for (const trace::Edge& edge : t.edges) {
    if ((by < 0 ? edge.to : edge.from) != id) continue;
    const EventId other = by < 0 ? edge.from : edge.to;
    const bool better = best == kNone || (by < 0 ? t.events[other].end_ns > t.events[best].end_ns
                                                 : t.events[other].start_ns < t.events[best].start_ns);
    if (better) best = other;
  }
  return best;
}

}  // namespace

std::optional<int64_t> aligned_origin(const RunAnalysis& a, const Align& align) {
  const auto step = static_cast<size_t>(std::max(align.step, 0)), layer = static_cast<size_t>(std::max(align.layer, 0));
  switch (align.by) {
    case AlignBy::start:
      return first_start(a);
    case AlignBy::step:
      if (!a.layers || step >= a.layers->step_windows.size()) return std::nullopt;
      return a.layers->step_windows[step].begin_ns;
    case AlignBy::layer:
      if (!a.layers || step >= a.layers->detail.size() || layer >= a.layers->detail[step].layers.size())
        return std::nullopt;
      return a.layers->detail[step].layers[layer].begin_ns;
    case AlignBy::kernel:
      return first_of_kernel(a, align.kernel);
  }
  return std::nullopt;
}

EventId related_event(const RunAnalysis& a, EventId id, int by) {
  if (a.path) {
    if (by < 0) {
      if (const trace::PathStep* step = a.path_step(id); step && step->predecessor != kNone) return step->predecessor;
    } else {
      for (const trace::PathStep& step : a.path->steps) {
        if (step.predecessor == id) return step.event;
      }
    }
  }
  if (const EventId known = by_edge(a.trace(), id, by); known != kNone) return known;
  return neighbour_on_lane(a.trace(), id, by);
}

}  // namespace ui
