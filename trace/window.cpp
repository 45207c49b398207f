#include "trace/window.h"

#include <cassert>
#include <numeric>
#include <tuple>

namespace trace {
namespace {

struct ByStart {
  const Trace& trace;
  bool operator()(EventId a, EventId b) const {
    const Event &x = trace.events[a], &y = trace.events[b];
    return std::tie(x.start_ns, x.end_ns, a) < std::tie(y.start_ns, y.end_ns, b);
  }
};

// Lanes are sorted already, so merging them pairwise beats sorting: n log(lanes) comparisons, one
// pass for one lane.
std::vector<EventId> merge_lanes(const Trace& trace, uint32_t device) {
  std::vector<EventId> ids;
  std::vector<size_t> bounds{0};
  for (const Lane& lane : trace.lanes) {
    if (lane.device != device || lane.count == 0) continue;
    ids.resize(ids.size() + lane.count);
    std::iota(ids.end() - lane.count, ids.end(), lane.first);
    bounds.push_back(ids.size());
  }
  std::vector<EventId> merged(bounds.size() > 2 ? ids.size() : 0);
  while (bounds.size() > 2) {
    std::vector<size_t> next{0};
    for (size_t i = 0; i + 1 < bounds.size(); i += 2) {
      const size_t middle = bounds[i + 1], end = i + 2 < bounds.size() ? bounds[i + 2] : middle;
      std::merge(ids.begin() + static_cast<std::ptrdiff_t>(bounds[i]),
                 ids.begin() + static_cast<std::ptrdiff_t>(middle),
                 ids.begin() + static_cast<std::ptrdiff_t>(middle),
                 ids.begin() + static_cast<std::ptrdiff_t>(end),
                 merged.begin() + static_cast<std::ptrdiff_t>(bounds[i]), ByStart{trace});
      next.push_back(end);
    }
    ids.swap(merged);
    bounds = std::move(next);
  }
  return ids;
}

bool intersects(const Event& e, const Window& w, int64_t last_end_ns) {
  if (e.start_ns < e.end_ns) return std::max(e.start_ns, w.begin_ns) < std::min(e.end_ns, w.end_ns);
  if (e.start_ns == w.end_ns) return e.start_ns >= w.begin_ns && e.start_ns == last_end_ns;
  return e.start_ns >= w.begin_ns && e.start_ns < w.end_ns;
}

}  // namespace

Window whole(const Trace& trace, uint32_t device) {
  Window window{.device = device, .begin_ns = 0, .end_ns = 0, .label = "all"};
  bool first = true;
  for (uint32_t lane = 0; lane < trace.lanes.size(); ++lane) {
    if (trace.lanes[lane].device != device) continue;
    for (const Event& e : trace.lane_events(lane)) {
      window.begin_ns = first ? e.start_ns : std::min(window.begin_ns, e.start_ns);
      window.end_ns = first ? e.end_ns : std::max(window.end_ns, e.end_ns);
      first = false;
    }
  }
  return window;
}

std::vector<uint32_t> active_devices(const Trace& trace) {
  std::vector<size_t> count(trace.devices.size(), 0);
  for (const Lane& lane : trace.lanes) count[lane.device] += lane.count;
  std::vector<uint32_t> devices;
  for (uint32_t d = 0; d < count.size(); ++d)
    if (count[d] > 0) devices.push_back(d);
  std::stable_sort(devices.begin(), devices.end(),
                   [&](uint32_t a, uint32_t b) { return count[a] > count[b]; });
  return devices;
}

DeviceEvents device_events(const Trace& trace, uint32_t device) {
  DeviceEvents out;
  out.device = device;
  out.by_start = merge_lanes(trace, device);
  out.max_end_ns.reserve(out.by_start.size());
  for (const EventId id : out.by_start) {
    const int64_t end = trace.events[id].end_ns;
    out.max_end_ns.push_back(out.max_end_ns.empty() ? end : std::max(end, out.max_end_ns.back()));
  }
  return out;
}

std::vector<EventId> events_in(const Trace& trace, const Window& window) {
  return events_in(trace, device_events(trace, window.device), window);
}

std::vector<EventId> events_in(const Trace& trace, const DeviceEvents& all, const Window& window) {
  assert(all.device == window.device);
  // Before `from` everything has ended; from `to` on everything starts later.
  const auto from =
      std::lower_bound(all.max_end_ns.begin(), all.max_end_ns.end(), window.begin_ns) -
      all.max_end_ns.begin();
  const auto to =
      std::upper_bound(all.by_start.begin(), all.by_start.end(), window.end_ns,
                       [&](int64_t t, EventId id) { return t < trace.events[id].start_ns; });
  std::vector<EventId> out;
  if (all.by_start.begin() + from >= to) return out;
  out.reserve(static_cast<size_t>(to - (all.by_start.begin() + from)));
  for (auto it = all.by_start.begin() + from; it != to; ++it)
    if (intersects(trace.events[*it], window, all.last_end_ns())) out.push_back(*it);
  return out;
}

std::vector<IdleSpan> idle_spans(const Trace& trace, const Window& window,
                                 std::span<const EventId> events) {
  std::vector<IdleSpan> spans;
  int64_t covered = window.begin_ns;
  for (uint32_t i = 0; i < events.size(); ++i) {
    const Event& e = trace.events[events[i]];
    const int64_t start = clipped_start(e, window);
    if (start > covered) spans.push_back({covered, start, i});
    covered = std::max({covered, start, clipped_end(e, window)});
  }
  if (covered < window.end_ns)
    spans.push_back({covered, window.end_ns, static_cast<uint32_t>(events.size())});
  return spans;
}

}  // namespace trace
