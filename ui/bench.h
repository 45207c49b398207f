// How long a frame of the timeline takes: view-model plus draw list, without rendering, on one
// core. Builds a synthetic trace and walks a path of zooms and pans over it, in an ImGui context of
// its own without a display.
#pragma once
#include <cstdint>
#include <string>

namespace ui {

struct FrameTimes {
  double median_ms = 0, p99_ms = 0, max_ms = 0;
};

struct UiBench {
  int64_t events = 0;
  int zooms = 0;  // different scales on the path, from all of it to 1 ns a pixel
  int frames = 0;
  // View-model and draw list, what a window pays each frame: processor time of its one thread, so that other
  // programs on the machine don't count; and by the clock on the wall.
  FrameTimes frame, frame_wall;
  FrameTimes view_model;       // the view-model's part, processor time
  double open_ms = 0;          // trace in memory to everything the panels show
  double timeline_ms = 0;      // of it, what the timeline itself needs: bubbles, lanes, trees
  double reclassify_ms = 0;    // other thresholds while a line is dragged: the median of several, each on the one before
  double reclassify_first_ms = 0;  // the first one, which takes its memory
  int64_t bubbles = 0;         // that are classified
  double bytes_per_event = 0;  // all timeline structures, the list of bubbles included
  double rss_mib = 0;          // of the process, at its most
};

// REQUIRES: no ImGui context is current. events from 1 to 2^31.
UiBench bench_ui(int64_t events, int frames = 600);

}  // namespace ui
