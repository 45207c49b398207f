// The plan sketch of a switch: buffers before and after side by side, the launches of a layer under them.
#pragma once
#include <vector>

#include "ui/vm/sketch_vm.h"

namespace ui {

void draw_sketch(const SketchVm&, float width_px);
// What went is struck out, what came underlined; wraps like words. `lanes`: launches of the second stream stand on a
// line below, with a stroke where one waits for the other stream.
void draw_pipeline(const std::vector<SketchLaunchVm>&, bool lanes, float width_px);

}  // namespace ui
