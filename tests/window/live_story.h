// The live story as a script, for the offscreen window and for the real one.
#pragma once
#include "tests/window/driver.h"

namespace tests {

// A draft that loads and records within seconds.
void shorten(ui::AppState&);
// Start, flip cat_skip, record, see it stored, close, reopen from the store, stop. Leaves the engine stopped.
void flip_record_reopen(ImGuiTestContext*, app::Workbench&);

}  // namespace tests
