// The lanes of one device of a trace, each split into sub-rows so that overlapping events are side
// by side and none is ever dropped. Built once per (trace, device, folding), on a worker;
// immutable, const access from any thread. The trace must outlive it (OpenRun keeps both).
//
// Sub-rows: events in start order, each into the first sub-row that is free, so a lane without
// overlaps has one. Cost: n log(sub-rows); memory under 3 bytes an event, 7 where a lane has
// overlaps or is folded from several.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trace/bubbles.h"
#include "ui/vm/mipmap.h"

namespace ui {

// What makes a lane: a stream; a stream with the graph side streams it leads (Lane::logical); a hardware queue
// (Detail::hsa_queue; events that name none stay with their stream).
enum class LaneGrouping : uint8_t { stream, folded, queue };

// Whether grouping by queue would show anything else than streams.
bool has_queues(const trace::Trace&, uint32_t device);

struct OverlapMark {
  int64_t begin_ns = 0,
          end_ns =
              0;  // start of the second .. end of the first (or of the second, if it is inside)
  uint32_t overlap = 0;  // index into BubbleReport::overlaps
};

struct LaneRows {
  std::string label;                  // "stream 113"; "stream 8253 +2" for a folded lane
  std::vector<uint32_t> lanes;        // of the trace
  uint32_t first_row = 0, rows = 0;   // into LaneIndex::rows
  std::vector<OverlapMark> overlaps;  // by begin
};

struct RowPosition {
  uint32_t row = 0;
  uint32_t position = 0;
};

class LaneIndex {
 public:
  LaneIndex() = default;
  LaneIndex(const trace::Trace&, uint32_t device, const std::vector<trace::Overlap>& overlaps,
            LaneGrouping);

  const trace::Trace& trace() const { return *m_trace; }
  uint32_t device() const { return m_device; }
  const std::vector<LaneRows>& lanes() const { return m_lanes; }
  const std::vector<RowMap>& rows() const { return m_rows; }
  uint32_t lane_of_row(uint32_t row) const { return m_lane_of_row[row]; }
  // Index into lanes() of an event's lane; kNone if it is not on this device.
  uint32_t lane_of_event(const trace::Event&) const;
  // Where an event is drawn; nullopt if it is on another device.
  std::optional<RowPosition> find(trace::EventId) const;
  size_t bytes() const;

 private:
  void group_by_stream(bool fold);
  void group_by_queue();
  void add_rows(LaneRows&);
  void end_lane(LaneRows&);
  void split_rows(const std::vector<trace::EventId>& ids);
  void add_overlaps(const std::vector<trace::Overlap>&);

  const trace::Trace* m_trace = nullptr;
  uint32_t m_device = 0;
  std::vector<LaneRows> m_lanes;
  std::vector<RowMap> m_rows;
  std::vector<uint32_t> m_lane_of_row;
  std::vector<uint32_t> m_lane_of_trace_lane;
  std::vector<std::pair<int64_t, uint32_t>> m_lane_of_queue;  // queue, lane; sorted; empty unless grouped by it
};

}  // namespace ui
