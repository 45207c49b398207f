#include "ui/layout.h"

#include <imgui_internal.h>

#include <algorithm>

namespace ui {
namespace {

struct Places {
  ImGuiID left_top, left_middle, left_bottom, centre, right, bottom;
  ImGuiID of(Dock dock) const {
    switch (dock) {
      case Dock::left_top:
        return left_top;
      case Dock::left_middle:
        return left_middle;
      case Dock::left_bottom:
        return left_bottom;
      case Dock::centre:
        return centre;
      case Dock::right:
        return right;
      case Dock::bottom:
        return bottom;
    }
    return centre;
  }
};

float share(float wanted_px, float of_px, float most) {
  return std::clamp(wanted_px / std::max(of_px, 1.0f), 0.05f, most);
}

}  // namespace

bool ensure_layout(ImGuiID dock_space, ImVec2 size, bool reset) {
  const ImGuiDockNode* node = ImGui::DockBuilderGetNode(dock_space);
  if (node && !node->IsLeafNode() && !reset) return false;
  if (node && !reset && !node->Windows.empty()) return false;
  const float scale = ImGui::GetStyle().FontScaleMain;
  ImGui::DockBuilderRemoveNode(dock_space);
  ImGui::DockBuilderAddNode(dock_space,
                            int{ImGuiDockNodeFlags_DockSpace} | ImGuiDockNodeFlags_AutoHideTabBar);
  ImGui::DockBuilderSetNodeSize(dock_space, size);
  Places at{};
  ImGuiID rest = dock_space, left = 0;
  ImGui::DockBuilderSplitNode(rest, ImGuiDir_Left, share(300 * scale, size.x, 0.3f), &left, &rest);
  ImGuiID upper = 0;
  ImGui::DockBuilderSplitNode(rest, ImGuiDir_Down, 0.40f, &at.bottom, &upper);
  const float upper_px = size.x - 300 * scale;
  ImGui::DockBuilderSplitNode(upper, ImGuiDir_Right,
                              share(size.x < 1400 ? 230 * scale : 290 * scale, upper_px, 0.3f),
                              &at.right, &at.centre);
  ImGuiID below = 0;
  ImGui::DockBuilderSplitNode(left, ImGuiDir_Up, share(290 * scale, size.y, 0.34f), &at.left_top, &below);
  ImGui::DockBuilderSplitNode(below, ImGuiDir_Down, 0.30f, &at.left_bottom, &at.left_middle);
  for (const Panel& panel : panels()) ImGui::DockBuilderDockWindow(panel.title, at.of(panel.dock));
  ImGui::DockBuilderFinish(dock_space);
  return true;
}

}  // namespace ui
