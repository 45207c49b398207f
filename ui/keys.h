// Keys that work everywhere, and the window that lists all keys.
#pragma once
#include "ui/panels.h"

namespace ui {

void global_keys(const AppState&, UiMemory&, Actions&);
void help_window(const AppState&, Actions&);

}  // namespace ui
