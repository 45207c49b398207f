#include "ui/sketch_draw.h"

#include <imgui.h>

#include <algorithm>

#include "ui/widgets.h"

namespace ui {
namespace {

// The rest is told by name: x_scale changes a dozen buffers in one way. Fewer in a low window, so that nothing scrolls.
size_t most_rows() { return ImGui::GetMainViewport()->Size.y < 840 * ImGui::GetStyle().FontScaleMain ? 3 : 5; }

// Strokes from lower left to upper right, clipped to the bar.
void hatch(ImDrawList* draw, ImVec2 a, ImVec2 b, ImU32 colour) {
  draw->PushClipRect(a, b, true);
  const float h = b.y - a.y;
  for (float x = a.x - h; x < b.x; x += 6) draw->AddLine({x, b.y}, {x + h, a.y}, colour, 1.5f);
  draw->PopClipRect();
}

void outline_dashed(ImDrawList* draw, ImVec2 a, ImVec2 b, ImU32 colour) {
  for (float x = a.x; x < b.x; x += 7)
    for (const float y : {a.y + 0.5f, b.y - 0.5f}) draw->AddLine({x, y}, {std::min(x + 4, b.x), y}, colour, 1.2f);
  draw->AddLine(a, {a.x, b.y}, colour, 1.2f);
  draw->AddLine({b.x, a.y}, b, colour, 1.2f);
}

// Its length is its share of the largest buffer; its filling says what it is.
void bar(const SketchBufferVm& use, float width) {
  const Palette& p = theme().colours;
  const ImVec2 a = ImGui::GetCursorScreenPos();
  const float height = 9;
  const ImVec2 b{a.x + std::max(static_cast<float>(use.share) * width, 8.0f), a.y + height};
  ImDrawList* draw = ImGui::GetWindowDrawList();
  switch (use.role) {
    case BufferRole::absent:
      break;
    case BufferRole::allocated:
      draw->AddRectFilled(a, b, u32(mix(p.raised, p.dispatch, 0.55f)), 2);
      break;
    case BufferRole::cache:
      draw->AddRectFilled(a, b, u32(mix(p.raised, p.dim, 0.55f)), 2);
      break;
    case BufferRole::copied:
      draw->AddRectFilled(a, b, u32(mix(p.raised, p.stall, 0.30f)), 2);
      hatch(draw, a, b, u32(p.stall, 0.9f));
      break;
    case BufferRole::filled:
      draw->AddRectFilled(a, b, u32(mix(p.raised, p.fence, 0.30f)), 2);
      hatch(draw, a, b, u32(p.fence, 0.9f));
      break;
    case BufferRole::viewed:
      draw->AddRectFilled(a, b, u32(mix(p.panel, p.accent, 0.12f)), 2);
      outline_dashed(draw, a, b, u32(p.accent));
      break;
  }
  ImGui::Dummy({width, height});
}

void side(const std::string& name, const SketchBufferVm& use, float width) {
  const Palette& p = theme().colours;
  ImGui::PushFont(nullptr, kSmallPx);
  {
    Mono mono(kSmallPx);
    text_in(use.role == BufferRole::absent ? p.faint : p.text, name);
    ImGui::SameLine(0, 10);
    text_in(p.faint, use.role == BufferRole::absent ? "not touched" : use.size);
  }
  if (use.role != BufferRole::absent) {
    bar(use, width);
    ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + width);
    const Rgb told = use.role == BufferRole::copied ? p.stall : use.role == BufferRole::filled ? p.fence : p.dim;
    if (!use.by.empty()) text_in(told, use.by);
    const float together = ImGui::CalcTextSize(use.by.c_str()).x + 14 + ImGui::CalcTextSize(use.to.c_str()).x;
    if (!use.by.empty() && !use.to.empty() && together < width) ImGui::SameLine(0, 14);
    if (!use.to.empty()) text_in(use.role == BufferRole::viewed ? p.accent : p.dim, use.to);
    ImGui::PopTextWrapPos();
  }
  ImGui::PopFont();
  gap(1);
}

void buffers(const SketchVm& vm, float width) {
  if (vm.buffers.empty()) return;
  if (!ImGui::BeginTable("buffers", 2, ImGuiTableFlags_SizingFixedSame | ImGuiTableFlags_BordersInnerV, {width, 0})) return;
  const float column = (width - 24) / 2;
  ImGui::TableSetupColumn("before", ImGuiTableColumnFlags_WidthFixed, column);
  ImGui::TableSetupColumn("after", ImGuiTableColumnFlags_WidthFixed, column);
  ImGui::TableNextRow();
  for (const std::string* value : {&vm.before, &vm.after}) {
    ImGui::TableNextColumn();
    dim(value == &vm.before ? "before:" : "after:");
    ImGui::SameLine(0, 6);
    text(*value);
  }
  const size_t most = most_rows();
  for (size_t i = 0; i < std::min(vm.buffers.size(), most); ++i) {
    const SketchRowVm& row = vm.buffers[i];
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    side(row.name, row.before, column);
    ImGui::TableNextColumn();
    side(row.name, row.after, column);
  }
  ImGui::EndTable();
  if (vm.buffers.size() <= most) return;
  std::string rest = "and";
  for (size_t i = most; i < vm.buffers.size(); ++i) rest += (i > most ? ", " : " ") + vm.buffers[i].name;
  ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + width);
  text_in(theme().colours.faint, rest);
  ImGui::PopTextWrapPos();
}

}  // namespace

