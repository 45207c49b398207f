// The stacked timeline of a report: one SVG, all runs on one scale, bars in microseconds inside a group that the page's
// script stretches. Bubbles span the lanes of their run: stalls in red stripes, fences amber, dispatch faint azure.
// Internal to report_*.cpp.
#pragma once
#include <string>
#include <vector>

#include "trace/html_writer.h"
#include "trace/report_analysis.h"

namespace trace {

struct TimelineView {
  std::string id, title;              // "layer", "One layer: the median one"
  struct Row {
    const ReportRun* run = nullptr;
    Window window;
  };
  std::vector<Row> rows;
  size_t max_bars = 6000;             // of all rows; beyond, neighbours are drawn as one
};

struct TimelineMarkup {
  Markup svg;
  Markup data;                        // a JSON object for the script: what each bar is
  std::vector<std::string> notes;     // what was drawn coarser, and how much
};
TimelineMarkup draw_timeline(const TimelineView&);

// Categories that occur, each with its colour, once a word.
Markup timeline_legend(const std::vector<TimelineView>&);

}  // namespace trace
