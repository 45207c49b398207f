#include "trace/overlaps.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <unordered_map>

namespace trace {
namespace {

uint64_t pair_key(const Event& a, const Event& b) {
  return uint64_t{a.name} << 32 | b.name;
}

// Early launch is a property of a kernel pair: it overlaps whenever it occurs. One occurrence shows
// nothing.
void label_early_launches(const Trace& trace, uint32_t device, std::vector<Overlap>& overlaps) {
  struct Pair {
    int64_t seen = 0, overlapping = 0;
  };
  std::unordered_map<uint64_t, Pair> pairs;
  for (const Overlap& o : overlaps)
    ++pairs[pair_key(trace.events[o.first], trace.events[o.second])].overlapping;
  if (pairs.empty()) return;
  for (uint32_t lane = 0; lane < trace.lanes.size(); ++lane) {
    if (trace.lanes[lane].device != device) continue;
    const auto events = trace.lane_events(lane);
    for (size_t i = 1; i < events.size(); ++i)
      if (const auto pair = pairs.find(pair_key(events[i - 1], events[i])); pair != pairs.end())
        ++pair->second.seen;
  }
  for (Overlap& o : overlaps) {
    const Pair& pair = pairs[pair_key(trace.events[o.first], trace.events[o.second])];
    if (o.label == OverlapLabel::accounting && pair.seen >= 2 && pair.overlapping == pair.seen)
      o.label = OverlapLabel::early_launch;
  }
}

}  // namespace

std::vector<Overlap> find_overlaps(const Trace& trace, uint32_t device) {
  std::vector<Overlap> overlaps;
  for (uint32_t lane = 0; lane < trace.lanes.size(); ++lane) {
    if (trace.lanes[lane].device != device) continue;
    const auto events = trace.lane_events(lane);
    for (size_t i = 1; i < events.size(); ++i) {
      const int64_t gap = gap_between(events[i - 1], events[i]);
      if (gap >= 0) continue;
      const EventId second = trace.lanes[lane].first + static_cast<EventId>(i);
      // A stamp that was late by some nanoseconds takes from one gap what it gives to the next.
      const bool opposite = i + 1 < events.size() && gap_between(events[i], events[i + 1]) == -gap;
      overlaps.push_back(
          {second - 1, second, gap, opposite ? OverlapLabel::jitter : OverlapLabel::accounting});
    }
  }
  label_early_launches(trace, device, overlaps);
  std::sort(overlaps.begin(), overlaps.end(), [&](const Overlap& a, const Overlap& b) {
    return std::tie(trace.events[a.second].start_ns, a.second) <
           std::tie(trace.events[b.second].start_ns, b.second);
  });
  return overlaps;
}

EventId binding_dependency(const Trace& trace, std::span<const Edge> into, EventId id) {
  if (into.empty()) return kNone;
  EventId binding = id > trace.lanes[trace.events[id].lane].first ? id - 1 : kNone;
  for (const Edge& edge : into)
    if (binding == kNone || trace.events[edge.from].end_ns >= trace.events[binding].end_ns)
      binding = edge.from;
  return binding;
}

std::vector<LaneGap> lane_gaps(const Trace& trace, const Window& window) {
  std::vector<EventId> ids = events_in(trace, window);
  // Ids count up by (lane, start, end), so this is the order by lane, then start.
  std::sort(ids.begin(), ids.end());
  std::vector<LaneGap> gaps;
  for (size_t i = 1; i < ids.size(); ++i) {
    const Event &before = trace.events[ids[i - 1]], &after = trace.events[ids[i]];
    if (before.lane == after.lane)
      gaps.push_back({after.lane, ids[i - 1], ids[i], gap_between(before, after)});
  }
  return gaps;
}

int64_t GapHistogram::lower_ns(int bin) const {
  if (bin <= 0) return 0;
  // Decades themselves must not suffer from rounding of the power.
  const double exact = std::pow(10.0, static_cast<double>(bin) / per_decade);
  const double whole = std::round(exact);
  return static_cast<int64_t>(std::abs(exact - whole) < 1e-9 * exact ? whole : std::ceil(exact));
}

GapHistogram gap_histogram(const BubbleReport& report, int per_decade) {
  GapHistogram histogram;
  histogram.per_decade = std::max(1, per_decade);
  const int bins = 9 * histogram.per_decade;
  std::vector<int64_t> lower;
  for (int i = 0; i < bins; ++i) lower.push_back(histogram.lower_ns(i));
  histogram.count.assign(static_cast<size_t>(bins), 0);
  histogram.ns.assign(static_cast<size_t>(bins), 0);
  for (const Bubble& b : report.bubbles) {
    const auto bin = static_cast<size_t>(std::upper_bound(lower.begin(), lower.end(), b.ns()) -
                                         lower.begin() - 1);
    ++histogram.count[bin];
    histogram.ns[bin] += b.ns();
  }
  histogram.negative = static_cast<int64_t>(report.overlaps.size());
  return histogram;
}

}  // namespace trace
