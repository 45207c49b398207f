#include "ui/shell.h"

#include <imgui.h>
#include <imgui_internal.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "ui/about.h"
#include "ui/command_palette.h"
#include "ui/keys.h"
#include "ui/layout.h"
#include "ui/timeline_draw.h"
#include "ui/vm/format.h"
#include "ui/vm/session_vm.h"
#include "ui/widgets.h"

namespace ui {
namespace {

constexpr ImGuiWindowFlags kBarFlags = ImGuiWindowFlags_NoScrollbar |
                                       ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoNav |
                                       ImGuiWindowFlags_NoDocking;

size_t index_of(const Panel& panel) {
  return static_cast<size_t>(&panel - panels().data());
}

void file_menu(const AppState& state, Actions& actions) {
  if (!ImGui::BeginMenu("File")) return;
  if (ImGui::MenuItem("Open trace …", "Ctrl+O")) actions.push_back(action::AskOpenFile{});
  if (ImGui::BeginMenu("Recent", !state.recent_files.empty())) {
    for (const std::string& file : state.recent_files) {
      if (ImGui::MenuItem(file.c_str())) actions.push_back(action::OpenFiles{{file}});
    }
    ImGui::EndMenu();
  }
  if (ImGui::MenuItem("Import into the store …", nullptr, false, state.store.available))
    actions.push_back(action::ImportFiles{});
  const OpenRun* run = state.find(state.selected);
  if (ImGui::MenuItem("Save run to the store", "Ctrl+S", false, run && run->run->id == 0))
    actions.push_back(action::SaveRun{state.selected});
  if (ImGui::MenuItem("Export bundle …", nullptr, false, run && run->run->id != 0))
    actions.push_back(action::ExportBundle{{run->run->id}, {}});
  if (ImGui::MenuItem("Export report or trace …", "Ctrl+E", false, run && run->run->trace))
    actions.push_back(action::ExportOpen{{state.selected}, {}});
  if (ImGui::MenuItem("Export comparison …", nullptr, false, state.compare.result != nullptr))
    actions.push_back(action::ExportOpen{{state.compare.a, state.compare.b}, {}});
  if (ImGui::MenuItem("Close run", nullptr, false, run && !run->live))
    actions.push_back(action::CloseRun{state.selected});
  ImGui::Separator();
  if (ImGui::MenuItem("Quit", "Ctrl+Q")) actions.push_back(action::Quit{});
  ImGui::EndMenu();
}

void view_menu(const AppState& state, UiMemory& memory, Actions& actions) {
  if (!ImGui::BeginMenu("View")) return;
  for (const Panel& panel : panels()) {
    bool& closed = memory.closed[index_of(panel)];
    if (ImGui::MenuItem(panel.title, nullptr, !closed)) {
      closed = !closed;
      if (!closed) focus_panel(memory, panel.title);
    }
  }
  ImGui::Separator();
  if (ImGui::MenuItem("Dark theme", nullptr, state.theme == ThemeName::dark))
    actions.push_back(action::SetTheme{ThemeName::dark});
  if (ImGui::MenuItem("Light theme", nullptr, state.theme == ThemeName::light))
    actions.push_back(action::SetTheme{ThemeName::light});
  if (ImGui::MenuItem("Larger text", "Ctrl++"))
    actions.push_back(action::SetFontScale{state.font_scale + 0.1f});
  if (ImGui::MenuItem("Smaller text", "Ctrl+-"))
    actions.push_back(action::SetFontScale{state.font_scale - 0.1f});
  if (ImGui::MenuItem("Normal text", "Ctrl+0")) actions.push_back(action::SetFontScale{1});
  ImGui::Separator();
  if (ImGui::MenuItem("Reset layout")) actions.push_back(action::ResetLayout{});
  ImGui::EndMenu();
}

// Filled pill: what the engine does right now.
void phase_pill(const SessionState& session) {
  const PhaseVm vm = phase_vm(session);
  const Palette& p = theme().colours;
  const ImVec2 size = ImGui::CalcTextSize(vm.title.c_str());
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float bar = ImGui::GetWindowHeight(), y = ImGui::GetWindowPos().y + (bar - size.y) / 2,
              pad = 9;
  const bool lit = vm.mood == Mood::good, warm = vm.mood == Mood::busy;
  ImDrawList* draw = ImGui::GetWindowDrawList();
  const ImVec2 a{at.x, y - 3}, b{at.x + size.x + 2 * pad, y + size.y + 3};
  draw->AddRectFilled(a, b, lit ? u32(p.accent) : warm ? u32(p.fence) : u32(p.raised), 11);
  if (!lit && !warm) draw->AddRect(a, b, u32(p.line), 11);
  draw->AddText({at.x + pad, y},
                lit || warm
                    ? u32(theme().name == ThemeName::dark ? p.background : Rgb{255, 255, 255})
                    : u32(p.dim),
                vm.title.c_str());
  ImGui::Dummy({size.x + 2 * pad, size.y});
  if (vm.what.empty()) return;
  ImGui::SameLine(0, 10);
  const ImVec2 c = ImGui::GetCursorScreenPos(), words = ImGui::CalcTextSize(vm.what.c_str());
  draw->AddRect({c.x, y - 3}, {c.x + words.x + 2 * pad, y + words.y + 3}, u32(p.line), 11);
  draw->AddText({c.x + pad, y}, u32(p.dim), vm.what.c_str());
  ImGui::Dummy({words.x + 2 * pad, words.y});
}

void top_bar(const AppState& state, UiMemory& memory, Actions& actions) {
  const float height = ImGui::GetFrameHeight() + 6;
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {8, (height - ImGui::GetFontSize()) / 2});
  const bool open = ImGui::BeginViewportSideBar("##top", ImGui::GetMainViewport(), ImGuiDir_Up,
                                                height, kBarFlags | ImGuiWindowFlags_MenuBar);
  if (open && ImGui::BeginMenuBar()) {
    ImGui::PopStyleVar();
    {
      Bold bold;
      text("Decodescope");
    }
    ImGui::SameLine(0, 12);
    file_menu(state, actions);
    view_menu(state, memory, actions);
    if (ImGui::BeginMenu("Help")) {
      if (ImGui::MenuItem("Keys", "?")) actions.push_back(action::ShowHelp{true});
      if (ImGui::MenuItem("Commands", "Ctrl+P")) memory.palette_open = true;
      if (ImGui::MenuItem("About Decodescope")) actions.push_back(action::ShowAbout{true});
      ImGui::EndMenu();
    }
    ImGui::SameLine(0, 12);
    phase_pill(state.session);
    static constexpr const char* kHints = "Ctrl+P commands   / search   ? keys";
    const float width = ImGui::CalcTextSize(kHints).x;
    if (ImGui::GetContentRegionAvail().x > width + 24) {
      ImGui::SameLine(ImGui::GetWindowWidth() - width - 24);
      dim(kHints);
      if (ImGui::IsItemHovered()) ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
      if (ImGui::IsItemClicked()) memory.palette_open = true;
    }
    ImGui::EndMenuBar();
  } else {
    ImGui::PopStyleVar();
  }
  const ImVec2 at = ImGui::GetWindowPos();
  ImGui::GetWindowDrawList()->AddLine({at.x, at.y + height - 0.5f},
                                      {at.x + ImGui::GetWindowWidth(), at.y + height - 0.5f},
                                      u32(theme().colours.line));
  ImGui::End();
}

void jobs_line(const AppState& state, Actions& actions) {
  for (const JobState& job : state.jobs) {
    ImGui::SameLine(0, 16);
    dim(job.title);
    ImGui::SameLine(0, 6);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float w = 72, h = 5, y = at.y + (ImGui::GetTextLineHeight() - h) / 2;
    ImDrawList* draw = ImGui::GetWindowDrawList();
    draw->AddRectFilled({at.x, y}, {at.x + w, y + h}, u32(theme().colours.raised), 2);
    // Unknown length: a short bar that wanders.
    const float f = static_cast<float>(job.fraction),
                wander = static_cast<float>(std::fmod(state.now_s, 1.5) / 1.5) * (w - 20);
    if (f >= 0)
      draw->AddRectFilled({at.x, y}, {at.x + w * std::min(f, 1.0f), y + h},
                          u32(theme().colours.accent), 2);
    else
      draw->AddRectFilled({at.x + wander, y}, {at.x + wander + 20, y + h},
                          u32(theme().colours.accent), 2);
    ImGui::Dummy({w, ImGui::GetTextLineHeight()});
    if (!job.cancellable) continue;
    ImGui::SameLine(0, 6);
    ImGui::PushID(static_cast<int>(job.id));
    dim("cancel");
    if (ImGui::IsItemHovered()) ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
    if (ImGui::IsItemClicked()) actions.push_back(action::CancelJob{job.id});
    ImGui::PopID();
  }
}

// What the patterns on the timeline mean, with the thresholds in force.
void kinds_line(const trace::Thresholds& t) {
  const std::array<std::string, trace::kBubbleKinds> words{
      "contiguous ≤ " + duration_text(t.contiguous_ns), "dispatch < " + duration_text(t.fence_ns),
      "fence < " + duration_text(t.stall_ns), "stall ≥ " + duration_text(t.stall_ns)};
  const float side = ImGui::GetFontSize() * 0.75f;
  for (int k = trace::kBubbleKinds - 1; k >= 0; --k) {
    ImGui::SameLine(0, 14);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float y = at.y + (ImGui::GetTextLineHeight() - side) / 2;
    draw_bubble(ImGui::GetWindowDrawList(), {at.x, y}, {at.x + side, y + side},
                static_cast<trace::BubbleKind>(k), 1);
    ImGui::Dummy({side, ImGui::GetTextLineHeight()});
    ImGui::SameLine(0, 5);
    dim(words[static_cast<size_t>(k)]);
  }
}

void status_bar(const AppState& state, Actions& actions) {
  const float height = ImGui::GetTextLineHeight() + 8;
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {12, 4});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowMinSize, {1, 1});
  if (ImGui::BeginViewportSideBar("##status", ImGui::GetMainViewport(), ImGuiDir_Down, height,
                                  kBarFlags)) {
    ImGui::PushFont(nullptr, kSmallPx);
    const OpenRun* run = state.find(state.selected);
    const std::string source = !run               ? "no run open"
                               : run->run->trace ? run->run->trace->source
                                                 : run->title;
    dim(std::string_view(source).substr(source.find_last_of('/') + 1));
    if (source.find('/') != std::string::npos) ImGui::SetItemTooltip("%s", source.c_str());
    ImGui::SameLine(0, 20);
    kinds_line(state.thresholds);
    jobs_line(state, actions);
    const std::string frame = "frame " + number_text(state.frame_ms, 1) + " ms";
    const std::string store = state.store.available ? "   store " + bytes_text(state.store.bytes) : std::string();
    ImGui::SameLine();
    // What does not fit is left out.
    const float room = ImGui::GetContentRegionAvail().x;
    for (const std::string& tail : {frame + store, frame}) {
      if (ImGui::CalcTextSize(tail.c_str()).x > room) continue;
      right(tail, theme().colours.dim);
      break;
    }
    ImGui::PopFont();
  }
  const ImVec2 at = ImGui::GetWindowPos();
  ImGui::GetWindowDrawList()->AddLine(at, {at.x + ImGui::GetWindowWidth(), at.y},
                                      u32(theme().colours.line));
  ImGui::End();
  ImGui::PopStyleVar(2);
}

