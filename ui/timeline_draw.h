// Draw-list calls for one frame of the timeline. No input, no state: what build_timeline() made, in
// colours.
#pragma once
#include <imgui.h>

#include <algorithm>

#include "ui/panels.h"
#include "ui/vm/minimap.h"
#include "ui/vm/timeline_links.h"

namespace ui {

struct TimelineCanvas {
  ImDrawList* draw = nullptr;
  ImVec2 origin;        // screen position of (x = 0, y = 0) of the view-model, scrolled
  ImVec2 min, max;      // visible part of the lanes, on screen
  float gutter_px = 0;  // lane labels, left of min.x
};

// Screen coordinates far outside the clip rectangle lose precision in float; this keeps them near.
inline float near_clip(float x, const TimelineCanvas& c) { return std::clamp(x, c.min.x - 64, c.max.x + 64); }

void draw_grid(const TimelineCanvas&, const TimelineVm&);
void draw_ruler(ImDrawList*, ImVec2 min, ImVec2 max, float lanes_x, const TimelineVm&);
void draw_bands(const TimelineCanvas&, const TimelineVm&, const Stack&, const AppState&);
// Outline of the selected event or bubble.
void draw_selection(const TimelineCanvas&, const TimelineVm&, const Stack&, const AppState&,
                    const TimelineStyle&);
// Critical path, forks, joins and flows; over the bars.
void draw_links(const TimelineCanvas&, const std::vector<LinkVm>&);
// A strip of the whole content with the view as a frame.
void draw_minimap(ImDrawList*, ImVec2 min, ImVec2 max, const MinimapVm&, const Viewport&);
// Kept ranges of the axis, the range that is measured, and what was written at places of runs.
void draw_marks(const TimelineCanvas&, const AppState&, const TimelineVm&, const Stack&);
// Patterns of bubble kinds, also used by legends.
void draw_bubble(ImDrawList*, ImVec2 min, ImVec2 max, trace::BubbleKind, float idle);
void draw_mark(ImDrawList*, ImVec2 min, ImVec2 max, Mark);

// Item id of an event's bar, for tests that click bars: the same in every frame.
ImGuiID bar_item_id(RunKey, trace::EventId);
// Registers visible bars with the test engine; nothing when none is attached.
void register_bars(const TimelineCanvas&, const TimelineVm&, const Stack&);

}  // namespace ui
