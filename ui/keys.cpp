#include "ui/keys.h"

#include <imgui.h>

#include "ui/widgets.h"

namespace ui {
namespace {

struct KeyHelp {
  const char *keys, *what;
};
constexpr KeyHelp kHelp[] = {
    {"W S, wheel, ↑ ↓", "zoom in, out at the cursor"},
    {"A D, ← →, drag", "move"},
    {"Shift, Ctrl", "faster, finer"},
    {"F", "fit the selection, or everything"},
    {"Z", "zoom to the selection"},
    {"M", "keep the selection as a mark, or drop it"},
    {", .", "previous, next on the lane"},
    {"[ ]", "what it waited for, what waited for it"},
    {"N, Shift+N", "the longest gap, then the next longest; back"},
    {"drag on the ruler", "measure between edges; M keeps it"},
    {"P H", "critical path, launch calls"},
    {"/", "search; Enter and Shift+Enter walk through"},
    {"Esc", "clear search and selection"},
    {"Space", "pause or resume the engine"},
    {"Ctrl+O", "open a trace"},
    {"Ctrl+S", "save the selected run"},
    {"Ctrl+E", "export it: report or trace"},
    {"Ctrl+P", "commands"},
    {"Ctrl + − 0", "text size"},
    {"?", "this help"},
};

bool pressed(ImGuiKey key) {
  return ImGui::IsKeyPressed(key, false);
}

void command_keys(const AppState& state, UiMemory& memory, Actions& actions) {
  const auto chord = [](ImGuiKeyChord keys) { return ImGui::IsKeyChordPressed(keys); };
  if (chord(ImGuiMod_Ctrl | ImGuiKey_O)) actions.push_back(action::AskOpenFile{});
  if (chord(ImGuiMod_Ctrl | ImGuiKey_P)) memory.palette_open = true;
  if (chord(ImGuiMod_Ctrl | ImGuiKey_Q)) actions.push_back(action::Quit{});
  const OpenRun* run = state.find(state.selected);
  if (chord(ImGuiMod_Ctrl | ImGuiKey_S) && run && run->run->id == 0)
    actions.push_back(action::SaveRun{state.selected});
  if (chord(ImGuiMod_Ctrl | ImGuiKey_E) && run && run->run->trace)
    actions.push_back(action::ExportOpen{{state.selected}, {}});
  if (chord(ImGuiMod_Ctrl | ImGuiKey_Equal) ||
      chord(ImGuiMod_Ctrl | ImGuiMod_Shift | ImGuiKey_Equal))
    actions.push_back(action::SetFontScale{state.font_scale + 0.1f});
  if (chord(ImGuiMod_Ctrl | ImGuiKey_Minus))
    actions.push_back(action::SetFontScale{state.font_scale - 0.1f});
  if (chord(ImGuiMod_Ctrl | ImGuiKey_0)) actions.push_back(action::SetFontScale{1});
}

}  // namespace

void global_keys(const AppState& state, UiMemory& memory, Actions& actions) {
  command_keys(state, memory, actions);
  const ImGuiIO& io = ImGui::GetIO();
  if (io.WantTextInput || io.KeyCtrl || io.KeyAlt ||
      ImGui::IsPopupOpen(nullptr, ImGuiPopupFlags_AnyPopupId | ImGuiPopupFlags_AnyPopupLevel))
    return;
  const bool question = pressed(ImGuiKey_Slash) && io.KeyShift;
  if (question)
    actions.push_back(action::ShowHelp{!state.show_help});
  else if (pressed(ImGuiKey_Slash))
    memory.search_wants_focus = true;
  if (pressed(ImGuiKey_F))
    actions.push_back(state.selection.kind == SelectionKind::none ? Action(action::FitView{})
                                                                  : Action(action::FitSelection{}));
  if (pressed(ImGuiKey_Z)) actions.push_back(action::FitSelection{});
  if (pressed(ImGuiKey_M)) actions.push_back(action::ToggleMark{});
  if (ImGui::IsKeyPressed(ImGuiKey_Comma)) actions.push_back(action::StepOnLane{-1});
  if (ImGui::IsKeyPressed(ImGuiKey_Period)) actions.push_back(action::StepOnLane{1});
  if (pressed(ImGuiKey_Escape)) {
    if (state.show_about)
      actions.push_back(action::ShowAbout{false});
    else if (state.show_help)
      actions.push_back(action::ShowHelp{false});
    else
      actions.push_back(action::ClearSelection{});
    memory.search[0] = 0;
  }
  if (ImGui::IsKeyPressed(ImGuiKey_N)) actions.push_back(action::StepGap{io.KeyShift ? -1 : 1});
  if (pressed(ImGuiKey_LeftBracket)) actions.push_back(action::StepRelated{-1});
  if (pressed(ImGuiKey_RightBracket)) actions.push_back(action::StepRelated{1});
  const auto flip = [&](bool Show::*what) {
    Show show = state.show;
    show.*what = !(show.*what);
    actions.push_back(action::SetShow{show});
  };
  if (pressed(ImGuiKey_P)) flip(&Show::path);
  if (pressed(ImGuiKey_H)) flip(&Show::host);
  // A button that has the keyboard focus keeps its space bar.
  if (pressed(ImGuiKey_Space) && !ImGui::IsAnyItemFocused()) {
    if (state.session.phase == trace::reply::Phase::running) actions.push_back(action::Pause{});
    if (state.session.phase == trace::reply::Phase::paused) actions.push_back(action::Resume{});
  }
}

void help_window(const AppState& state, Actions& actions) {
  if (!state.show_help) return;
  const ImGuiViewport* view = ImGui::GetMainViewport();
  ImGui::SetNextWindowPos(
      {view->WorkPos.x + view->WorkSize.x / 2, view->WorkPos.y + view->WorkSize.y / 2},
      ImGuiCond_Always, {0.5f, 0.5f});
  ImGui::PushStyleColor(ImGuiCol_WindowBg, vec4(theme().colours.raised));
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, 6);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {20, 16});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1);
  bool open = true;
  if (ImGui::Begin("Keys", &open,
                   ImGuiWindowFlags_NoResize | ImGuiWindowFlags_NoMove |
                       ImGuiWindowFlags_AlwaysAutoResize | ImGuiWindowFlags_NoSavedSettings |
                       ImGuiWindowFlags_NoDocking | ImGuiWindowFlags_NoTitleBar)) {
    heading("Keys", "Esc closes");
    gap(2);
    if (ImGui::BeginTable("keys", 2, ImGuiTableFlags_SizingFixedFit)) {
      for (const KeyHelp& k : kHelp) {
        ImGui::TableNextRow();
        ImGui::TableNextColumn();
        Mono mono;
        text(k.keys);
        ImGui::TableNextColumn();
        ImGui::PushFont(theme().fonts.sans, 0);
        dim(k.what);
        ImGui::PopFont();
      }
      ImGui::EndTable();
    }
  }
  ImGui::End();
  ImGui::PopStyleVar(3);
  ImGui::PopStyleColor();
  if (!open) actions.push_back(action::ShowHelp{false});
}

}  // namespace ui