void draw_pipeline(const std::vector<SketchLaunchVm>& launches, bool lanes, float width) {
  const Palette& p = theme().colours;
  Mono mono(kSmallPx);
  const float gap_px = 12, text_px = ImGui::GetTextLineHeight(), line = (lanes ? 2 : 1) * (text_px + 3) + (lanes ? 6 : 2);
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImDrawList* draw = ImGui::GetWindowDrawList();
  float x = 0, y = 0;
  for (const SketchLaunchVm& launch : launches) {
    const ImVec2 size = ImGui::CalcTextSize(launch.name.c_str());
    if (x > 0 && x + size.x + 5 > width) x = 0, y += line;
    const int stream = launch.side < 0 ? launch.stream_before : launch.stream_after;
    const ImVec2 a{at.x + x + 5, at.y + y + (lanes && stream > 0 ? text_px + 3 : 0)};
    const Rgb ink = launch.side < 0 ? p.stall : launch.side > 0 ? p.accent : p.dim;
    if (launch.stream_before >= 0 || launch.stream_after >= 0)
      draw->AddRectFilled({a.x - 5, a.y + 2}, {a.x - 2, a.y + text_px - 1}, u32(style_of(launch.category).colour));
    draw->AddText(a, u32(ink), launch.name.c_str());
    const float rule = launch.side < 0 ? a.y + size.y / 2 + 1 : a.y + size.y;
    if (launch.side != 0) draw->AddLine({a.x, rule}, {a.x + size.x, rule}, u32(ink), 1.3f);
    if (lanes && launch.joins) draw->AddLine({a.x - 8, at.y + y}, {a.x - 8, at.y + y + 2 * (text_px + 3)}, u32(p.fence), 1.5f);
    x += size.x + gap_px;
  }
  ImGui::Dummy({width, launches.empty() ? 0 : y + line});
}

void draw_sketch(const SketchVm& vm, float width) {
  buffers(vm, width);
  for (const std::string& form : vm.forms) {
    Mono mono(kSmallPx);
    ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + width);
    dim(form);
    ImGui::PopTextWrapPos();
  }
  const bool changes = std::ranges::any_of(vm.pipeline, [](const SketchLaunchVm& l) { return l.side != 0; });
  if (!changes && !vm.lanes) {
    text_in(theme().colours.faint, "the same launches in the same order");
    return;
  }
  gap(1);
  draw_pipeline(vm.lanes ? vm.pipeline : around_changes(vm.pipeline, 3), vm.lanes, width);
}

}  // namespace ui
