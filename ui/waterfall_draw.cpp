#include "ui/waterfall_draw.h"

#include <imgui.h>

#include <algorithm>

#include "ui/widgets.h"

namespace ui {

void draw_waterfall(const WaterfallVm& vm) {
  const Palette& p = theme().colours;
  const float scale = ImGui::GetStyle().FontScaleMain, row_h = 19 * scale, bar_h = 12 * scale;
  float names = 0, figures = 0;
  for (const WaterfallBarVm& bar : vm.bars)
    names = std::max(names, ImGui::CalcTextSize(bar.name.c_str()).x);
  {
    Mono mono;
    for (const WaterfallBarVm& bar : vm.bars)
      figures = std::max(figures, ImGui::CalcTextSize(bar.text.c_str()).x);
  }
  const float width = ImGui::GetContentRegionAvail().x;
  const float left = names + 12, room = std::max(width - left - figures - 12, 40.0f);
  const double span = std::max<double>(static_cast<double>(vm.high_ns - vm.low_ns), 1);
  ImDrawList* draw = ImGui::GetWindowDrawList();
  for (const WaterfallBarVm& bar : vm.bars) {
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const auto px = [&](int64_t ns) {
      return at.x + left + static_cast<float>(static_cast<double>(ns - vm.low_ns) / span) * room;
    };
    const float x0 = px(std::min(bar.from_ns, bar.to_ns)),
                x1 = std::max(px(std::max(bar.from_ns, bar.to_ns)), x0 + 1);
    const float y = at.y + (row_h - bar_h) / 2,
                ty = at.y + (row_h - ImGui::GetTextLineHeight()) / 2;
    const Rgb c = bar.total ? p.text : bar.ns() > 0 ? p.stall : p.accent;
    draw->AddText({at.x + names - ImGui::CalcTextSize(bar.name.c_str()).x, ty}, u32(p.dim),
                  bar.name.c_str());
    draw->AddRectFilled({x0, y}, {x1, y + bar_h}, u32(c, bar.total ? 0.9f : 1.0f), 1);
    {
      Mono mono;
      draw->AddText({x1 + 6, ty}, u32(p.text), bar.text.c_str());
    }
    // Thin connector to the next bar: where this one ends, that one begins.
    if (!bar.total)
      draw->AddLine({px(bar.to_ns), y + bar_h}, {px(bar.to_ns), at.y + row_h + (row_h - bar_h) / 2},
                    u32(p.line));
    ImGui::PushID(bar.name.c_str());
    ImGui::InvisibleButton("bar", {width, row_h - ImGui::GetStyle().ItemSpacing.y + 6});
    ImGui::SetCursorScreenPos({at.x, at.y + row_h});
    ImGui::PopID();
    if (!bar.hint.empty() && ImGui::IsItemHovered()) ImGui::SetTooltip("%s", bar.hint.c_str());
  }
  ImGui::Dummy({0, 0});
}

}  // namespace ui
