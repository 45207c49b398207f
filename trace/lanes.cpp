#include "trace/lanes.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "trace/launches.h"

namespace trace {
namespace {

using Span = std::pair<int64_t, int64_t>;

// Whether all work of a lane is inside graph launches that began on another lane.
bool is_side_lane(const Trace& trace, uint32_t lane, const Launches& launches) {
  const auto events = trace.lane_events(lane);
  return !events.empty() && std::all_of(events.begin(), events.end(), [&](const Event& e) {
    if (e.correlation == kNoCorrelation) return false;
    const Launch& launch = launches.of(e.correlation);
    return launch.events > 1 && launch.first_lane != lane;
  });
}

// Busy spans of a lane; where they touch or overlap they become one.
std::vector<Span> busy_spans(const Trace& trace, uint32_t lane) {
  std::vector<Span> spans;
  for (const Event& e : trace.lane_events(lane)) {
    if (!spans.empty() && e.start_ns <= spans.back().second)
      spans.back().second = std::max(spans.back().second, e.end_ns);
    else
      spans.emplace_back(e.start_ns, e.end_ns);
  }
  return spans;
}

bool overlap(const std::vector<Span>& a, const std::vector<Span>& b) {
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i].first < b[j].second && b[j].first < a[i].second) return true;
    if (a[i].second <= b[j].second)
      ++i;
    else
      ++j;
  }
  return false;
}

struct Group {
  uint32_t lane = 0;  // that stands for all
  std::vector<Span> busy;
};

}  // namespace

std::vector<uint32_t> logical_lanes(const Trace& trace) {
  std::vector<uint32_t> logical(trace.lanes.size());
  std::iota(logical.begin(), logical.end(), 0u);
  for (uint32_t device = 0; device < trace.devices.size(); ++device) {
    std::vector<uint32_t> lanes;
    for (uint32_t i = 0; i < trace.lanes.size(); ++i)
      if (trace.lanes[i].device == device && trace.lanes[i].count > 0) lanes.push_back(i);
    if (lanes.size() < 3) continue;  // one side lane at most: nothing to fold it with
    const Launches launches(trace, device);
    std::vector<Group> groups;
    for (const uint32_t lane : lanes) {
      if (!is_side_lane(trace, lane, launches)) continue;
      std::vector<Span> busy = busy_spans(trace, lane);
      const auto fits = std::find_if(groups.begin(), groups.end(),
                                     [&](const Group& g) { return !overlap(g.busy, busy); });
      if (fits == groups.end()) {
        groups.push_back({lane, std::move(busy)});
        continue;
      }
      logical[lane] = fits->lane;
      std::vector<Span> both;
      std::merge(fits->busy.begin(), fits->busy.end(), busy.begin(), busy.end(),
                 std::back_inserter(both));
      fits->busy = std::move(both);
    }
  }
  return logical;
}

}  // namespace trace
