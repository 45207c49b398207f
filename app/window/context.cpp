#include "app/window/context.h"

#include <imgui.h>
#include <implot.h>

#include "app/window/fonts.h"

namespace app {

GuiContext::GuiContext(const std::string& layout_file) : m_layout_file(layout_file) {
  IMGUI_CHECKVERSION();
  ImGui::CreateContext();
  ImPlot::CreateContext();
  ImGuiIO& io = ImGui::GetIO();
  io.IniFilename = m_layout_file.empty() ? nullptr : m_layout_file.c_str();
  io.LogFilename = nullptr;
  io.ConfigFlags |= ImGuiConfigFlags_DockingEnable | ImGuiConfigFlags_NavEnableKeyboard;
  io.ConfigWindowsMoveFromTitleBarOnly = true;
  io.ConfigDockingAlwaysTabBar = false;
  io.ConfigDebugHighlightIdConflicts = false;  // for programmers; the tests turn it on
  load_fonts();
}

GuiContext::~GuiContext() {
  ImPlot::DestroyContext();
  ImGui::DestroyContext();
}

}  // namespace app
