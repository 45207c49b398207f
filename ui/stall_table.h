// The longest gaps: where, how long, which streams, cause, between what; a click goes there, another writes a note at it.
#pragma once
#include "ui/panels.h"

namespace ui {

void stall_table_panel(const AppState&, const OpenRun&, UiMemory&, Actions&);

}  // namespace ui
