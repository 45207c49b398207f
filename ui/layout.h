// The default docking layout, as in the drawing: Session, Toggles and Runs on the left, the
// timeline in the centre, details on the right, the tables below.
#pragma once
#include <imgui.h>

#include "ui/panels.h"

namespace ui {

// Builds the layout into the dock space if it has none yet, or anew when `reset`; true if it did.
bool ensure_layout(ImGuiID dock_space, ImVec2 size, bool reset);

}  // namespace ui
