// Critical path of one window: walk back from the last end. The predecessor of an event is its plan edge's
// source if edges into it are known (the one that ended last, its neighbour on the lane among them), else the event with the latest end not after its start (same lane first). An
// event owns (predecessor's end, own end]; what lies between its predecessor's end and its own start is a wait.
//   wall = owned + waits + lead_in, exactly, for every window (an idle tail counts as a wait).
// Thread rule: pure functions of a const Trace. Cost: n log n of the window's events.
#pragma once
#include <cstdint>
#include <vector>

#include "trace/window.h"

namespace trace {

struct PathStep {
  EventId event = kNone;
  EventId predecessor = kNone;   // kNone at the head of the path
  int64_t owned_ns = 0;          // of the event's own running time
  int64_t wait_ns = 0;           // between predecessor's end and the event's start
  bool guessed = true;           // predecessor inferred from times, not from an edge
};

struct CriticalPath {
  std::vector<PathStep> steps;   // first to last
  int64_t owned_ns = 0, waits_ns = 0, lead_in_ns = 0;
  int64_t tail_ns = 0;           // of waits: from the last end to the window's end
};

CriticalPath critical_path(const Trace&, const Window&);
CriticalPath critical_path(const Trace&, const DeviceEvents&, const Window&);

}  // namespace trace
