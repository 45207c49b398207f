#include "ui/about.h"

#include <imgui.h>

#include <algorithm>

#include "ui/widgets.h"

namespace ui {
namespace {

// As high as the window leaves room for: it scrolls then.
void parts_table(const std::vector<Component>& parts) {
  const float row = ImGui::GetTextLineHeight() + 2 * ImGui::GetStyle().CellPadding.y;
  const float room = ImGui::GetMainViewport()->WorkSize.y - 200 * ImGui::GetStyle().FontScaleMain;
  const float height = std::min(row * static_cast<float>(parts.size() + 1), std::max(room, 4 * row));
  if (!ImGui::BeginTable("parts", 4, ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_ScrollY, {620 * ImGui::GetStyle().FontScaleMain, height})) return;
  for (const char* title : {"made with", "version", "licence", "for"}) ImGui::TableSetupColumn(title);
  ImGui::TableSetupScrollFreeze(0, 1);
  header_row(0);
  for (const Component& part : parts) {
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    text(part.name);
    ImGui::TableNextColumn();
    {
      Mono mono;
      text(part.version);
    }
    ImGui::TableNextColumn();
    dim(part.licence);
    ImGui::TableNextColumn();
    dim(part.what);
  }
  ImGui::EndTable();
}

std::string as_text(const AppState& state) {
  std::string all = state.version + ", MIT licence\n";
  for (const Component& part : state.components) all += part.name + " " + part.version + ", " + part.licence + "\n";
  return all;
}

}  // namespace

void about_window(const AppState& state, Actions& actions) {
  if (!state.show_about) return;
  const ImGuiViewport* view = ImGui::GetMainViewport();
  ImGui::SetNextWindowPos({view->WorkPos.x + view->WorkSize.x / 2, view->WorkPos.y + view->WorkSize.y / 2}, ImGuiCond_Always,
                          {0.5f, 0.5f});
  ImGui::PushStyleColor(ImGuiCol_WindowBg, vec4(theme().colours.raised));
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, 6);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {20, 16});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1);
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
    ImGui::PushStyleColor(ImGuiCol_TableHeaderBg, vec4(theme().colours.raised));
    parts_table(state.components);
    ImGui::PopStyleColor();
    gap(3);
    if (ImGui::Button("Copy version")) actions.push_back(action::CopyText{state.version});
    ImGui::SameLine();
    if (ImGui::Button("Copy all")) actions.push_back(action::CopyText{as_text(state)});
    ImGui::SameLine();
    if (ImGui::Button("Close")) actions.push_back(action::ShowAbout{false});
  }
  ImGui::End();
  ImGui::PopStyleVar(3);
  ImGui::PopStyleColor();
}

}  // namespace ui
