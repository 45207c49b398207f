// Beside the kernel table: the roofline, one kernel's time over steps, and its durations in the stored runs. Draws only.
#pragma once
#include "ui/panels.h"

namespace ui {

// `chosen`: the group that the pictures are about; null = none.
void kernels_side(const AppState&, const OpenRun&, const KernelGroup* chosen, UiMemory&, Actions&);

}  // namespace ui
