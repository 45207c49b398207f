#include "trace/launches.h"

#include <algorithm>

namespace trace {

Launches::Launches(const Trace& trace, uint32_t device) {
  int64_t lowest = std::numeric_limits<int64_t>::max(),
          highest = std::numeric_limits<int64_t>::min();
  uint64_t count = 0;
  const auto each = [&](auto action) {
    for (uint32_t lane = 0; lane < trace.lanes.size(); ++lane) {
      if (trace.lanes[lane].device != device) continue;
      for (const Event& e : trace.lane_events(lane))
        if (e.correlation != kNoCorrelation) action(e);
    }
  };
  each([&](const Event& e) {
    lowest = std::min(lowest, e.correlation);
    highest = std::max(highest, e.correlation);
    ++count;
  });
  if (count == 0) return;
  const uint64_t range = static_cast<uint64_t>(highest) - static_cast<uint64_t>(lowest);
  m_lowest = lowest;
  if (range < 4 * count + 1024) m_dense.resize(range + 1);
  each([&](const Event& e) {
    Launch& launch = slot(e.correlation);
    ++launch.events;
    launch.kernels += e.kind == EventKind::kernel;
    if (e.start_ns < launch.first_ns) {
      launch.first_ns = e.start_ns;
      launch.first_lane = e.lane;
    }
  });
}

}  // namespace trace
