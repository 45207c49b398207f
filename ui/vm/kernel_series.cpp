#include "ui/vm/kernel_series.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace ui {
namespace {

using trace::Event;
using trace::EventId;

// Step of an event: the recorder's, else the window it starts in; -1 = none.
class StepOf {
 public:
  explicit StepOf(const RunAnalysis& a) : m_trace(a.trace()) {
    if (!a.layers) return;
    for (const trace::Window& w : a.layers->step_windows) m_windows.push_back({w.begin_ns, w.end_ns});
  }
  int64_t operator()(EventId id) const {
    const Event& e = m_trace.events[id];
    if (e.step >= 0) return e.step;
    const auto after = std::ranges::upper_bound(m_windows, e.start_ns, {}, &std::pair<int64_t, int64_t>::first);
    if (after == m_windows.begin() || e.start_ns >= std::prev(after)->second) return -1;
    return after - m_windows.begin() - 1;
  }

 private:
  const trace::Trace& m_trace;
  std::vector<std::pair<int64_t, int64_t>> m_windows;  // by begin
};

void fill(std::map<int64_t, std::vector<int64_t>>& parts, KernelTrend& trend) {
  for (auto& [at, durations] : parts) {
    int64_t total = 0;
    for (const int64_t ns : durations) total += ns;
    const auto middle = durations.begin() + static_cast<ptrdiff_t>((durations.size() - 1) / 2);
    std::ranges::nth_element(durations, middle);
    trend.at.push_back(static_cast<double>(at));
    trend.total_us.push_back(static_cast<double>(total) / 1000);
    trend.median_us.push_back(static_cast<double>(*middle) / 1000);
  }
}

}  // namespace

uint32_t key_of_event(const RunAnalysis& a, GroupBy by, EventId id) {
  const trace::Trace& t = a.trace();
  const Event& e = t.events[id];
  switch (by) {
    case GroupBy::kernel:
      return e.name;
    case GroupBy::op:
      return e.op;
    case GroupBy::category:
      return static_cast<uint32_t>(e.category);
    case GroupBy::layer:
      return layer_key(t, a.layers.get(), a.kernels->layers_recorded, id);
    case GroupBy::user:
      break;
  }
  if (!a.kernels->rule_of) return 0;
  const int32_t rule = a.kernels->rule_of->of(e);
  return rule >= 0 ? static_cast<uint32_t>(rule) : static_cast<uint32_t>(a.kernels->rules->size());
}

std::vector<EventId> events_of(const RunAnalysis& a, GroupBy by, uint32_t key) {
  const trace::Trace& t = a.trace();
  if (by == GroupBy::kernel) {
    const auto ids = a.kernels->names->of(key);
    return {ids.begin(), ids.end()};
  }
  std::vector<EventId> out;
  const auto collect = [&](auto&& key_of) {
    for (const trace::Lane& lane : t.lanes) {
      if (lane.device != a.options.device || lane.kind != trace::LaneKind::gpu) continue;
      for (EventId id = lane.first; id < lane.first + lane.count; ++id)
        if (key_of(id) == key) out.push_back(id);
    }
  };
  if (by == GroupBy::op) collect([&](EventId id) { return uint32_t{t.events[id].op}; });
  if (by == GroupBy::category) collect([&](EventId id) { return static_cast<uint32_t>(t.events[id].category); });
  if (by == GroupBy::layer) {
    const std::vector<uint32_t> layers = layer_keys(t, a.options.device, a.layers.get());
    collect([&](EventId id) { return layers[id]; });
  }
  if (by == GroupBy::user && a.kernels->rule_of) {
    const GroupMap& map = *a.kernels->rule_of;
    const auto none = static_cast<uint32_t>(a.kernels->rules->size());
    collect([&](EventId id) {
      const int32_t rule = map.of(t.events[id]);
      return rule >= 0 ? static_cast<uint32_t>(rule) : none;
    });
  }
  return out;
}

KernelHistogram kernel_histogram(std::vector<int64_t> durations, int bins, int64_t marked_ns) {
  if (durations.empty()) return {};
  const auto [lo, hi] = std::ranges::minmax_element(durations);
  const int64_t min_ns = *lo, max_ns = *hi;
  return kernel_histogram(std::move(durations), bins, marked_ns, min_ns, max_ns);
}

KernelHistogram kernel_histogram(std::vector<int64_t> durations, int bins, int64_t marked_ns, int64_t min_ns, int64_t max_ns) {
  KernelHistogram h;
  if (durations.empty()) return h;
  h.min_ns = min_ns;
  h.max_ns = max_ns;
  h.count.assign(static_cast<size_t>(bins), 0);
  const double base = std::log(static_cast<double>(std::max<int64_t>(h.min_ns, 1)));
  const double span = std::log(static_cast<double>(std::max<int64_t>(h.max_ns, 1))) - base;
  const auto bin_of = [&](int64_t ns) {
    if (span <= 0) return bins / 2;
    const double at = (std::log(static_cast<double>(std::max<int64_t>(ns, 1))) - base) / span;
    return std::clamp(static_cast<int>(at * bins), 0, bins - 1);
  };
  for (const int64_t ns : durations) ++h.count[static_cast<size_t>(bin_of(ns))];
  if (marked_ns >= 0) h.marked_bin = bin_of(marked_ns);
  const auto middle = durations.begin() + static_cast<ptrdiff_t>((durations.size() - 1) / 2);
  std::ranges::nth_element(durations, middle);
  h.median_ns = *middle;
  return h;
}

KernelHistogram kernel_histogram(const trace::Trace& t, const std::vector<EventId>& ids, int bins, int64_t marked_ns) {
  std::vector<int64_t> durations;
  durations.reserve(ids.size());
  for (const EventId id : ids) durations.push_back(t.events[id].duration_ns());
  return kernel_histogram(std::move(durations), bins, marked_ns);
}

KernelTrend kernel_trend(const RunAnalysis& a, const std::vector<EventId>& ids) {
  const trace::Trace& t = a.trace();
  KernelTrend trend;
  std::map<int64_t, std::vector<int64_t>> parts;
  const StepOf step_of(a);
  for (const EventId id : ids) {
    if (const int64_t step = step_of(id); step >= 0) parts[step].push_back(t.events[id].duration_ns());
  }
  trend.over = "step";
  if (parts.size() < 2) {
    parts.clear();
    const std::vector<uint32_t> layers = layer_keys(t, a.options.device, a.layers.get());
    for (const EventId id : ids) {
      if (layers[id] > 0) parts[int64_t{layers[id]} - 1].push_back(t.events[id].duration_ns());
    }
    trend.over = "layer";
  }
  if (parts.size() < 2) return {};
  fill(parts, trend);
  return trend;
}

}  // namespace ui
