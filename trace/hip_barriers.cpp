#include "trace/hip_barriers.h"

#include <algorithm>
#include <unordered_map>

namespace trace {
namespace {

// Events of single lanes, made when first asked for.
class LaneOrder {
 public:
  explicit LaneOrder(const std::vector<Event>& events) : m_events(events) {
    for (EventId i = 0; i < events.size(); ++i) m_lanes[events[i].lane].push_back(i);
    for (auto& [lane, ids] : m_lanes)
      std::ranges::sort(ids, {}, [&](EventId id) { return std::pair(events[id].start_ns, events[id].end_ns); });
  }

  // The first that starts at this time or later.
  EventId first_from(uint32_t lane, int64_t time_ns) const {
    const auto* ids = of(lane);
    if (!ids) return kNone;
    const auto at = std::ranges::lower_bound(*ids, time_ns, {}, [&](EventId id) { return m_events[id].start_ns; });
    return at == ids->end() ? kNone : *at;
  }

  // The last, by start, that had ended by then. A lane's events end nearly in the order of their
  // starts, so the search goes back only a little.
  EventId last_ended(uint32_t lane, int64_t time_ns) const {
    const auto* ids = of(lane);
    if (!ids) return kNone;
    auto at = std::ranges::upper_bound(*ids, time_ns, {}, [&](EventId id) { return m_events[id].start_ns; });
    for (int tries = 64; at != ids->begin() && tries > 0; --tries)
      if (m_events[*--at].end_ns <= time_ns) return *at;
    return kNone;
  }

 private:
  const std::vector<EventId>* of(uint32_t lane) const {
    const auto found = m_lanes.find(lane);
    return found == m_lanes.end() ? nullptr : &found->second;
  }

  const std::vector<Event>& m_events;
  std::unordered_map<uint32_t, std::vector<EventId>> m_lanes;
};

// Where and until when events were recorded: what a wait refers to by the event's handle alone.
class Records {
 public:
  explicit Records(const std::vector<HipBarriers::Barrier>& barriers) {
    for (const auto& b : barriers)
      if (!b.wait && b.event >= 0) m_by_event[b.event].push_back(&b);
    for (auto& [event, records] : m_by_event) std::ranges::stable_sort(records, {}, &HipBarriers::Barrier::start_ns);
  }

  // The last before the wait was over; nullptr when there is none.
  const HipBarriers::Barrier* of(const HipBarriers::Barrier& wait) const {
    const auto found = m_by_event.find(wait.event);
    if (found == m_by_event.end()) return nullptr;
    const auto at = std::ranges::upper_bound(found->second, wait.end_ns, {}, &HipBarriers::Barrier::start_ns);
    return at == found->second.begin() ? nullptr : *std::prev(at);
  }

 private:
  std::unordered_map<int64_t, std::vector<const HipBarriers::Barrier*>> m_by_event;
};

}  // namespace

size_t HipBarriers::link(TraceBuilder& builder) const {
  if (std::ranges::none_of(m_barriers, [](const Barrier& b) { return b.wait; })) return 0;
  const auto& events = builder.header().events;
  const LaneOrder order(events);
  const Records records(m_barriers);
  size_t linked = 0;
  for (const Barrier& b : m_barriers) {
    if (!b.wait) continue;
    const Barrier* record = records.of(b);
    const uint32_t source = b.source_lane != kNone ? b.source_lane : record ? record->lane : kNone;
    if (source == kNone || source == b.lane) continue;
    const int64_t done = record && record->lane == source ? std::min(record->end_ns, b.end_ns) : b.end_ns;
    const EventId to = order.first_from(b.lane, b.start_ns);
    const EventId from = order.last_ended(source, done);
    // Strictly later, so that no cycle can come about.
    if (to == kNone || from == kNone || events[from].start_ns >= events[to].start_ns) continue;
    builder.add_edge(from, to);
    ++linked;
  }
  return linked;
}

}  // namespace trace
