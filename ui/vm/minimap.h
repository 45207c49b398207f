// The whole stacked content in one thin strip: for each pixel the worst idle kind of any run there. Pure.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "ui/vm/timeline_vm.h"

namespace ui {

struct MinimapPixel {
  int8_t kind = -1;      // trace::BubbleKind of the longest gap that touches the pixel; -1 = none
  float idle = 0;        // share of the pixel that is idle, of the run it is worst in
  bool busy = false;     // some run has work or idle time here
};

struct MinimapVm {
  Extent content;
  std::vector<MinimapPixel> pixels;
  double ns_per_px() const {
    return pixels.empty() ? 1 : static_cast<double>(content.ns()) / static_cast<double>(pixels.size());
  }
};

// REQUIRES: width >= 1. Costs width x log(gaps) a run.
MinimapVm make_minimap(std::span<const StackItem>, const Extent& content, int width);

}  // namespace ui
