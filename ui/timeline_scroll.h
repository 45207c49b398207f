// What moves the timeline from its edges: a bar below the lanes, a bar beside them, the minimap.
#pragma once
#include <imgui.h>

#include "ui/panels.h"

namespace ui {

float scrollbar_px();  // thickness of either bar, at the text size in force
// Where the view lies in the content; nothing to grab while all of it is in view.
void horizontal_scrollbar(const AppState&, const Extent& content, float x, float width, Actions&);
// Moves `scroll_px` within `content_px` of rows, of which the height between min and max is in view.
void vertical_scrollbar(ImVec2 min, ImVec2 max, float content_px, float& scroll_px);
// The whole content with its worst gaps; a click or a drag takes the view there.
void minimap(const AppState&, const Stack&, const Extent& content, float x, float width, UiMemory&, Actions&);

}  // namespace ui
