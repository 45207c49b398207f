// A half-open span [begin, end) of one device of a trace, and what runs in it. Events are clipped to it.
//
// An event of some length is in a window if it covers any of it. One of zero length is in the window that holds its
// instant; at the very last end of a device, which no half-open window holds, it is in the window that ends there.
// Thread rule: pure functions of a const Trace. Shapes: EventId indexes Trace::events.
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trace/trace.h"

namespace trace {

struct Window {
  uint32_t device = 0;
  int64_t begin_ns = 0, end_ns = 0;
  std::string label;    // "all", "step 3", "layer 12"
  int64_t wall_ns() const { return end_ns - begin_ns; }
};

// First start to last end of the device's activities; empty (0, 0) when it has none.
Window whole(const Trace&, uint32_t device);
// Devices that have activities, most activities first.
std::vector<uint32_t> active_devices(const Trace&);

// One device's events in the order in which they started: made once, it answers for many windows quickly.
struct DeviceEvents {
  uint32_t device = 0;
  std::vector<EventId> by_start;       // all lanes, by (start, end, id)
  std::vector<int64_t> max_end_ns;     // [i] = latest end among by_start[0..i]
  int64_t last_end_ns() const { return max_end_ns.empty() ? 0 : max_end_ns.back(); }
};
DeviceEvents device_events(const Trace&, uint32_t device);

// Ids of the device's events that intersect the window, by (start, end, id).
std::vector<EventId> events_in(const Trace&, const Window&);
// REQUIRES: the index is of the window's device.
std::vector<EventId> events_in(const Trace&, const DeviceEvents&, const Window&);

inline int64_t clipped_start(const Event& e, const Window& w) { return std::clamp(e.start_ns, w.begin_ns, w.end_ns); }
inline int64_t clipped_end(const Event& e, const Window& w) { return std::clamp(e.end_ns, w.begin_ns, w.end_ns); }
inline int64_t clipped_ns(const Event& e, const Window& w) { return clipped_end(e, w) - clipped_start(e, w); }

// A part of a window in which nothing runs, by the union of all streams.
struct IdleSpan {
  int64_t begin_ns = 0, end_ns = 0;
  uint32_t next = 0;   // index into `events` of the first to start after it; events.size() = none in the window
  int64_t ns() const { return end_ns - begin_ns; }
};
// Every idle part, by begin; an event of zero length separates two. `events` as events_in() gives them.
std::vector<IdleSpan> idle_spans(const Trace&, const Window&, std::span<const EventId> events);

}  // namespace trace
