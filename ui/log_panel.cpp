// Log: every notice since the window opened, newest first; a button copies all, right click copies one.
#include <imgui.h>

#include "ui/panels.h"
#include "ui/vm/format.h"
#include "ui/widgets.h"

namespace ui {

void draw_log(const AppState& state, UiMemory&, Actions& actions) {
  if (state.notices.empty()) {
    empty_state("Nothing to report.", "Imports, refusals and errors are listed here.");
    return;
  }
  const Palette& p = theme().colours;
  if (ImGui::SmallButton("Copy all")) {
    std::string all;
    for (const Notice& n : state.notices) all += number_text(n.at_s, 1) + " s  " + n.text + "\n";
    actions.push_back(action::CopyText{std::move(all)});
  }
  ImGui::SameLine();
  right(count_text(static_cast<int64_t>(state.notices.size())) + (state.notices.size() == 1 ? " line" : " lines"), p.faint);
  if (!ImGui::BeginTable("log", 2, kTableFlags | ImGuiTableFlags_ScrollY)) return;
  ImGui::TableSetupColumn("s");
  ImGui::TableSetupColumn("what", ImGuiTableColumnFlags_WidthStretch);
  ImGui::TableSetupScrollFreeze(0, 1);
  header_row(0b01);
  for (auto n = state.notices.rbegin(); n != state.notices.rend(); ++n) {
    ImGui::TableNextRow();
    cell(number_text(n->at_s, 1), p.dim);
    ImGui::TableNextColumn();
    ImGui::PushID(static_cast<int>(n->id));
    wrapped(n->text, n->kind == NoticeKind::error     ? p.stall
                     : n->kind == NoticeKind::warning ? p.fence
                                                      : p.text);
    copy_menu("copy", n->text, actions);
    ImGui::PopID();
  }
  ImGui::EndTable();
}

}  // namespace ui
