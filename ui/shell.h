// The frame around the panels: top bar, dock space with the default layout, panel windows, status
// bar, notices, help, and the keys that work everywhere.
#pragma once
#include "ui/panels.h"

namespace ui {

// One frame of everything, between NewFrame and Render.
void draw_window(const AppState&, UiMemory&, Actions&);

// Brings a panel forward within the next frames (--panel, menus, palette).
void focus_panel(UiMemory&, std::string_view title);

}  // namespace ui
