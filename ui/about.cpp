#include "ui/about.h"

#include <imgui.h>

#include "ui/widgets.h"

namespace ui {
namespace {

struct Part {
  const char *name, *licence, *what;
};
// What is linked or embedded; versions are those of the distribution, or of .deps.
constexpr Part kParts[] = {
    {"Dear ImGui (docking)", "MIT", "the window"},
    {"ImPlot", "MIT", "charts"},
    {"imgui-command-palette", "MIT", "Ctrl+P"},
    {"portable-file-dialogs", "WTFPL", "the desktop's file dialogs"},
    {"GLFW 3", "zlib", "window and input"},
    {"SQLite, SQLiteCpp", "public domain, MIT", "the run store"},
    {"simdjson", "Apache-2.0", "reading traces"},
    {"nlohmann-json", "MIT", "small JSON files"},
    {"libdeflate, zlib, zstd", "MIT, zlib, BSD", "compression"},
    {"CLI11", "BSD-3-Clause", "the command line"},
    {"{fmt}", "MIT", "text"},
    {"Boost.Math", "BSL-1.0", "statistics"},
    {"stb_image_write", "MIT, public domain", "pictures"},
    {"Roboto", "Apache-2.0", "words"},
    {"Inconsolata", "OFL-1.1", "numbers"},
    {"Font Awesome 6 Free", "OFL-1.1", "symbols"},
};

}  // namespace

void about_window(const AppState& state, Actions& actions) {
  if (!state.show_about) return;
  const ImGuiViewport* view = ImGui::GetMainViewport();
  ImGui::SetNextWindowPos({view->WorkPos.x + view->WorkSize.x / 2, view->WorkPos.y + view->WorkSize.y / 2}, ImGuiCond_Always,
                          {0.5f, 0.5f});
  ImGui::PushStyleColor(ImGuiCol_WindowBg, vec4(theme().colours.raised));
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, 6);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {20, 16});
  if (ImGui::Begin("About", nullptr,
                   ImGuiWindowFlags_NoResize | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_AlwaysAutoResize | ImGuiWindowFlags_NoSavedSettings |
                       ImGuiWindowFlags_NoDocking | ImGuiWindowFlags_NoTitleBar)) {
    {
      Bold bold(kHeadPx);
      text("Decodescope");
    }
    dim(state.version + ", MIT licence");
    dim("The workbench for tuning LLM decode.");
    gap(3);
    if (ImGui::BeginTable("parts", 3, ImGuiTableFlags_SizingFixedFit)) {
      for (const Part& part : kParts) {
        ImGui::TableNextRow();
        ImGui::TableNextColumn();
        text(part.name);
        ImGui::TableNextColumn();
        dim(part.licence);
        ImGui::TableNextColumn();
        dim(part.what);
      }
      ImGui::EndTable();
    }
    gap(3);
    if (ImGui::Button("Copy version")) actions.push_back(action::CopyText{state.version});
    ImGui::SameLine();
    if (ImGui::Button("Close")) actions.push_back(action::ShowAbout{false});
  }
  ImGui::End();
  ImGui::PopStyleVar(2);
  ImGui::PopStyleColor();
}

}  // namespace ui
