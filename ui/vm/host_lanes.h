// The launch calls of one device's events as lanes of their own, one a host thread: the same index as for kernels, so
// the timeline draws both the same way. Built once on a worker; immutable, const access from any thread.
#pragma once
#include <memory>
#include <vector>

#include "ui/vm/lane_index.h"

namespace ui {

struct HostLanes {
  trace::Trace trace;     // its events are calls: names, starts and ends; lanes are threads
  LaneIndex lanes;        // of `trace`
  std::vector<uint32_t> call;               // by event of `trace`: index into Trace::calls of the run
  std::vector<uint32_t> launched;           // by event of `trace`: how many activities
  std::vector<trace::EventId> first_event;  // by event of `trace`: the first of them to start
  std::vector<trace::EventId> of_call;      // by index into Trace::calls of the run; kNone = launched nothing here
  HostLanes() = default;
  HostLanes(const HostLanes&) = delete;     // `lanes` points into `trace`
  HostLanes& operator=(const HostLanes&) = delete;
};

// Null when no event of the device says which call launched it.
std::shared_ptr<const HostLanes> host_lanes(const trace::Trace&, uint32_t device);

}  // namespace ui
