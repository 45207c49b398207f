#include "ui/timeline_draw.h"

#include <imgui_internal.h>

#include <algorithm>
#include <cmath>

#include "ui/theme.h"
#include "ui/widgets.h"

namespace ui {
namespace {

using trace::BubbleKind;

// Parallel lines at 45 degrees, phase fixed to the screen so that neighbours line up.
void diagonal(ImDrawList* draw, ImVec2 min, ImVec2 max, float step, float thickness, ImU32 colour,
              bool rising) {
  draw->PushClipRect(min, max, true);
  const float h = max.y - min.y;
  const float first = std::floor((min.x - h) / step) * step;
  for (float x = first; x < max.x; x += step) {
    if (rising)
      draw->AddLine({x, max.y}, {x + h, min.y}, colour, thickness);
    else
      draw->AddLine({x, min.y}, {x + h, max.y}, colour, thickness);
  }
  draw->PopClipRect();
}

// Pixel columns that hold kernels too: as strong as they are idle. The strip below the lanes stays
// loud, so nothing is lost.
float column_alpha(float idle) {
  return 0.12f + 0.75f * idle;
}

void draw_bar(const TimelineCanvas& c, const TimelineVm& vm, const RowVm& row, const BarVm& bar) {
  const CategoryStyle& style = style_of(bar.category);
  const Palette& p = theme().colours;
  const float x0 = near_clip(c.origin.x + bar.x0, c);
  float x1 = near_clip(c.origin.x + bar.x1, c);
  const bool single = bar.count == 1;
  if (single && x1 - x0 > 3) x1 -= 1;  // a hairline between neighbours
  const float y0 = c.origin.y + row.y, y1 = y0 + row.h;
  // Merged bars are as solid as their time is busy.
  float alpha = single ? 1.0f : 0.35f + 0.65f * bar.busy;
  if (bar.dimmed) alpha *= 0.25f;
  c.draw->AddRectFilled({x0, y0}, {x1, y1}, u32(style.colour, alpha));
  if (x1 - x0 >= 5) draw_mark(c.draw, {x0, y0}, {x1, y1}, style.mark);
  if (theme().name == ThemeName::light && x1 - x0 > 4)
    c.draw->AddRect({x0, y0}, {x1, y1}, u32(mix(style.colour, p.text, 0.35f)));
  if (bar.label < 0) return;
  const std::string& label = vm.texts[static_cast<size_t>(bar.label)];
  const float tx = std::max(x0, c.min.x) + 6;
  c.draw->AddText(theme().fonts.mono, ImGui::GetFontSize() * kSmallPx / kTextPx,
                  {tx, y0 + (row.h - ImGui::GetFontSize()) / 2 + 1},
                  u32(p.on_bar, bar.dimmed ? 0.5f : 1.0f), label.data(),
                  label.data() + label.size());
}

void draw_rows(const TimelineCanvas& c, const TimelineVm& vm, const BandVm& band,
               const StackItem& item) {
  const Palette& p = theme().colours;
  for (uint32_t r = band.first_row; r < band.first_row + band.rows; ++r) {
    const RowVm& row = vm.rows[r];
    const float y = c.origin.y + row.y;
    c.draw->AddRectFilled({c.min.x, y}, {c.max.x, y + row.h}, u32(p.lane));
    if (row.first_of_lane) {
      const LaneRows& lane = lanes_of(item, row).lanes()[row.lane];
      Mono mono(kSmallPx);
      const ImVec2 at{c.min.x - c.gutter_px, y + (row.h - ImGui::GetFontSize()) / 2};
      c.draw->PushClipRect({at.x, y - 4}, {c.min.x - 4, y + row.h + 4});
      c.draw->AddText(at, u32(p.dim), lane.label.c_str());
      c.draw->PopClipRect();
    }
  }
  c.draw->PushClipRect(c.min, c.max, true);
  for (uint32_t r = band.first_row; r < band.first_row + band.rows; ++r) {
    const RowVm& row = vm.rows[r];
    for (uint32_t b = row.first_bar; b < row.first_bar + row.bars; ++b)
      draw_bar(c, vm, row, vm.bars[b]);
  }
  c.draw->PopClipRect();
}

void draw_overlays(const TimelineCanvas& c, const TimelineVm& vm, const BandVm& band) {
  const Palette& p = theme().colours;
  c.draw->PushClipRect(c.min, c.max, true);
  const float y0 = c.origin.y + band.rows_y - 2, y1 = c.origin.y + band.rows_y + band.rows_h + 2;
  const float s0 = c.origin.y + band.strip_y, s1 = s0 + 4;
  for (uint32_t i = band.first_overlay; i < band.first_overlay + band.overlays; ++i) {
    const OverlayVm& o = vm.overlays[i];
    const float x0 = near_clip(c.origin.x + o.x0, c), x1 = near_clip(c.origin.x + o.x1, c);
    draw_bubble(c.draw, {x0, y0}, {x1, y1}, o.kind, o.idle);
    const float strip = o.kind == BubbleKind::contiguous ? 0.25f
                        : o.kind == BubbleKind::dispatch ? 0.6f
                                                         : 1.0f;
    c.draw->AddRectFilled({x0, s0}, {x1, s1}, u32(colour_of(o.kind, p), strip));
  }
  for (uint32_t i = band.first_overlap; i < band.first_overlap + band.overlaps; ++i) {
    const OverlapVm& o = vm.overlaps[i];
    float top = 0, bottom = 0;
    bool seen = false;
    for (uint32_t r = band.first_row; r < band.first_row + band.rows; ++r) {
      if (vm.rows[r].host || vm.rows[r].lane != o.lane) continue;
      if (!seen) top = vm.rows[r].y;
      bottom = vm.rows[r].y + vm.rows[r].h;
      seen = true;
    }
    const ImVec2 a{near_clip(c.origin.x + o.x0, c), c.origin.y + top - 2},
        b{near_clip(c.origin.x + o.x1, c), c.origin.y + bottom + 2};
    c.draw->AddRectFilled(a, b, u32(p.overlap, b.x - a.x > 3 ? 0.16f : 0.5f));
    if (b.x - a.x > 3) c.draw->AddRect(a, b, u32(p.overlap, 0.8f));
  }
  Mono mono(kSmallPx);
  for (uint32_t i = band.first_label; i < band.first_label + band.labels; ++i) {
    const BubbleLabelVm& label = vm.labels[i];
    const float width = ImGui::CalcTextSize(label.text.c_str()).x;
    const float left = c.min.x + 2, right = std::max(left, c.max.x - width - 2);
    const float x = std::clamp(c.origin.x + label.x - width / 2, left, right);
    c.draw->AddText({x, s1 + 2}, u32(colour_of(label.kind, p)), label.text.c_str());
  }
  c.draw->PopClipRect();
}

}  // namespace

void draw_mark(ImDrawList* draw, ImVec2 min, ImVec2 max, Mark mark) {
  const ImU32 ink = IM_COL32(13, 16, 20, 120);
  const float t = 2;
  if (mark == Mark::top || mark == Mark::both)
    draw->AddRectFilled({min.x, min.y + t}, {max.x, min.y + 2 * t}, ink);
  if (mark == Mark::bottom || mark == Mark::both)
    draw->AddRectFilled({min.x, max.y - 2 * t}, {max.x, max.y - t}, ink);
  if (mark == Mark::centre) {
    const float y = (min.y + max.y) / 2;
    draw->AddRectFilled({min.x, y - t / 2}, {max.x, y + t / 2}, ink);
  }
}

void draw_bubble(ImDrawList* draw, ImVec2 min, ImVec2 max, BubbleKind kind, float idle) {
  const Palette& p = theme().colours;
  const Rgb c = colour_of(kind, p);
  const float width = max.x - min.x;
  switch (kind) {
    case BubbleKind::stall:
      draw->AddRectFilled(min, max, u32(c, width < 3 ? column_alpha(idle) : 0.22f));
      if (width < 3) return;
      diagonal(draw, min, max, 7, 2.2f, u32(c, 0.75f), true);
      draw->AddRect(min, max, u32(c));
      return;
    case BubbleKind::fence:
      draw->AddRectFilled(min, max, u32(c, width < 3 ? column_alpha(idle) : 0.25f));
      if (width < 3) return;
      diagonal(draw, min, max, 6, 1.4f, u32(c, 0.7f), false);
      draw->AddRect(min, max, u32(c, 0.9f));
      return;
    case BubbleKind::dispatch:
      draw->AddRectFilled(min, max, u32(c, width < 3 ? std::clamp(idle, 0.2f, 0.5f) : 0.25f));
      return;
    case BubbleKind::contiguous:
      if (width < 3) return;  // in the strip only: thousands of them would grey everything
      diagonal(draw, min, max, 5, 1, u32(c, 0.35f), true);
      return;
  }
}

void draw_grid(const TimelineCanvas& c, const TimelineVm& vm) {
  c.draw->PushClipRect(c.min, c.max, true);
  for (const TickVm& tick : vm.ticks) {
    const float x = std::round(c.origin.x + tick.x) + 0.5f;
    c.draw->AddLine({x, c.min.y}, {x, c.max.y}, u32(theme().colours.line, 0.6f));
  }
  c.draw->PopClipRect();
}

void draw_ruler(ImDrawList* draw, ImVec2 min, ImVec2 max, float lanes_x, const TimelineVm& vm) {
  Mono mono(kSmallPx);
  const Palette& p = theme().colours;
  draw->AddText({min.x, min.y}, u32(p.faint), vm.unit.c_str());
  draw->PushClipRect({lanes_x - 20, min.y}, max, true);
  for (const TickVm& tick : vm.ticks) {
    const float width = ImGui::CalcTextSize(tick.text.c_str()).x;
    const float x = lanes_x + tick.x - (tick.x < width ? 0 : width / 2);
    draw->AddText({x, min.y}, u32(p.faint), tick.text.c_str());
  }
  draw->PopClipRect();
}

void draw_bands(const TimelineCanvas& c, const TimelineVm& vm, const Stack& stack,
                const AppState& state) {
  const Palette& p = theme().colours;
  for (const BandVm& band : vm.bands) {
    const float y = c.origin.y + band.y;
    if (y > c.max.y || y + band.h < c.min.y) continue;
    const StackItem& item = stack.items[band.item];
    const bool selected = stack.keys[band.item] == state.selected;
    const ImVec2 at{c.min.x - c.gutter_px, y + 3};
    c.draw->PushClipRect({at.x, c.min.y}, c.max);
    c.draw->AddText(at, u32(selected && stack.keys.size() > 1 ? p.accent : p.text),
                    item.title.c_str());
    const float width = ImGui::CalcTextSize(item.title.c_str()).x;
    if (const float from = at.x + width + 10; from < c.max.x) {
      Ink ink(p.faint);
      ImGui::RenderTextEllipsis(c.draw, {from, at.y}, {c.max.x, at.y + ImGui::GetTextLineHeight()}, c.max.x, item.note.data(),
                                item.note.data() + item.note.size(), nullptr);
    }
    c.draw->PopClipRect();
    if (item.lanes->rows().empty())
      c.draw->AddText({c.min.x, y + 24}, u32(p.dim), "no GPU activity in this trace");
    draw_rows(c, vm, band, item);
    draw_overlays(c, vm, band);
  }
}

void draw_selection(const TimelineCanvas& c, const TimelineVm& vm, const Stack& stack,
                    const AppState& state, const TimelineStyle& style) {
  const auto at = std::ranges::find(stack.keys, state.selection.run);
  if (state.selection.kind == SelectionKind::none || at == stack.keys.end()) return;
  const auto item = static_cast<size_t>(at - stack.keys.begin());
  const BandVm& band = vm.bands[item];
  RectPx r;
  if (state.selection.kind == SelectionKind::event) {
    if (!locate(stack.items, vm, state.view, item, state.selection.index, style, &r)) return;
  } else {
    if (state.selection.index >= stack.items[item].bubbles->size()) return;
    const trace::Bubble b = stack.items[item].bubbles->at(state.selection.index);
    r.x0 = static_cast<float>(
        state.view.x_of(static_cast<double>(b.begin_ns - stack.items[item].origin_ns)));
    r.x1 = std::max(static_cast<float>(state.view.x_of(
                        static_cast<double>(b.end_ns - stack.items[item].origin_ns))),
                    r.x0 + 1);
    r.y0 = band.rows_y - 2;
    r.y1 = band.strip_y + style.strip_px;
  }
  c.draw->PushClipRect({c.min.x - 3, c.min.y}, {c.max.x + 3, c.max.y}, true);
  c.draw->AddRect({near_clip(c.origin.x + r.x0, c) - 1.5f, c.origin.y + r.y0 - 1.5f},
                  {near_clip(c.origin.x + r.x1, c) + 1.5f, c.origin.y + r.y1 + 1.5f},
                  u32(theme().colours.text), 2, 1.5f);
  c.draw->PopClipRect();
}

ImGuiID bar_item_id(RunKey key, trace::EventId event) {
  const uint32_t parts[] = {0xba2u, key, event};
  return ImHashData(parts, sizeof parts);
}

void register_bars(const TimelineCanvas& c, const TimelineVm& vm, const Stack& stack) {
  ImGuiContext& g = *GImGui;
  if (!g.TestEngineHookItems) return;
  for (const BandVm& band : vm.bands) {
    for (uint32_t r = band.first_row; r < band.first_row + band.rows; ++r) {
      const RowVm& row = vm.rows[r];
      for (uint32_t b = row.first_bar; b < row.first_bar + row.bars; ++b) {
        const BarVm& bar = vm.bars[b];
        if (bar.count != 1 || row.host) continue;
        const ImRect box({std::max(c.origin.x + bar.x0, c.min.x), c.origin.y + row.y},
                         {std::min(c.origin.x + bar.x1, c.max.x), c.origin.y + row.y + row.h});
        const RowMap& map = stack.items[band.item].lanes->rows()[row.row];
        const ImGuiID id = bar_item_id(stack.keys[band.item], map.id(bar.first));
        IMGUI_TEST_ENGINE_ITEM_ADD(id, box, nullptr);
        IMGUI_TEST_ENGINE_ITEM_INFO(
            id,
            std::string(stack.items[band.item].lanes->trace().name_of(map.at(bar.first))).c_str(),
            0);
      }
    }
  }
}

}  // namespace ui
