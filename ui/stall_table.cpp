#include "ui/stall_table.h"

#include <imgui_internal.h>

#include <algorithm>

#include "ui/vm/bubbles_vm.h"
#include "ui/vm/format.h"
#include "ui/vm/names.h"
#include "ui/widgets.h"

namespace ui {
namespace {

using trace::BubbleKind;

const Annotation* annotation_at(const OpenRun& open, const trace::Bubble& b) {
  const auto at = std::ranges::find_if(open.annotations, [&](const Annotation& a) { return a.begin_ns == b.begin_ns && a.end_ns == b.end_ns; });
  return at == open.annotations.end() ? nullptr : &*at;
}

// The text that was written at a gap; a click opens a line to write it. On the timeline it is a flag.
void note_cell(const OpenRun& open, uint32_t bubble, bool shown, UiMemory& memory, Actions& actions) {
  const Annotation* note = annotation_at(open, open.analysis->bubbles->at(bubble));
  const Palette& p = theme().colours;
  if (note || shown) {
    ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {0, 0});
    ImGui::PushStyleVar(ImGuiStyleVar_FrameBorderSize, 0);
    ImGui::PushStyleColor(ImGuiCol_Button, {0, 0, 0, 0});
    Ink ink(note ? p.accent : p.faint);
    const int chars = static_cast<int>(ImGui::GetContentRegionAvail().x / theme().mono_char_px);
    const std::string label = (note ? clipped(note->text, std::max(chars, 6)) : std::string("annotate")) + "###annotate";
    if (ImGui::Button(label.c_str())) {
      std::snprintf(memory.annotation, sizeof memory.annotation, "%s", note ? note->text.c_str() : "");
      ImGui::OpenPopup("annotation");
    }
    ImGui::PopStyleColor();
    ImGui::PopStyleVar(2);
    if (note) ImGui::SetItemTooltip("%s", note->text.c_str());
  }
  if (!ImGui::BeginPopup("annotation")) return;
  ImGui::SetNextItemWidth(320 * ImGui::GetStyle().FontScaleMain);
  if (ImGui::IsWindowAppearing()) ImGui::SetKeyboardFocusHere();
  if (ImGui::InputTextWithHint("##text", "what this gap is; empty takes the note away", memory.annotation, sizeof memory.annotation,
                               ImGuiInputTextFlags_EnterReturnsTrue)) {
    actions.push_back(action::Annotate{open.key, bubble, memory.annotation});
    ImGui::CloseCurrentPopup();
  }
  ImGui::EndPopup();
}

void stall_line(const AppState& state, const OpenRun& open, const StallTableVm& vm, int i, bool wide, UiMemory& memory, Actions& actions) {
  const RunAnalysis& a = *open.analysis;
  const uint32_t bubble = vm.bubbles[static_cast<size_t>(i)];
  const StallRowVm row = stall_row(a, bubble, state.selection, open.key);
  ImGui::TableNextRow();
  ImGui::TableNextColumn();
  Mono mono;
  ImGui::SetNextItemAllowOverlap();
  const std::string label = std::to_string(i + 1) + "##stall";
  // Arrow keys walk the table and the timeline follows.
  if (ImGui::Selectable(label.c_str(), row.selected,
                        ImGuiSelectableFlags{ImGuiSelectableFlags_SpanAllColumns | ImGuiSelectableFlags_AllowOverlap | ImGuiSelectableFlags_SelectOnNav}))
    actions.push_back(action::SelectBubble{open.key, bubble, true});
  if (ImGui::IsItemHovered(ImGuiHoveredFlags_DelayNormal))
    ImGui::SetTooltip("%s\n%s", row.between.c_str(), with_micro(trace::evidence(a.trace(), a.bubbles->at(bubble))).c_str());
  ImGui::PushID(i);
  copy_menu("copy", row.at + " µs\t" + row.us + " µs\t" + row.lanes + "\t" + row.cause + "\t" + row.between, actions);
  if (wide) cell(row.at);
  cell(row.us, colour_of(vm.kind, theme().colours));
  if (wide) cell(row.lanes);
  ImGui::TableNextColumn();
  text(row.cause);
  ImGui::TableNextColumn();
  const int chars = static_cast<int>(ImGui::GetContentRegionAvail().x / theme().mono_char_px);
  text(middle_clipped(row.between, std::max(chars, 8)));
  if (ImGui::TableNextColumn()) note_cell(open, bubble, row.selected || ImGui::TableGetHoveredRow() == ImGui::TableGetRowIndex(), memory, actions);
  ImGui::PopID();
}

}  // namespace

void stall_table_panel(const AppState& state, const OpenRun& open, UiMemory& memory, Actions& actions) {
  const RunAnalysis& a = *open.analysis;
  const StallTableVm vm = stall_table(a);
  if (vm.bubbles.empty()) {
    if (a.devices.empty())
      empty_state("No GPU activity in this trace.",
                  "Record it with GPU activities (torch.profiler: ProfilerActivity.CUDA).");
    else
      dim("no gap at all in " + open.title);
    return;
  }
  std::string status = count_text(vm.total) + " · " + open.title;
  if (static_cast<int64_t>(vm.bubbles.size()) < vm.total)
    status = "the longest " + count_text(static_cast<int64_t>(vm.bubbles.size())) + " of " + status;
  heading(vm.kind == BubbleKind::stall
              ? "Stalls"
              : "No stalls; longest " + std::string(trace::to_string(vm.kind)) + " gaps",
          status);
  const float height =
      std::max(ImGui::GetContentRegionAvail().y, ImGui::GetTextLineHeightWithSpacing() * 4);
  // Narrow tables say only what a row is about; the details panel has the streams.
  const bool wide = ImGui::GetContentRegionAvail().x > 430 * ImGui::GetStyle().FontScaleMain;
  if (!ImGui::BeginTable(wide ? "stalls" : "stalls_narrow", wide ? 7 : 5, kTableFlags | ImGuiTableFlags_ScrollY, {0, height})) return;
  ImGui::TableSetupColumn("#");
  if (wide) ImGui::TableSetupColumn("at µs");
  ImGui::TableSetupColumn("µs");
  if (wide) ImGui::TableSetupColumn("streams");
  ImGui::TableSetupColumn("cause");
  ImGui::TableSetupColumn("between", ImGuiTableColumnFlags_WidthStretch, 0.7f);
  ImGui::TableSetupColumn("note", ImGuiTableColumnFlags_WidthStretch, 0.3f);
  ImGui::TableSetupScrollFreeze(0, 1);
  header_row(wide ? 0b0001110 : 0b00010);
  ImGuiListClipper clipper;
  clipper.Begin(static_cast<int>(vm.bubbles.size()));
  while (clipper.Step()) {
    for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) stall_line(state, open, vm, i, wide, memory, actions);
  }
  ImGui::EndTable();
}

void gap_note_line(const OpenRun& open, uint32_t bubble, UiMemory& memory, Actions& actions) {
  const Annotation* note = annotation_at(open, open.analysis->bubbles->at(bubble));
  if (memory.annotating != std::pair{open.key, bubble}) {
    memory.annotating = {open.key, bubble};
    std::snprintf(memory.gap_note, sizeof memory.gap_note, "%s", note ? note->text.c_str() : "");
  }
  ImGui::SetNextItemWidth(-1);
  if (ImGui::InputTextWithHint("##gap note", "annotate: Enter keeps it", memory.gap_note, sizeof memory.gap_note, ImGuiInputTextFlags_EnterReturnsTrue))
    actions.push_back(action::Annotate{open.key, bubble, memory.gap_note});
}

}  // namespace ui
