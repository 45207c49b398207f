// What there is to say about one event, one merged bar or one bubble: tooltips and the details
// panel. Pure.
#pragma once
#include <string>
#include <vector>

#include "ui/vm/analysis.h"
#include "ui/vm/timeline_vm.h"

namespace ui {

struct FieldVm {
  std::string key, value;
};

struct DetailsVm {
  std::string title;            // full name, or what it is
  std::string subtitle;         // the name as the trace has it, where the title is its readable form
  std::vector<FieldVm> fields;  // only what the trace says
  std::vector<FieldVm> table;   // merged bars: top names with their time
  std::string note;             // caveat, in words
};

// The run as a whole: where it comes from, what was measured how.
DetailsVm run_details(const trace::Run&, const RunAnalysis&);
// What its import read, left out and cannot show: a line each.
std::vector<std::string> report_lines(const trace::ImportReport&);
DetailsVm event_details(const RunAnalysis&, trace::EventId);
DetailsVm merged_details(const RunAnalysis&, const RowMap&, const BarVm&);
DetailsVm call_details(const RunAnalysis&, trace::EventId host_event);
DetailsVm bubble_details(const RunAnalysis&, uint32_t bubble);
DetailsVm overlay_details(const RunAnalysis&, const OverlayVm&);
// A few lines about what is under the mouse; empty title when nothing is.
DetailsVm hit_details(const RunAnalysis&, const TimelineVm&, const Hit&);

// Previous or next event on the lane (in start order); kNone at the ends.
trace::EventId neighbour_on_lane(const trace::Trace&, trace::EventId, int by);

}  // namespace ui