void panel_windows(const AppState& state, UiMemory& memory, Actions& actions) {
  for (const Panel& panel : panels()) {
    if (memory.closed[index_of(panel)]) continue;
    if (memory.focus_frames > 0 && memory.focus == panel.title) {
      ImGui::SetNextWindowFocus();
      --memory.focus_frames;
    }
    const ImGuiWindowFlags still =
        ImGuiWindowFlags_NoScrollbar | ImGuiWindowFlags_NoScrollWithMouse;
    const bool open =
        ImGui::Begin(panel.title, nullptr,
                     ImGuiWindowFlags_NoCollapse | (panel.dock == Dock::centre ? still : 0));
    if (open) panel.draw(state, memory, actions);
    ImGui::End();
  }
}

// The newest notices in the corner; errors stay until they are dismissed.
void notices(const AppState& state, Actions& actions) {
  const ImGuiViewport* view = ImGui::GetMainViewport();
  float y = view->WorkPos.y + view->WorkSize.y - 12;
  int shown = 0;
  for (auto n = state.notices.rbegin(); n != state.notices.rend() && shown < 4; ++n) {
    if (n->dismissed || (n->kind == NoticeKind::info && state.now_s - n->at_s > 6)) continue;
    ++shown;
    ImGui::SetNextWindowPos({view->WorkPos.x + view->WorkSize.x - 12, y}, ImGuiCond_Always, {1, 1});
    ImGui::SetNextWindowSizeConstraints({280, 0}, {460, 400});
    ImGui::PushStyleColor(ImGuiCol_WindowBg, vec4(theme().colours.raised));
    ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, 6);
    ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1);
    const std::string id = "##notice" + std::to_string(n->id);
    ImGui::Begin(id.c_str(), nullptr,
                 ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_AlwaysAutoResize |
                     ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoFocusOnAppearing |
                     ImGuiWindowFlags_NoDocking | ImGuiWindowFlags_NoNav);
    const Palette& p = theme().colours;
    const Rgb ink = n->kind == NoticeKind::error     ? p.stall
                    : n->kind == NoticeKind::warning ? p.fence
                                                     : p.text;
    ImGui::PushTextWrapPos(436);
    text_in(ink, n->text);
    ImGui::PopTextWrapPos();
    if (ImGui::SmallButton("Copy")) actions.push_back(action::CopyText{n->text});
    ImGui::SameLine();
    if (n->offers_undo) {
      if (ImGui::SmallButton("Undo")) actions.push_back(action::UndoDelete{});
      ImGui::SameLine();
    }
    if (ImGui::SmallButton("Dismiss")) actions.push_back(action::DismissNotice{n->id});
    y -= ImGui::GetWindowHeight() + 8;
    ImGui::End();
    ImGui::PopStyleVar(2);
    ImGui::PopStyleColor();
  }
}

}  // namespace

void focus_panel(UiMemory& memory, std::string_view title) {
  memory.focus = title;
  memory.focus_frames = 2;  // the first frame of a docked window may come before its node exists
  for (const Panel& panel : panels()) {
    if (title == panel.title) memory.closed[index_of(panel)] = false;
  }
}

void draw_window(const AppState& state, UiMemory& memory, Actions& actions) {
  update_theme_metrics();
  top_bar(state, memory, actions);
  status_bar(state, actions);
  const ImGuiViewport* view = ImGui::GetMainViewport();
  const ImGuiID space = ImGui::GetID("decodescope");
  if (ensure_layout(space, view->WorkSize, std::exchange(memory.reset_layout, false)) &&
      memory.focus_frames == 0)
    focus_panel(memory, "Bubbles");
  ImGui::DockSpaceOverViewport(
      space, view, ImGuiDockNodeFlags_AutoHideTabBar | ImGuiDockNodeFlags_NoDockingOverCentralNode);
  panel_windows(state, memory, actions);
  notices(state, actions);
  global_keys(state, memory, actions);
  help_window(state, actions);
  about_window(state, actions);
  command_palette(state, memory, actions);
}

}  // namespace ui
