// Runs: what is open and what the store holds; open, stack, compare, star, note, delete with undo,
// export.
#include <imgui.h>

#include <algorithm>

#include "ui/panels.h"
#include "ui/runs_menu.h"
#include "ui/vm/format.h"
#include "ui/vm/names.h"
#include "ui/vm/runs_vm.h"
#include "ui/widgets.h"

namespace ui {
namespace {

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

}  // namespace

void draw_runs(const AppState& state, UiMemory& memory, Actions& actions) {
  remember_import_area(memory, 0);
  heading("Runs", state.store.available
                      ? count_text(static_cast<int64_t>(state.store.runs.size())) + " stored"
                      : state.store.problem);
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {6, 2});
  ImGui::SetNextItemWidth(-1);
  if (state.store.runs.size() + state.runs.size() > 5)
    ImGui::InputTextWithHint("##filter", "filter: name, model, tag, note", memory.run_filter,
                             sizeof memory.run_filter);
  ImGui::PopStyleVar();
  picked_bar(state, memory, actions);
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
  ImGuiListClipper clipper;
  clipper.Begin(static_cast<int>(rows.size()));
  // A row that is being edited is taller: then all are drawn.
  if (memory.editing_note != 0) clipper.IncludeItemsByIndex(0, static_cast<int>(rows.size()));
  while (clipper.Step()) {
    for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) run_row(state, rows[static_cast<size_t>(i)], memory, actions);
  }
  ImGui::EndTable();
}

}  // namespace ui
