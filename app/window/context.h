// An ImGui context with ImPlot, our fonts and our configuration, for as long as it lives.
#pragma once
#include <string>

struct ImGuiContext;

namespace app {

class GuiContext {
 public:
  // `layout_file`: where docking is remembered; empty = nowhere.
  explicit GuiContext(const std::string& layout_file);
  ~GuiContext();
  GuiContext(const GuiContext&) = delete;
  GuiContext& operator=(const GuiContext&) = delete;

 private:
  std::string m_layout_file;  // ImGui keeps a pointer to it
};

}  // namespace app
