// The longest gaps: where, how long, which streams, cause, between what; a click goes there, another writes a note at it.
#pragma once
#include "ui/panels.h"

namespace ui {

void stall_table_panel(const AppState&, const OpenRun&, UiMemory&, Actions&);

// A line to write what a gap is; Enter keeps it with the run, an empty one takes it away.
void gap_note_line(const OpenRun&, uint32_t bubble, UiMemory&, Actions&);

}  // namespace ui
