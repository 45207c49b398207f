#include "ui/vm/minimap.h"

#include <algorithm>
#include <cmath>

namespace ui {
namespace {

// Pixel p holds [begin, end) of the shared axis.
void add_item(const StackItem& item, double ns_per_px, MinimapVm& vm) {
  const BubbleMap& map = *item.bubbles;
  const trace::Window& w = item.report->window;
  std::vector<int64_t> worst(vm.pixels.size(), -1);
  for (size_t p = 0; p < vm.pixels.size(); ++p) {
    const auto at = [&](size_t px) {
      return static_cast<int64_t>(std::llround(static_cast<double>(px) * ns_per_px)) + vm.content.begin_ns + item.origin_ns;
    };
    const int64_t begin = at(p), end = std::max(at(p + 1), begin + 1);
    if (end <= w.begin_ns || begin >= w.end_ns) continue;
    MinimapPixel& pixel = vm.pixels[p];
    pixel.busy = true;
    const size_t first = map.first_ending_after(begin), last = map.first_beginning_at(end);
    if (first >= last) continue;
    const BubbleAggregate sum = map.idle_and_worst(first, last);
    const auto kind = static_cast<int8_t>(map.kind_of(sum.worst_ns));
    // Gaps that reach beyond the pixel count with their part in it.
    int64_t idle = sum.idle_ns;
    idle -= std::max<int64_t>(begin - map.begin_at(first), 0);
    idle -= std::max<int64_t>(map.before(last).end_ns - end, 0);
    const float share = static_cast<float>(idle) / static_cast<float>(end - begin);
    if (kind > pixel.kind || (kind == pixel.kind && share > pixel.idle)) {
      pixel.kind = kind;
      pixel.idle = std::clamp(share, 0.0f, 1.0f);
    }
  }
}

}  // namespace

MinimapVm make_minimap(std::span<const StackItem> items, const Extent& content, int width) {
  MinimapVm vm{content, std::vector<MinimapPixel>(static_cast<size_t>(std::max(width, 1)))};
  if (content.ns() <= 0) return vm;
  for (const StackItem& item : items) {
    if (item.bubbles && item.report) add_item(item, vm.ns_per_px(), vm);
  }
  return vm;
}

}  // namespace ui
