#include "trace/path.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace trace {
namespace {

class Walk {
 public:
  Walk(const Trace& trace, const DeviceEvents& all, const Window& window)
      : m_trace(trace), m_window(window), m_events(events_in(trace, all, window)) {
    m_max_end.reserve(m_events.size());
    for (uint32_t i = 0; i < m_events.size(); ++i)
      m_max_end.push_back(i == 0 ? end_of(i) : std::max(end_of(i), m_max_end.back()));
    if (trace.edges.empty()) return;
    std::vector<EventId> inside = m_events;
    std::sort(inside.begin(), inside.end());
    for (const Edge& edge : trace.edges)
      if (std::binary_search(inside.begin(), inside.end(), edge.to)) m_edges.push_back(edge);
    std::sort(m_edges.begin(), m_edges.end(),
              [](const Edge& a, const Edge& b) { return a.to < b.to; });
  }

  CriticalPath back() {
    CriticalPath path;
    if (m_events.empty()) {
      path.lead_in_ns = m_window.wall_ns();
      return path;
    }
    // The last end; of equal ones what started last.
    auto at = static_cast<uint32_t>(m_events.size() - 1);
    while (end_of(at) < m_max_end.back()) --at;
    path.tail_ns = m_window.end_ns - end_of(at);
    for (;;) {
      PathStep step{.event = m_events[at]};
      uint32_t previous = kNone;
      if (const EventId source = by_edge(at); source != kNone) {
        step.guessed = false;
        previous = place_of(source);
      } else {
        previous = by_time(at);
      }
      const int64_t ready = previous == kNone ? start_of(at) : end_of(previous);
      step.owned_ns = end_of(at) - std::max(start_of(at), ready);
      if (previous != kNone) {
        step.predecessor = m_events[previous];
        step.wait_ns = std::max<int64_t>(0, start_of(at) - ready);
      }
      path.owned_ns += step.owned_ns;
      path.waits_ns += step.wait_ns;
      path.steps.push_back(step);
      if (previous == kNone) break;
      at = previous;
    }
    path.waits_ns += path.tail_ns;
    path.lead_in_ns = start_of(at) - m_window.begin_ns;
    std::reverse(path.steps.begin(), path.steps.end());
    return path;
  }

 private:
  int64_t start_of(uint32_t i) const {
    return clipped_start(m_trace.events[m_events[i]], m_window);
  }
  int64_t end_of(uint32_t i) const { return clipped_end(m_trace.events[m_events[i]], m_window); }

  uint32_t place_of(EventId id) const {
    const auto key = [&](EventId e) {
      return std::tuple(m_trace.events[e].start_ns, m_trace.events[e].end_ns, e);
    };
    return static_cast<uint32_t>(
        std::lower_bound(m_events.begin(), m_events.end(), id,
                         [&](EventId a, EventId b) { return key(a) < key(b); }) -
        m_events.begin());
  }

  // One from outside the window cannot be walked to, and one that ended after its successor (a
  // stamp that is off) would turn time around: both are left to the guess.
  bool walkable(EventId from, uint32_t to) const {
    const Event &f = m_trace.events[from], &e = m_trace.events[m_events[to]];
    return m_trace.device_of(f) == m_window.device && f.end_ns > m_window.begin_ns &&
           std::tuple(f.start_ns, f.end_ns, from) <
               std::tuple(e.start_ns, e.end_ns, m_events[to]) &&
           std::min(f.end_ns, m_window.end_ns) <= end_of(to);
  }

  // Where dependencies of an event are known: the one that ended last, among them its neighbour on
  // the lane, since lanes run in order.
  EventId by_edge(uint32_t i) const {
    const EventId id = m_events[i];
    const auto into = std::ranges::equal_range(m_edges, id, {}, &Edge::to);
    if (into.empty()) return kNone;
    EventId best = kNone;
    const auto consider = [&](EventId from) {
      if (walkable(from, i) &&
          (best == kNone || m_trace.events[from].end_ns > m_trace.events[best].end_ns))
        best = from;
    };
    for (const Edge& edge : into) consider(edge.from);
    if (id > m_trace.lanes[m_trace.events[id].lane].first) consider(id - 1);
    return best;
  }

  bool better(uint32_t candidate, uint32_t best, uint32_t successor) const {
    if (best == kNone || end_of(candidate) != end_of(best))
      return best == kNone || end_of(candidate) > end_of(best);
    return lane_of(candidate) == lane_of(successor) && lane_of(best) != lane_of(successor);
  }
  uint32_t lane_of(uint32_t i) const { return m_trace.events[m_events[i]].lane; }

  // The latest end not after the start, of an event that comes earlier in order (two of zero length
  // at one instant must not wait for each other); the same lane first. Mostly it is a few places
  // back: all that began before `place` has ended by m_max_end[place]. Under a long kernel that
  // says nothing, and the ends are sorted once.
  uint32_t by_time(uint32_t i) {
    constexpr uint32_t kNear = 64;
    uint32_t best = kNone;
    for (uint32_t place = i, steps = 0; place-- > 0; ++steps) {
      if (best != kNone && m_max_end[place] < end_of(best)) return best;
      if (steps == kNear) return by_sorted_ends(i);
      if (end_of(place) <= start_of(i) && better(place, best, i)) best = place;
    }
    return best;
  }

  uint32_t by_sorted_ends(uint32_t i) {
    if (m_by_end.empty()) {
      m_by_end.resize(m_events.size());
      std::iota(m_by_end.begin(), m_by_end.end(), 0u);
      std::sort(m_by_end.begin(), m_by_end.end(), [&](uint32_t a, uint32_t b) {
        return std::tuple(end_of(a), a) < std::tuple(end_of(b), b);
      });
    }
    auto it = std::upper_bound(m_by_end.begin(), m_by_end.end(), start_of(i),
                               [&](int64_t t, uint32_t j) { return t < end_of(j); });
    uint32_t best = kNone;
    while (it != m_by_end.begin()) {
      const uint32_t j = *--it;
      if (best != kNone && end_of(j) < end_of(best)) break;
      if (j < i && better(j, best, i)) best = j;
    }
    return best;
  }

  const Trace& m_trace;
  const Window& m_window;
  std::vector<EventId> m_events;   // by start
  std::vector<int64_t> m_max_end;  // [i] = latest end among m_events[0..i]
  std::vector<uint32_t> m_by_end;  // places in m_events by (end, place), made when needed
  std::vector<Edge> m_edges;       // into events of the window, by target
};

}  // namespace

CriticalPath critical_path(const Trace& trace, const Window& window) {
  return critical_path(trace, device_events(trace, window.device), window);
}

CriticalPath critical_path(const Trace& trace, const DeviceEvents& all, const Window& window) {
  return Walk(trace, all, window).back();
}

}  // namespace trace
