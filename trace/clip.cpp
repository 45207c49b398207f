#include "trace/clip.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "trace/kernel_names.h"

namespace trace {
namespace {

constexpr int64_t kTimes = 10, kLongNs = 100'000'000;
constexpr size_t kFewest = 3, kShown = 5;

// Slices of the lane that lie whole in `events[i]`, 2 at most: the lane is in order of start.
bool covers_two(std::span<const Event> events, size_t i) {
  if (i + 2 >= events.size()) return false;
  const int64_t end = events[i].end_ns;
  return events[i + 1].end_ns <= end && events[i + 2].end_ns <= end && events[i + 2].start_ns > events[i].start_ns;
}

}  // namespace

Clipped clip_overflows(Trace& t) {
  std::vector<EventId> candidates;
  for (uint32_t l = 0; l < t.lanes.size(); ++l) {
    const auto events = t.lane_events(l);
    for (size_t i = 0; i < events.size(); ++i)
      if (covers_two(events, i)) candidates.push_back(t.lanes[l].first + static_cast<EventId>(i));
  }
  Clipped out;
  if (candidates.empty()) return out;
  std::map<StringId, std::vector<int64_t>> lengths;
  for (const EventId id : candidates) lengths[t.events[id].name];
  for (const Event& e : t.events)
    if (const auto at = lengths.find(e.name); at != lengths.end()) at->second.push_back(e.duration_ns());
  std::map<StringId, int64_t> least;
  for (auto& [name, all] : lengths) {
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    std::nth_element(all.begin(), middle, all.end());
    // Half of them overflowing makes the median no guide either.
    least[name] = all.size() >= kFewest ? std::min(kLongNs, std::max<int64_t>(*middle, 1) * kTimes) : kLongNs;
  }
  for (const EventId id : candidates) {
    Event& e = t.events[id];
    if (e.duration_ns() < least[e.name]) continue;
    // The next that starts later: equal starts keep their order by end.
    const Lane& lane = t.lanes[e.lane];
    EventId next = id + 1;
    while (next < lane.first + lane.count && t.events[next].start_ns == e.start_ns) ++next;
    if (next >= lane.first + lane.count) continue;
    const int64_t was = e.duration_ns();
    e.end_ns = t.events[next].start_ns;
    ++out.count;
    if (out.lines.size() < kShown) {
      const auto us = [](int64_t ns) { return static_cast<double>(ns) / 1000; };
      out.lines.push_back(fmt::format("`{}` at {:.3f} us ran over the slices after it on {}: clipped from {:.3f} to {:.3f} us", bare_kernel_name(t.name_of(e)), us(e.start_ns), lane.label, us(was), us(e.duration_ns())));
    }
  }
  // Equal starts may have changed their order by end.
  for (uint32_t l = 0; out.count > 0 && l < t.lanes.size(); ++l) {
    const auto begin = t.events.begin() + t.lanes[l].first;
    const auto less = [](const Event& a, const Event& b) { return a.start_ns != b.start_ns ? a.start_ns < b.start_ns : a.end_ns < b.end_ns; };
    if (!std::is_sorted(begin, begin + t.lanes[l].count, less)) {
      if (!t.edges.empty()) continue;   // ids may not move
      std::sort(begin, begin + t.lanes[l].count, less);
    }
  }
  return out;
}

}  // namespace trace
