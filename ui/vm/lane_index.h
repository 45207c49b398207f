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
  // `fold`: side streams of a captured graph share one lane (Lane::logical).
  LaneIndex(const trace::Trace&, uint32_t device, const std::vector<trace::Overlap>& overlaps,
            bool fold);

  const trace::Trace& trace() const { return *m_trace; }
  uint32_t device() const { return m_device; }
  const std::vector<LaneRows>& lanes() const { return m_lanes; }
  const std::vector<RowMap>& rows() const { return m_rows; }
  uint32_t lane_of_row(uint32_t row) const { return m_lane_of_row[row]; }
  // Index into lanes() of a lane of the trace; kNone if it is not on this device.
  uint32_t lane_index(uint32_t trace_lane) const { return m_lane_of_trace_lane[trace_lane]; }
  // Where an event is drawn; nullopt if it is on another device.
  std::optional<RowPosition> find(trace::EventId) const;
  size_t bytes() const;

 private:
  void add_rows(LaneRows&);
  void split_rows(const std::vector<trace::EventId>& ids);
  void add_overlaps(const std::vector<trace::Overlap>&);

  const trace::Trace* m_trace = nullptr;
  uint32_t m_device = 0;
  std::vector<LaneRows> m_lanes;
  std::vector<RowMap> m_rows;
  std::vector<uint32_t> m_lane_of_row;
  std::vector<uint32_t> m_lane_of_trace_lane;
};

}  // namespace ui
