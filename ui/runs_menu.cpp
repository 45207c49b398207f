#include "ui/runs_menu.h"

#include <imgui.h>

#include <algorithm>
#include <utility>

#include "ui/vm/format.h"
#include "ui/widgets.h"

namespace ui {

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

void picked_bar(const AppState& state, UiMemory& memory, Actions& actions) {
  // What was deleted meanwhile is no longer picked.
  std::erase_if(memory.picked, [&](int64_t id) { return std::ranges::none_of(state.store.runs, [id](const trace::Run& r) { return r.id == id; }); });
  if (memory.picked.empty()) return;
  dim(count_text(static_cast<int64_t>(memory.picked.size())) + " picked");
  ImGui::SameLine();
  if (ImGui::SmallButton("Open")) {
    for (const int64_t id : memory.picked) actions.push_back(action::OpenStored{id});
    memory.picked.clear();
  }
  ImGui::SetItemTooltip("stacks them on the timeline");
  if (memory.picked.size() == 2) {
    ImGui::SameLine(0, 4);
    if (ImGui::SmallButton("Compare")) {
      actions.push_back(action::CompareStored{memory.picked[0], memory.picked[1]});
      actions.push_back(action::FocusPanel{"Compare"});
    }
  }
  ImGui::SameLine(0, 4);
  if (ImGui::SmallButton("Export …")) actions.push_back(action::ExportBundle{memory.picked, {}});
  ImGui::SameLine(0, 4);
  if (ImGui::SmallButton("Delete")) {
    actions.push_back(action::DeleteStored{memory.picked});
    memory.picked.clear();
  }
}

void remember_import_area(UiMemory& memory, size_t which) {
  const ImVec2 at = ImGui::GetWindowPos(), size = ImGui::GetWindowSize();
  memory.import_areas[which] = {at.x, at.y, at.x + size.x, at.y + size.y};
}

}  // namespace ui
