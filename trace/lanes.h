// Logical lanes. A graph replay spreads one captured side stream over many stream ids, so two streams can look like
// forty. A lane is a side lane if all its work belongs to launches of several kernels (graphs) and it never holds the
// first activity of one; side lanes of one device whose work never overlaps are folded into one logical lane.
// Upstream: pytorch issue 152114 (two captured streams drawn as forty).
#pragma once
#include <cstdint>
#include <vector>

#include "trace/trace.h"

namespace trace {

// Per lane the lane that stands for it: itself, or the first of the side lanes it is folded with.
// REQUIRES: lanes and events in the order of trace.h. Cost: n log n of the events of side lanes.
std::vector<uint32_t> logical_lanes(const Trace&);

}  // namespace trace
