// Gaps, overlaps and dependencies of single events. Internal to bubbles.
#pragma once
#include <span>
#include <vector>

#include "trace/bubbles.h"

namespace trace {

// Negative when the second began before the first had ended.
inline int64_t gap_between(const Event& before, const Event& after) {
  return after.start_ns - before.end_ns;
}

// Of all streams of a device, labelled, by start of the second.
std::vector<Overlap> find_overlaps(const Trace&, uint32_t device);

// What an event had to wait for last: the known dependency, or else its neighbour on the stream (streams run in
// order), that ended last. kNone without known dependencies. `into` = known edges to this event.
EventId binding_dependency(const Trace&, std::span<const Edge> into, EventId);

}  // namespace trace
