// What lies over the bars: lines between them, marks, the range being measured; and the minimap below.
#include <algorithm>
#include <cmath>

#include "ui/theme.h"
#include "ui/timeline_draw.h"
#include "ui/vm/format.h"
#include "ui/widgets.h"

namespace ui {

using trace::BubbleKind;

namespace {

void dashed(ImDrawList* draw, ImVec2 a, ImVec2 b, ImU32 colour, float thickness) {
  const float length = std::hypot(b.x - a.x, b.y - a.y), dash = 5;
  if (length < 1) return;
  const ImVec2 unit{(b.x - a.x) / length, (b.y - a.y) / length};
  for (float at = 0; at < length; at += 2 * dash) {
    const float end = std::min(at + dash, length);
    draw->AddLine({a.x + unit.x * at, a.y + unit.y * at}, {a.x + unit.x * end, a.y + unit.y * end}, colour, thickness);
  }
}

// An S from one row to another with a head at its end.
void arrow(ImDrawList* draw, ImVec2 a, ImVec2 b, ImU32 colour, float thickness) {
  const float reach = std::clamp(std::fabs(b.x - a.x) / 2, 10.0f, 48.0f);
  draw->AddBezierCubic(a, {a.x + reach, a.y}, {b.x - reach, b.y}, b, colour, thickness, 16);
  draw->AddTriangleFilled(b, {b.x - 6, b.y - 3.5f}, {b.x - 6, b.y + 3.5f}, colour);
}

}  // namespace

void draw_links(const TimelineCanvas& c, const std::vector<LinkVm>& links) {
  const Palette& p = theme().colours;
  c.draw->PushClipRect(c.min, c.max, true);
  for (const LinkVm& link : links) {
    const ImVec2 a{near_clip(c.origin.x + link.x0, c), c.origin.y + link.y0}, b{near_clip(c.origin.x + link.x1, c), c.origin.y + link.y1};
    switch (link.kind) {
      case LinkKind::path:
        c.draw->AddLine(a, b, u32(p.text, 0.95f), 2.5f);
        break;
      case LinkKind::wait:
        dashed(c.draw, a, b, u32(p.stall), 2.5f);
        break;
      case LinkKind::hop:
        c.draw->AddLine(a, b, u32(p.text, 0.6f), 1.2f);
        break;
      case LinkKind::fork:
      case LinkKind::join:
        arrow(c.draw, a, b, u32(p.text, link.guessed ? 0.55f : 0.8f), 1.3f);
        break;
      case LinkKind::flow:
        arrow(c.draw, a, b, u32(p.accent, 0.9f), 1.6f);
        break;
    }
  }
  c.draw->PopClipRect();
}

void draw_minimap(ImDrawList* draw, ImVec2 min, ImVec2 max, const MinimapVm& vm, const Viewport& view) {
  const Palette& p = theme().colours;
  draw->AddRectFilled(min, max, u32(p.lane), 2);
  const float step = (max.x - min.x) / static_cast<float>(std::max<size_t>(vm.pixels.size(), 1));
  const auto same = [](const MinimapPixel& a, const MinimapPixel& b) {
    return a.kind == b.kind && a.busy == b.busy && std::fabs(a.idle - b.idle) < 0.06f;
  };
  for (size_t i = 0; i < vm.pixels.size();) {
    size_t end = i + 1;
    while (end < vm.pixels.size() && same(vm.pixels[end], vm.pixels[i])) ++end;
    const MinimapPixel& pixel = vm.pixels[i];
    const ImVec2 a{min.x + step * static_cast<float>(i), min.y}, b{min.x + step * static_cast<float>(end), max.y};
    if (pixel.busy) draw->AddRectFilled({a.x, a.y + 2}, {b.x, b.y - 2}, u32(mix(p.raised, p.text, 0.10f)));
    const auto kind = static_cast<BubbleKind>(pixel.kind);
    if (pixel.kind >= static_cast<int8_t>(BubbleKind::dispatch)) {
      const float loud = kind == BubbleKind::dispatch ? 0.35f : 0.55f;
      draw->AddRectFilled({a.x, a.y + 2}, {b.x, b.y - 2}, u32(colour_of(kind, p), loud + (1 - loud) * pixel.idle));
    }
    i = end;
  }
  const double scale = static_cast<double>(max.x - min.x) / static_cast<double>(std::max<int64_t>(vm.content.ns(), 1));
  const auto x_of = [&](double ns) {
    return std::clamp(min.x + static_cast<float>((ns - static_cast<double>(vm.content.begin_ns)) * scale), min.x, max.x);
  };
  const float x0 = std::min(x_of(view.begin_ns), max.x - 4), x1 = std::max(x_of(view.end_ns()), x0 + 4);
  draw->AddRectFilled({x0, min.y}, {x1, max.y}, u32(p.text, 0.10f), 2);
  draw->AddRect({x0, min.y}, {x1, max.y}, u32(p.text, 0.55f), 2, 1.2f);
}

namespace {

// A flag over the band of its run, with its text as far as the next one.
void draw_annotations(const TimelineCanvas& c, const AppState& state, const TimelineVm& vm, const Stack& stack) {
  const Palette& p = theme().colours;
  Mono mono(kSmallPx);
  for (const BandVm& band : vm.bands) {
    const OpenRun* run = state.find(stack.keys[band.item]);
    if (!run || run->annotations.empty()) continue;
    const float top = c.origin.y + band.rows_y - 4, bottom = c.origin.y + band.strip_y + 2;
    const auto x_of = [&](int64_t ns) { return near_clip(c.min.x + static_cast<float>(state.view.x_of(static_cast<double>(ns - stack.items[band.item].origin_ns))), c); };
    for (size_t i = 0; i < run->annotations.size(); ++i) {
      const Annotation& a = run->annotations[i];
      const float x0 = x_of(a.begin_ns), x1 = std::max(x_of(a.end_ns), x0 + 1);
      const float next = i + 1 < run->annotations.size() ? x_of(run->annotations[i + 1].begin_ns) : c.max.x;
      c.draw->AddLine({x0, top}, {x0, bottom}, u32(p.accent), 1.2f);
      c.draw->AddLine({x0, top}, {x1, top}, u32(p.accent), 2);
      const ImVec2 at{x0 + 3, top - ImGui::GetFontSize() - 1};
      c.draw->PushClipRect({x0, c.min.y}, {std::max(next - 4, x0), c.max.y}, true);
      c.draw->AddText(at, u32(p.accent), a.text.c_str());
      c.draw->PopClipRect();
    }
  }
}

}  // namespace

void draw_marks(const TimelineCanvas& c, const AppState& state, const TimelineVm& vm, const Stack& stack) {
  const Palette& p = theme().colours;
  c.draw->PushClipRect(c.min, c.max, true);
  for (const MarkState& mark : state.marks) {
    const float x0 = near_clip(
        c.min.x + static_cast<float>(state.view.x_of(static_cast<double>(mark.range.begin_ns))), c);
    const float x1 = near_clip(
        c.min.x + static_cast<float>(state.view.x_of(static_cast<double>(mark.range.end_ns))), c);
    c.draw->AddRectFilled({x0, c.min.y}, {x1, c.max.y}, u32(p.accent, 0.06f));
    c.draw->AddLine({x0, c.min.y}, {x0, c.max.y}, u32(p.accent, 0.5f));
    c.draw->AddLine({x1, c.min.y}, {x1, c.max.y}, u32(p.accent, 0.5f));
    Mono mono(kSmallPx);
    c.draw->AddText({x0 + 4, c.max.y - ImGui::GetFontSize() - 2}, u32(p.accent), mark.text.c_str());
  }
  draw_annotations(c, state, vm, stack);
  if (state.measure) {
    const float x0 = near_clip(c.min.x + static_cast<float>(state.view.x_of(static_cast<double>(state.measure->begin_ns))), c);
    const float x1 = near_clip(c.min.x + static_cast<float>(state.view.x_of(static_cast<double>(state.measure->end_ns))), c);
    c.draw->AddRectFilled({x0, c.min.y}, {x1, c.max.y}, u32(p.text, 0.05f));
    for (const float x : {x0, x1}) c.draw->AddLine({x, c.min.y}, {x, c.max.y}, u32(p.text, 0.8f));
    Bold bold;
    const std::string length = duration_text(state.measure->ns());
    const ImVec2 size = ImGui::CalcTextSize(length.c_str());
    const ImVec2 at{std::clamp((x0 + x1 - size.x) / 2, c.min.x + 4, c.max.x - size.x - 4), c.min.y + 3};
    c.draw->AddRectFilled({at.x - 5, at.y - 1}, {at.x + size.x + 5, at.y + size.y + 1}, u32(p.raised, 0.95f), 3);
    c.draw->AddText(at, u32(p.text), length.c_str());
  }
  c.draw->PopClipRect();
}

}  // namespace ui
