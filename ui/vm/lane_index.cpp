#include "ui/vm/lane_index.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <queue>
#include <set>

namespace ui {
namespace {

using trace::Event;
using trace::EventId;
using trace::kNone;

bool overlap_free(std::span<const Event> events) {
  for (size_t i = 1; i < events.size(); ++i) {
    if (events[i].start_ns < events[i - 1].end_ns) return false;
  }
  return true;
}

// The first free of a growing number of sub-rows.
class FreeRows {
 public:
  uint32_t take(int64_t start_ns, int64_t end_ns) {
    while (!m_busy.empty() && m_busy.top().first <= start_ns) {
      m_free.insert(m_busy.top().second);
      m_busy.pop();
    }
    uint32_t row = m_rows;
    if (m_free.empty()) {
      ++m_rows;
    } else {
      row = *m_free.begin();
      m_free.erase(m_free.begin());
    }
    m_busy.push({end_ns, row});
    return row;
  }

 private:
  using Busy = std::pair<int64_t, uint32_t>;  // end, row
  std::priority_queue<Busy, std::vector<Busy>, std::greater<>> m_busy;
  std::set<uint32_t> m_free;
  uint32_t m_rows = 0;
};

bool starts_before(const trace::Trace& t, EventId a, EventId b) {
  const Event &x = t.events[a], &y = t.events[b];
  return std::tie(x.start_ns, x.end_ns, a) < std::tie(y.start_ns, y.end_ns, b);
}

// Events of several lanes, by (start, end, id).
std::vector<EventId> merged_ids(const trace::Trace& t, const std::vector<uint32_t>& lanes) {
  std::vector<EventId> ids;
  for (const uint32_t lane : lanes) {
    const size_t middle = ids.size();
    ids.resize(middle + t.lanes[lane].count);
    std::iota(ids.begin() + static_cast<ptrdiff_t>(middle), ids.end(), t.lanes[lane].first);
    std::inplace_merge(ids.begin(), ids.begin() + static_cast<ptrdiff_t>(middle), ids.end(),
                       [&](EventId a, EventId b) { return starts_before(t, a, b); });
  }
  return ids;
}

}  // namespace

bool has_queues(const trace::Trace& t, uint32_t device) {
  std::set<std::pair<int64_t, uint32_t>> pairs;  // queue, lane
  std::set<int64_t> queues;
  std::set<uint32_t> lanes;
  for (const Event& e : t.events) {
    const trace::Detail* d = t.detail_of(e);
    if (!d || d->hsa_queue < 0 || t.device_of(e) != device) continue;
    pairs.emplace(d->hsa_queue, e.lane);
    queues.insert(d->hsa_queue);
    lanes.insert(e.lane);
  }
  return !pairs.empty() && !(pairs.size() == queues.size() && pairs.size() == lanes.size());
}

LaneIndex::LaneIndex(const trace::Trace& t, uint32_t device,
                     const std::vector<trace::Overlap>& overlaps, LaneGrouping grouping)
    : m_trace(&t), m_device(device), m_lane_of_trace_lane(t.lanes.size(), kNone) {
  if (grouping == LaneGrouping::queue)
    group_by_queue();
  else
    group_by_stream(grouping == LaneGrouping::folded);
  add_overlaps(overlaps);
}

void LaneIndex::group_by_queue() {
  std::map<int64_t, std::vector<EventId>> queues;
  std::map<uint32_t, std::vector<EventId>> streams;  // what names no queue
  for (EventId id = 0; id < m_trace->events.size(); ++id) {
    const Event& e = m_trace->events[id];
    const trace::Lane& lane = m_trace->lanes[e.lane];
    if (lane.device != m_device || lane.kind != trace::LaneKind::gpu) continue;
    const trace::Detail* d = m_trace->detail_of(e);
    if (d && d->hsa_queue >= 0)
      queues[d->hsa_queue].push_back(id);
    else
      streams[e.lane].push_back(id);
  }
  const auto add = [&](std::string label, std::vector<EventId>& ids) {
    std::ranges::sort(ids, [&](EventId a, EventId b) { return starts_before(*m_trace, a, b); });
    m_lanes.push_back({.label = std::move(label), .first_row = static_cast<uint32_t>(m_rows.size())});
    split_rows(ids);
    end_lane(m_lanes.back());
  };
  for (auto& [queue, ids] : queues) {
    m_lane_of_queue.push_back({queue, static_cast<uint32_t>(m_lanes.size())});
    add("queue " + std::to_string(queue), ids);
  }
  for (auto& [lane, ids] : streams) {
    m_lane_of_trace_lane[lane] = static_cast<uint32_t>(m_lanes.size());
    add(m_trace->lanes[lane].label, ids);
  }
}

uint32_t LaneIndex::lane_of_event(const Event& e) const {
  if (!m_lane_of_queue.empty()) {
    const trace::Detail* d = m_trace->detail_of(e);
    if (d && d->hsa_queue >= 0 && m_trace->device_of(e) == m_device) {
      const auto at = std::ranges::lower_bound(m_lane_of_queue, std::pair{d->hsa_queue, 0u});
      if (at != m_lane_of_queue.end() && at->first == d->hsa_queue) return at->second;
    }
  }
  return m_lane_of_trace_lane[e.lane];
}

void LaneIndex::group_by_stream(bool fold) {
  const trace::Trace& t = *m_trace;
  for (uint32_t i = 0; i < t.lanes.size(); ++i) {
    const trace::Lane& lane = t.lanes[i];
    if (lane.device != m_device || lane.kind != trace::LaneKind::gpu || lane.count == 0) continue;
    const uint32_t leader = fold && lane.logical < t.lanes.size() ? lane.logical : i;
    uint32_t& slot = m_lane_of_trace_lane[leader];
    if (slot == kNone) {
      slot = static_cast<uint32_t>(m_lanes.size());
      m_lanes.push_back({.label = t.lanes[leader].label});
    }
    m_lanes[slot].lanes.push_back(i);
    m_lane_of_trace_lane[i] = slot;
  }
  for (LaneRows& lane : m_lanes) {
    if (lane.lanes.size() > 1) lane.label += " +" + std::to_string(lane.lanes.size() - 1);
    add_rows(lane);
  }
}

void LaneIndex::add_rows(LaneRows& lane) {
  lane.first_row = static_cast<uint32_t>(m_rows.size());
  const trace::Lane& first = m_trace->lanes[lane.lanes[0]];
  if (lane.lanes.size() == 1 && overlap_free(m_trace->lane_events(lane.lanes[0]))) {
    m_rows.emplace_back(*m_trace, first.first, first.count);
  } else {
    split_rows(merged_ids(*m_trace, lane.lanes));
  }
  end_lane(lane);
}

void LaneIndex::end_lane(LaneRows& lane) {
  lane.rows = static_cast<uint32_t>(m_rows.size()) - lane.first_row;
  m_lane_of_row.resize(m_rows.size(), static_cast<uint32_t>(&lane - m_lanes.data()));
}

void LaneIndex::split_rows(const std::vector<EventId>& ids) {
  FreeRows free;
  std::vector<std::vector<EventId>> rows;
  for (const EventId id : ids) {
    const Event& e = m_trace->events[id];
    const uint32_t row = free.take(e.start_ns, e.end_ns);
    if (row == rows.size()) rows.emplace_back();
    rows[row].push_back(id);
  }
  for (auto& row : rows) m_rows.emplace_back(*m_trace, std::move(row));
}

void LaneIndex::add_overlaps(const std::vector<trace::Overlap>& overlaps) {
  for (uint32_t i = 0; i < overlaps.size(); ++i) {
    const Event& first = m_trace->events[overlaps[i].first];
    const Event& second = m_trace->events[overlaps[i].second];
    const uint32_t lane = lane_of_event(second);
    if (lane == kNone) continue;
    m_lanes[lane].overlaps.push_back({second.start_ns, std::min(first.end_ns, second.end_ns), i});
  }
  for (LaneRows& lane : m_lanes) {
    std::ranges::sort(lane.overlaps, {}, &OverlapMark::begin_ns);
  }
}

std::optional<RowPosition> LaneIndex::find(EventId id) const {
  const Event& e = m_trace->events[id];
  const uint32_t lane = lane_of_event(e);
  if (lane == kNone) return std::nullopt;
  const LaneRows& rows = m_lanes[lane];
  for (uint32_t r = rows.first_row; r < rows.first_row + rows.rows; ++r) {
    for (size_t i = m_rows[r].first_starting_at(e.start_ns);
         i < m_rows[r].size() && m_rows[r].at(i).start_ns == e.start_ns; ++i) {
      if (m_rows[r].id(i) == id) return RowPosition{r, static_cast<uint32_t>(i)};
    }
  }
  return std::nullopt;
}

size_t LaneIndex::bytes() const {
  size_t sum = 0;
  for (const RowMap& row : m_rows) sum += row.bytes() + sizeof row;
  for (const LaneRows& lane : m_lanes) sum += lane.overlaps.capacity() * sizeof(OverlapMark);
  return sum;
}

}  // namespace ui
