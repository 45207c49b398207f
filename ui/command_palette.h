// Ctrl+P: every command by name, fuzzy. Commands are built from the state when the palette opens.
#pragma once
#include "ui/panels.h"

namespace ui {

void command_palette(const AppState&, UiMemory&, Actions&);

}  // namespace ui
