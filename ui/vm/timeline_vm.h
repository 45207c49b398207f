// The timeline of one frame: what is where, in pixels, ready to be drawn or hit. A pure function of
// the stacked runs, the viewport and the style; costs pixels x log(events), whatever the zoom.
//
// x counts from the left edge of the lanes, y from the top of the first band before scrolling. Only
// what intersects the visible rectangle is built. Two promises, tested at random zooms: every event
// that intersects the view and whose row is in view belongs to exactly one bar; every bubble that
// intersects it belongs to one overlay.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trace/path.h"
#include "ui/vm/host_lanes.h"
#include "ui/vm/lane_index.h"
#include "ui/vm/viewport.h"

namespace ui {

struct Crossing;

struct StackItem {
  const LaneIndex* lanes = nullptr;
  const BubbleMap* bubbles = nullptr;
  const trace::BubbleReport* report = nullptr;
  const HostLanes* host = nullptr;               // rows above the kernels; null = not shown
  const trace::CriticalPath* path = nullptr;     // for lines over the lanes (timeline_links.h)
  const std::vector<Crossing>* crossings = nullptr;
  int64_t longest_crossing_ns = 0;
  int64_t origin_ns = 0;  // time of the trace that is 0 on the shared axis
  std::string title;      // "MI355X, two streams (HIP graph)"
  std::string note;       // dim, after the title
  const std::vector<uint8_t>* matches =
      nullptr;  // by StringId: names that match the search; null = no search
};

struct TimelineStyle {
  float row_px = 22, row_gap_px = 7;
  float title_px = 24;  // above the rows of a band
  float strip_px = 4;   // bubble strip below the rows: the worst kind at every pixel
  float label_px = 17;  // below the strip: lengths of stalls and fences
  float band_gap_px = 12;
  float char_px = 6.5f;                  // of the fixed-width face in which bars are labelled
  float min_bar_px = 3;                  // narrower events are merged with their neighbours
  float scroll_px = 0, height_px = 600;  // the visible part
};

// A few lanes in a high window grow into it, up to where a bar still looks like a bar: the height of a row, never less
// than the style's. By the number of rows alone, so that neither zoom nor scrolling changes it.
float grown_row_px(std::span<const StackItem>, const TimelineStyle&);

struct BarVm {
  float x0 = 0, x1 = 0;
  uint32_t row = 0;               // index into TimelineVm::rows
  uint32_t first = 0, count = 0;  // positions in the row's RowMap
  uint32_t longest = 0;           // position; the event itself if count == 1
  trace::Category category{};     // of the longest
  float busy = 1;                 // share of [x0, x1) that is covered
  bool dimmed = false;            // a search is on and does not match
  int32_t label = -1;             // index into TimelineVm::texts
};

struct OverlayVm {
  float x0 = 0, x1 = 0;
  uint32_t first = 0, count = 0;  // bubbles of the item's map
  uint32_t worst = 0;             // the longest; decides kind and colour
  int64_t worst_ns = 0;
  trace::BubbleKind kind{};
  float idle = 1;  // share of [x0, x1) that is idle
};

struct OverlapVm {  // violet, on a lane
  float x0 = 0, x1 = 0;
  uint32_t lane = 0;              // index into LaneIndex::lanes
  uint32_t first = 0, count = 0;  // of LaneRows::overlaps
};

struct BubbleLabelVm {
  float x = 0;       // centre
  std::string text;  // "5.4 µs join"
  uint32_t bubble = 0;
  trace::BubbleKind kind{};
};

struct RowVm {
  float y = 0, h = 0;
  uint32_t row = 0;   // of the item's LaneIndex, or of its host lanes'
  uint32_t lane = 0;  // the same
  bool host = false;
  bool first_of_lane = false;
  uint32_t first_bar = 0, bars = 0;
};

struct BandVm {
  size_t item = 0;
  float y = 0, h = 0;  // title, rows, strip, labels
  float host_y = 0, host_h = 0;  // launch calls; 0 high without
  float rows_y = 0, rows_h = 0;
  float strip_y = 0;
  uint32_t first_row = 0, rows = 0;  // visible ones, into TimelineVm::rows
  uint32_t first_overlay = 0, overlays = 0;
  uint32_t first_overlap = 0, overlaps = 0;
  uint32_t first_label = 0, labels = 0;
};

struct TickVm {
  float x = 0;
  std::string text;  // empty on minor ticks
};

struct TimelineVm {
  std::vector<BandVm> bands;  // all of them, also those scrolled away (with no rows)
  std::vector<RowVm> rows;
  std::vector<BarVm> bars;
  std::vector<OverlayVm> overlays;
  std::vector<OverlapVm> overlaps;
  std::vector<BubbleLabelVm> labels;
  std::vector<std::string> texts;
  std::vector<TickVm> ticks;
  std::string unit;      // of the ticks
  float content_px = 0;  // height of all bands
};

// Rebuilds `out`, keeping its memory from frame to frame.
void build_timeline(std::span<const StackItem>, const Viewport&, const TimelineStyle&,
                    TimelineVm& out);

// Events of a row, and the trace they are of (its names).
const RowMap& row_map(const StackItem&, const RowVm&);
const LaneIndex& lanes_of(const StackItem&, const RowVm&);

// The span of the shared axis that the items cover, from 0.
Extent content_of(std::span<const StackItem>);

enum class HitKind : uint8_t { none, bar, bubble, band };
struct Hit {
  HitKind kind = HitKind::none;
  size_t item = 0;
  uint32_t index = 0;  // into bars or overlays
};
// What is under a point. Bars win over overlays inside rows; the strip always answers with its
// overlay.
Hit hit_test(const TimelineVm&, float x, float y);

// Rectangle of one event as it would be drawn unmerged; false if it is not on this stack item.
struct RectPx {
  float x0 = 0, y0 = 0, x1 = 0, y1 = 0;
};
bool locate(std::span<const StackItem>, const TimelineVm&, const Viewport&, size_t item,
            trace::EventId, const TimelineStyle&, RectPx* out);

}  // namespace ui
