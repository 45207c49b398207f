// What this program is, which version, and what it is made with.
#pragma once
#include "ui/panels.h"

namespace ui {

// Drawn while AppState::show_about.
void about_window(const AppState&, Actions&);

}  // namespace ui
