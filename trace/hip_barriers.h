// Barriers that hipEventRecord and hipStreamWaitEvent put into a queue, where rocprofv3 recorded
// them (--hip-event-trace): they say which stream another one really waited for, which otherwise is
// a guess by times. A wait becomes a known dependency: of the first kernel behind the barrier, on
// the last one that the source queue had finished when the event was recorded, or else when the wait
// was over. Internal to the importers.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "trace/builder.h"

namespace trace {

// Names of the barriers' annotations; their thread is the queue.
inline constexpr std::string_view kHipRecordName = "hipEventRecord barrier";
inline constexpr std::string_view kHipWaitName = "hipStreamWaitEvent barrier";

class HipBarriers {
 public:
  struct Barrier {
    int64_t start_ns = 0, end_ns = 0;
    uint32_t lane = kNone;          // where the barrier stands
    uint32_t source_lane = kNone;   // wait: where the event was recorded; kNone = not said
    int64_t event = -1;             // handle of the event, unlike those of other processes; -1 = not said
    bool wait = false;
  };
  void add(const Barrier& b) { m_barriers.push_back(b); }
  size_t count() const { return m_barriers.size(); }

  // Adds the dependencies; returns how many. REQUIRES: all events are in the builder.
  size_t link(TraceBuilder&) const;

 private:
  std::vector<Barrier> m_barriers;
};

}  // namespace trace
