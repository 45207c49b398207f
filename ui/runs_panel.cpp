// Runs: what is open and what the store holds; open, stack, compare, star, note, delete with undo,
// export.
#include <imgui.h>

#include <algorithm>
#include <utility>

#include "ui/panels.h"
#include "ui/vm/format.h"
#include "ui/vm/names.h"
#include "ui/vm/runs_vm.h"
#include "ui/widgets.h"

namespace ui {
namespace {

void pick(UiMemory& memory, int64_t id) {
  const auto at = std::ranges::find(memory.picked, id);
  if (at == memory.picked.end())
    memory.picked.push_back(id);
  else
    memory.picked.erase(at);
}

void stored_menu(const RunRowVm& row, UiMemory& memory, Actions& actions) {
  if (ImGui::MenuItem(row.starred ? "Remove star" : "Star"))
    actions.push_back(action::StarStored{row.id, !row.starred});
  if (ImGui::MenuItem("Tags …")) {
    memory.editing_note = row.id;
    memory.note_wants_focus = memory.editing_tags = true;
    std::snprintf(memory.note, sizeof memory.note, "%s", row.tags.c_str());
  }
  if (ImGui::MenuItem("Note …")) {
    memory.editing_tags = false;
    memory.editing_note = row.id;
    memory.note_wants_focus = true;
    std::snprintf(memory.note, sizeof memory.note, "%s", row.note.c_str());
  }
  if (ImGui::MenuItem("Export bundle …")) actions.push_back(action::ExportBundle{{row.id}, {}});
  if (ImGui::MenuItem("Delete")) actions.push_back(action::DeleteStored{{row.id}});
}

void row_menu(const AppState& state, const RunRowVm& row, UiMemory& memory, Actions& actions) {
  if (!ImGui::BeginPopupContextItem("menu")) return;
  if (row.key == kNoRun) {
    if (ImGui::MenuItem("Open")) actions.push_back(action::OpenStored{row.id});
  } else {
    if (ImGui::MenuItem("On the timeline", nullptr, row.stacked))
      actions.push_back(action::StackRun{row.key, !row.stacked});
    for (const OpenRun& other : state.runs) {
      if (other.key == row.key || other.live) continue;
      const std::string label = "Compare with " + other.title;
      if (ImGui::MenuItem(label.c_str())) actions.push_back(action::Compare{row.key, other.key});
    }
    if (row.unsaved && ImGui::MenuItem("Save to the store"))
      actions.push_back(action::SaveRun{row.key});
    if (!row.live && ImGui::MenuItem("Close")) actions.push_back(action::CloseRun{row.key});
  }
  if (row.spec && state.session.phase == trace::reply::Phase::idle && state.session.connected &&
      ImGui::MenuItem("Record again with these settings"))
    actions.push_back(action::RecordAgain{*row.spec});
  if (row.id != 0) {
    ImGui::Separator();
    stored_menu(row, memory, actions);
  }
  ImGui::Separator();
  if (ImGui::MenuItem("Copy")) actions.push_back(action::CopyText{row.hint});
  ImGui::EndPopup();
}

void note_line(const RunRowVm& row, UiMemory& memory, Actions& actions) {
  if (memory.editing_note != row.id || row.id == 0) return;
  ImGui::SetNextItemWidth(-1);
  if (std::exchange(memory.note_wants_focus, false)) ImGui::SetKeyboardFocusHere();
  if (ImGui::InputTextWithHint("##note", memory.editing_tags ? "tags, separated by spaces" : "note", memory.note,
                               sizeof memory.note, ImGuiInputTextFlags_EnterReturnsTrue)) {
    if (memory.editing_tags) actions.push_back(action::TagStored{row.id, memory.note});
    else actions.push_back(action::NoteStored{row.id, memory.note});
    memory.editing_note = 0;
  }
  if (ImGui::IsItemDeactivated()) memory.editing_note = 0;
}

// What scripts call the row by.
std::string row_name(const RunRowVm& row) {
  return row.id != 0 ? "###run " + std::to_string(row.id) : "###open " + std::to_string(row.key);
}

void run_row(const AppState& state, const RunRowVm& row, UiMemory& memory, Actions& actions) {
  const Palette& p = theme().colours;
  ImGui::TableNextRow();
  ImGui::PushID(static_cast<int>(row.key));
  ImGui::PushID(static_cast<int>(row.id));
  if (row.stacked)
    ImGui::TableSetBgColor(ImGuiTableBgTarget_RowBg0, u32(p.accent, row.selected ? 0.16f : 0.08f));
  ImGui::TableNextColumn();
  const bool picked =
      row.id != 0 && std::ranges::find(memory.picked, row.id) != memory.picked.end();
  const std::string tail = row.unsaved ? " *" : "";
  const int chars = static_cast<int>(ImGui::GetContentRegionAvail().x / theme().mono_char_px) -
                    static_cast<int>(tail.size()) - (row.starred ? 2 : 0);
  const std::string label =
      (row.starred ? "\xef\x80\x85 " : "") + clipped(row.name, std::max(chars, 6)) + tail;
  bool activated = false;
  {
    Mono mono;
    Ink ink(row.key != kNoRun ? p.text : p.dim);
    activated = ImGui::Selectable(
        (label + row_name(row)).c_str(), picked,
        ImGuiSelectableFlags_SpanAllColumns | ImGuiSelectableFlags_AllowDoubleClick);
  }
  if (activated) {
    if (ImGui::GetIO().KeyCtrl && row.id != 0)
      pick(memory, row.id);
    else if (row.key == kNoRun)
      actions.push_back(action::OpenStored{row.id});
    else if (row.selected || !row.stacked)
      actions.push_back(action::StackRun{row.key, !row.stacked});
    else
      actions.push_back(action::SelectRun{row.key});
  }
  if (ImGui::IsItemHovered(ImGuiHoveredFlags_DelayNormal))
    ImGui::SetTooltip("%s", row.hint.c_str());
  row_menu(state, row, memory, actions);
  note_line(row, memory, actions);
  cell(row.time, row.key != kNoRun ? p.text : p.dim);
  ImGui::PopID();
  ImGui::PopID();
}

void picked_bar(UiMemory& memory, Actions& actions) {
  if (memory.picked.empty()) return;
  dim(count_text(static_cast<int64_t>(memory.picked.size())) + " picked");
  ImGui::SameLine();
  if (ImGui::SmallButton("Open")) {
    for (const int64_t id : memory.picked) actions.push_back(action::OpenStored{id});
    memory.picked.clear();
  }
  ImGui::SameLine(0, 4);
  if (ImGui::SmallButton("Export …")) actions.push_back(action::ExportBundle{memory.picked, {}});
  ImGui::SameLine(0, 4);
  if (ImGui::SmallButton("Delete")) {
    actions.push_back(action::DeleteStored{memory.picked});
    memory.picked.clear();
  }
}

}  // namespace

void draw_runs(const AppState& state, UiMemory& memory, Actions& actions) {
  heading("Runs", state.store.available
                      ? count_text(static_cast<int64_t>(state.store.runs.size())) + " stored"
                      : state.store.problem);
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {6, 2});
  ImGui::SetNextItemWidth(-1);
  if (state.store.runs.size() + state.runs.size() > 5)
    ImGui::InputTextWithHint("##filter", "filter: name, model, tag, note", memory.run_filter,
                             sizeof memory.run_filter);
  ImGui::PopStyleVar();
  picked_bar(memory, actions);
  const std::vector<RunRowVm> rows = run_rows(state, memory.run_filter);
  if (rows.empty()) {
    empty_state(memory.run_filter[0] ? "No run matches." : "No runs yet.",
                memory.run_filter[0] ? "" : "Record one, or drop a trace file on the window.");
    return;
  }
  if (!ImGui::BeginTable("runs", 2, kTableFlags | ImGuiTableFlags_ScrollY)) return;
  ImGui::TableSetupColumn("run", ImGuiTableColumnFlags_WidthStretch);
  ImGui::TableSetupColumn("µs");
  ImGui::TableSetupScrollFreeze(0, 1);
  header_row(0b10);
  for (const RunRowVm& row : rows) run_row(state, row, memory, actions);
  ImGui::EndTable();
}

}  // namespace ui
