// Points and events to what is drawn there, and back.
#include <algorithm>

#include "ui/vm/timeline_vm.h"

namespace ui {
namespace {

// Index of the last element in [first, first + count) with x0 <= x; first + count if none.
template <class T>
uint32_t last_at(const std::vector<T>& v, uint32_t first, uint32_t count, float x) {
  const auto begin = v.begin() + first, end = begin + count;
  const auto after =
      std::upper_bound(begin, end, x, [](float value, const T& e) { return value < e.x0; });
  return after == begin ? first + count : static_cast<uint32_t>(after - v.begin()) - 1;
}

// The element at x, or one that ends within `slack` before it: a bar of one pixel must be hit by a
// hand.
template <class T>
bool covers(const std::vector<T>& v, uint32_t first, uint32_t count, float x, float slack,
            uint32_t* index) {
  *index = last_at(v, first, count, x);
  return *index < first + count && x < v[*index].x1 + slack;
}

Hit hit_band(const TimelineVm& vm, const BandVm& band, float x, float y) {
  Hit hit{.kind = HitKind::band, .item = band.item};
  if (y < band.host_y) return hit;
  const bool in_rows = y < band.rows_y + band.rows_h;
  uint32_t index = 0;
  if (in_rows) {
    for (uint32_t r = band.first_row; r < band.first_row + band.rows; ++r) {
      const RowVm& row = vm.rows[r];
      if (y < row.y || y >= row.y + row.h) continue;
      if (covers(vm.bars, row.first_bar, row.bars, x, 0, &index))
        return {HitKind::bar, band.item, index};
    }
  }
  if (y < band.rows_y) return hit;
  if (covers(vm.overlays, band.first_overlay, band.overlays, x, in_rows ? 0.0f : 1.0f, &index))
    return {HitKind::bubble, band.item, index};
  return hit;
}

}  // namespace

Hit hit_test(const TimelineVm& vm, float x, float y) {
  for (const BandVm& band : vm.bands) {
    if (y >= band.y && y < band.y + band.h) return hit_band(vm, band, x, y);
  }
  return {};
}

bool locate(std::span<const StackItem> items, const TimelineVm& vm, const Viewport& view,
            size_t item, trace::EventId id, const TimelineStyle& style, RectPx* out) {
  if (item >= items.size() || item >= vm.bands.size()) return false;
  const auto at = items[item].lanes->find(id);
  if (!at) return false;
  const trace::Event& e = items[item].lanes->trace().events[id];
  out->x0 = static_cast<float>(view.x_of(static_cast<double>(e.start_ns - items[item].origin_ns)));
  out->x1 =
      std::max(static_cast<float>(view.x_of(static_cast<double>(e.end_ns - items[item].origin_ns))),
               out->x0 + 1);
  out->y0 = vm.bands[item].rows_y + static_cast<float>(at->row) * (style.row_px + style.row_gap_px);
  out->y1 = out->y0 + style.row_px;
  return true;
}

}  // namespace ui
