#include "ui/command_palette.h"

#include <imcmd_command_palette.h>
#include <imgui.h>

#include "ui/shell.h"
#include "ui/theme.h"
#include "ui/vm/toggles_vm.h"

namespace ui {
namespace {

// Where the chosen command's action goes: valid while command_palette() runs, as callbacks do only
// then.
Actions* g_sink = nullptr;

void add(std::string name, Action what) {
  ImCmd::AddCommand({.Name = std::move(name), .InitialCallback = [what = std::move(what)] {
                       if (g_sink) g_sink->push_back(what);
                     }});
}

void add_runs(const AppState& state) {
  for (const OpenRun& run : state.runs) {
    add("Show on timeline: " + run.title, action::StackRun{run.key, true});
    add("Select: " + run.title, action::SelectRun{run.key});
    if (!run.live) add("Close: " + run.title, action::CloseRun{run.key});
    if (run.run->trace && !run.live) add("Export report or trace: " + run.title, action::ExportOpen{{run.key}, {}});
    if (run.run->id == 0) add("Save: " + run.title, action::SaveRun{run.key});
  }
  for (const trace::Run& run : state.store.runs)
    add("Open stored run: " + run.name + " (" + std::to_string(run.id) + ")",
        action::OpenStored{run.id});
}

void add_engine(const AppState& state) {
  using trace::reply::Phase;
  const Phase phase = state.session.phase;
  if (phase == Phase::idle) {
    add("Start engine", action::StartSession{});
    return;
  }
  add("Stop engine", action::StopSession{});
  if (phase == Phase::running) add("Pause", action::Pause{});
  if (phase == Phase::paused) {
    add("Resume", action::Resume{});
    add("Single step", action::SingleStep{});
  }
  add("Record", action::Record{});
  add("Mark this step", action::MarkStep{});
  for (const ToggleRowVm& row : toggle_rows(state)) {
    if (!row.enabled) continue;
    add("A/B: " + row.name, action::RunAb{{row.key}, false});
    for (int v = 0; v < static_cast<int>(row.values.size()); ++v) {
      if (v != row.index)
        add("Set " + row.name + " to " + row.values[static_cast<size_t>(v)],
            action::SetToggle{row.key, v});
    }
  }
}

void add_window(const AppState& state) {
  add("Open trace …", action::AskOpenFile{});
  add("Fit everything", action::FitView{});
  add("Zoom to selection", action::FitSelection{});
  add("Go to the longest gap, then the next", action::StepGap{1});
  const auto show = [&](const char* on, const char* off, bool Show::*what) {
    Show next = state.show;
    next.*what = !(next.*what);
    add(next.*what ? on : off, action::SetShow{next});
  };
  show("Show the critical path", "Hide the critical path", &Show::path);
  show("Show launch calls", "Hide launch calls", &Show::host);
  show("Show fork and join arrows", "Hide fork and join arrows", &Show::arrows);
  add(state.lens ? "Lens: as recorded" : "Lens: device stamps", action::SetLens{!state.lens});
  add("Import into the store …", action::ImportFiles{});
  if (state.compare.result) add("Export comparison …", action::ExportOpen{{state.compare.a, state.compare.b}, {}});
  add("Larger text", action::SetFontScale{state.font_scale + 0.1f});
  add("Smaller text", action::SetFontScale{state.font_scale - 0.1f});
  add("About Decodescope", action::ShowAbout{true});
  add("Align runs by their start", action::SetAlign{});
  add("Align runs by a decode step", action::SetAlign{{.by = AlignBy::step}});
  add("Align runs by a layer", action::SetAlign{{.by = AlignBy::layer}});
  add(state.theme == ThemeName::dark ? "Light theme" : "Dark theme",
      action::SetTheme{state.theme == ThemeName::dark ? ThemeName::light : ThemeName::dark});
  add("Reset layout", action::ResetLayout{});
  add("Keys", action::ShowHelp{true});
  add("Quit", action::Quit{});
  for (const Panel& panel : panels())
    add(std::string("Show ") + panel.title, action::FocusPanel{panel.title});
}

}  // namespace

void command_palette(const AppState& state, UiMemory& memory, Actions& actions) {
  if (!memory.palette_open) {
    if (ImCmd::GetCurrentContext()) {
      ImCmd::RemoveAllCaches();   // its context does not free what it keeps of each palette
      ImCmd::DestroyContext();
    }
    return;
  }
  if (!ImCmd::GetCurrentContext()) {
    ImCmd::CreateContext();
    add_window(state);
    add_engine(state);
    add_runs(state);
    ImCmd::SetStyleColor(ImCmdTextType_Highlight, u32(theme().colours.accent));
    ImCmd::SetNextCommandPaletteSearchBoxFocused();
  }
  g_sink = &actions;
  ImGui::PushStyleColor(ImGuiCol_WindowBg, vec4(theme().colours.raised));
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, 6);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1);
  ImCmd::CommandPaletteWindow("CommandPalette", &memory.palette_open);
  ImGui::PopStyleVar(2);
  ImGui::PopStyleColor();
  g_sink = nullptr;
  if (ImGui::IsKeyPressed(ImGuiKey_Escape)) memory.palette_open = false;
}

}  // namespace ui
