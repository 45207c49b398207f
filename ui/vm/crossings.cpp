#include "ui/vm/crossings.h"

#include <algorithm>

namespace ui {
namespace {

using trace::Event;
using trace::EventId;
using trace::kNone;

// The lane of the device's first activity; kNone without any.
uint32_t parent_lane(const trace::Trace& t, uint32_t device) {
  uint32_t parent = kNone;
  int64_t first = 0;
  for (uint32_t i = 0; i < t.lanes.size(); ++i) {
    const trace::Lane& lane = t.lanes[i];
    if (lane.device != device || lane.count == 0) continue;
    const int64_t start = t.events[lane.first].start_ns;
    if (parent == kNone || start < first) {
      parent = i;
      first = start;
    }
  }
  return parent;
}

}  // namespace

std::vector<Crossing> crossings(const trace::Trace& t, const trace::BubbleReport& report) {
  std::vector<Crossing> out;
  const uint32_t device = report.window.device, parent = parent_lane(t, device);
  for (const trace::Edge& edge : t.edges) {
    const Event &from = t.events[edge.from], &to = t.events[edge.to];
    if (from.lane != to.lane && t.device_of(from) == device && t.device_of(to) == device)
      out.push_back({edge.from, edge.to, to.lane == parent, false});
  }
  if (t.edges.empty()) {
    for (const trace::Bubble& b : report.bubbles) {
      const bool join = b.cause == trace::BubbleCause::join;
      if ((join || b.cause == trace::BubbleCause::fork) && b.before != kNone && b.after != kNone)
        out.push_back({b.before, b.after, join, b.cause_is_guess});
    }
  }
  std::ranges::stable_sort(out, {}, [&](const Crossing& c) { return t.events[c.from].end_ns; });
  return out;
}

int64_t longest_ns(const trace::Trace& t, const std::vector<Crossing>& all) {
  int64_t longest = 0;
  for (const Crossing& c : all) longest = std::max(longest, t.events[c.to].start_ns - t.events[c.from].end_ns);
  return longest;
}

}  // namespace ui
