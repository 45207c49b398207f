#include "ui/timeline_scroll.h"

#include <imgui_internal.h>

#include <algorithm>
#include <cmath>

#include "ui/timeline_draw.h"

namespace ui {

float scrollbar_px() {
  return ImGui::GetStyle().ScrollbarSize;
}

void horizontal_scrollbar(const AppState& state, const Extent& content, float x, float width, Actions& actions) {
  const ImVec2 at{x, ImGui::GetCursorScreenPos().y};
  const float thick = scrollbar_px();
  // The view may hang over the content's ends; what it can reach then includes where it is.
  const auto first = std::min(static_cast<int64_t>(std::floor(state.view.begin_ns)), content.begin_ns);
  const auto last = std::max(static_cast<int64_t>(std::ceil(state.view.end_ns())), content.end_ns);
  const auto visible = std::max<int64_t>(static_cast<int64_t>(state.view.end_ns() - state.view.begin_ns), 1);
  const bool all = state.view.begin_ns <= static_cast<double>(content.begin_ns) && state.view.end_ns() >= static_cast<double>(content.end_ns);
  if (!all) {
    ImS64 scroll = static_cast<ImS64>(state.view.begin_ns) - first;
    const ImS64 before = scroll;
    const ImGuiID id = ImGui::GetID("scroll x");
    if (ImGui::ScrollbarEx(ImRect(at, {at.x + width, at.y + thick}), id, ImGuiAxis_X, &scroll, visible, last - first) && scroll != before)
      actions.push_back(action::SetViewport{pan(state.view, static_cast<double>(scroll - before) / state.view.ns_per_px, content)});
  }
  ImGui::SetCursorScreenPos({at.x, at.y + thick});
}

void vertical_scrollbar(ImVec2 min, ImVec2 max, float content_px, float& scroll_px) {
  auto scroll = static_cast<ImS64>(scroll_px);
  if (ImGui::ScrollbarEx(ImRect(min, max), ImGui::GetID("scroll y"), ImGuiAxis_Y, &scroll, static_cast<ImS64>(max.y - min.y),
                         static_cast<ImS64>(content_px)))
    scroll_px = static_cast<float>(scroll);
}

void minimap(const AppState& state, const Stack& stack, const Extent& content, float x, float width, UiMemory& memory, Actions& actions) {
  const float h = 14 * ImGui::GetStyle().FontScaleMain;
  ImGui::SetCursorScreenPos({x, ImGui::GetCursorScreenPos().y + 2});
  const ImVec2 at = ImGui::GetCursorScreenPos();
  std::vector<const void*> now;
  for (const StackItem& item : stack.items) now.push_back(item.bubbles);
  const int pixels = std::max(static_cast<int>(width), 1);
  const bool same = now == memory.minimap_of && memory.minimap.pixels.size() == static_cast<size_t>(pixels) &&
                    memory.minimap.content.begin_ns == content.begin_ns && memory.minimap.content.end_ns == content.end_ns;
  if (!same) {
    memory.minimap = make_minimap(stack.items, content, pixels);
    memory.minimap_of = std::move(now);
  }
  ImGui::InvisibleButton("minimap", {width, h});
  ImGui::SetItemTooltip("all of it, with the worst gap of each pixel; click or drag to go there");
  if (ImGui::IsItemActive() && content.ns() > 0) {
    const double middle = static_cast<double>(content.begin_ns) +
                          static_cast<double>((ImGui::GetMousePos().x - at.x) / width) * static_cast<double>(content.ns());
    const double shift_px = (middle - (state.view.begin_ns + state.view.end_ns()) / 2) / state.view.ns_per_px;
    if (std::fabs(shift_px) >= 0.5) actions.push_back(action::SetViewport{pan(state.view, shift_px, content)});
  }
  draw_minimap(ImGui::GetWindowDrawList(), at, {at.x + width, at.y + h}, memory.minimap, state.view);
}

}  // namespace ui
