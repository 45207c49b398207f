// A waterfall as bars: slower to the right in red, faster to the left in the accent, the total
// below.
#pragma once
#include "ui/vm/compare_vm.h"

namespace ui {

// Uses the width there is; the height follows from the bars, or scrolls within the window.
void draw_waterfall(const WaterfallVm&);

}  // namespace ui
