// Kernel details: what the trace says about the selected event or bubble; and tooltips with the
// same content.
#include <imgui.h>

#include <algorithm>

#include "ui/details_draw.h"
#include "ui/panels.h"
#include "ui/stall_table.h"
#include "ui/vm/format.h"
#include "ui/vm/names.h"
#include "ui/vm/spec_vm.h"
#include "ui/widgets.h"

namespace ui {
namespace {

void fields_table(const std::vector<FieldVm>& fields, bool mono_key) {
  if (fields.empty() || !ImGui::BeginTable("fields", 2, ImGuiTableFlags_SizingFixedFit)) return;
  for (const FieldVm& f : fields) {
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    if (mono_key) {
      Mono mono;
      text(f.key);
    } else {
      dim(f.key);
    }
    ImGui::TableNextColumn();
    Mono mono;
    text(f.value);
  }
  ImGui::EndTable();
}

// This kernel's durations over the run, the selected one marked.
void distribution(const AnalysisPtr& a, const trace::Event& e, UiMemory& memory) {
  constexpr int kBins = 24;
  memory.distribution.show(a, GroupBy::kernel, e.name, e.duration_ns(), kBins, false);
  const KernelHistogram& h = memory.distribution.histogram;
  if (h.count.empty()) return;
  int64_t total = 0, most = 1;
  for (const int64_t n : h.count) {
    total += n;
    most = std::max(most, n);
  }
  heading("In this run", count_text(total) + " ×");
  if (total < 2) {
    dim("the only one of this name");
    return;
  }
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float width = ImGui::GetContentRegionAvail().x,
              height = 64 * ImGui::GetStyle().FontScaleMain;
  const Palette& p = theme().colours;
  ImDrawList* draw = ImGui::GetWindowDrawList();
  const float step = width / kBins;
  for (int i = 0; i < kBins; ++i) {
    const int64_t n = h.count[static_cast<size_t>(i)];
    if (n == 0) continue;
    const float bar = std::max(height * static_cast<float>(n) / static_cast<float>(most), 2.0f);
    const ImVec2 a0{at.x + step * static_cast<float>(i), at.y + height - bar},
        a1{at.x + step * static_cast<float>(i + 1) - 2, at.y + height};
    draw->AddRectFilled(a0, a1, u32(i == h.marked_bin ? p.accent : mix(p.raised, p.text, 0.18f)),
                        1);
  }
  draw->AddLine({at.x, at.y + height + 0.5f}, {at.x + width, at.y + height + 0.5f}, u32(p.line));
  ImGui::Dummy({width, height + 2});
  Mono mono(kSmallPx);
  text_in(p.faint, duration_text(h.min_ns));
  ImGui::SameLine();
  right(duration_text(h.max_ns), p.faint);
}

// The full name, as long as it is, and a button that copies it.
void title_line(const DetailsVm& vm, Actions& actions) {
  const float button = ImGui::CalcTextSize("copy").x + 2 * kUnit;
  {
    Mono mono;
    Ink ink(theme().colours.text);
    ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + std::max(ImGui::GetContentRegionAvail().x - button - 8, 80.0f));
    text(vm.title);
    ImGui::PopTextWrapPos();
  }
  copy_menu("title", vm.title, actions);
  ImGui::SameLine(ImGui::GetCursorPosX() + ImGui::GetContentRegionAvail().x - button);
  Ink ink(theme().colours.dim);
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {kUnit, 0});
  if (ImGui::Button("copy###copy name")) actions.push_back(action::CopyText{vm.title});
  if (!vm.subtitle.empty()) ImGui::SetItemTooltip("%s", ("right click copies the symbol:\n" + vm.subtitle).c_str());
  copy_menu("symbol", vm.subtitle.empty() ? vm.title : vm.subtitle, actions);
  ImGui::PopStyleVar();
}

void body(const DetailsVm& vm, Actions& actions) {
  title_line(vm, actions);
  gap(1);
  for (const FieldVm& f : vm.fields) field(f.key, f.value, actions);
  if (!vm.note.empty()) {
    gap(2);
    wrapped(with_micro(vm.note), theme().colours.dim);
  }
}

// Of an imported run what its report says, its collector's caveats among it; else those of the classifier alone.
void caveats(const RunAnalysis& a) {
  if (a.run->report) {
    gap(3);
    heading("Import report", a.run->report->format);
    for (const std::string& line : report_lines(*a.run->report)) wrapped(with_micro(line), theme().colours.dim);
    return;
  }
  if (a.report->caveats.empty()) return;
  gap(3);
  heading("Collector says", a.trace().collector.name);
  for (const std::string& caveat : a.report->caveats) wrapped(with_micro(caveat), theme().colours.dim);
}

// All that an engine run was asked for and how it was recorded, with the command that does it again.
void specification(const trace::Run& run, UiMemory& memory, Actions& actions) {
  if (!run.spec) return;
  gap(2);
  if (fold("Specification###specification", memory.specification_open)) memory.specification_open = !memory.specification_open;
  if (!memory.specification_open) return;
  ImGui::PushID("specification");
  for (const FieldVm& f : spec_fields(run)) field(f.key, f.value, actions);
  if (const std::string command = record_command(*run.spec); !command.empty()) {
    gap(1);
    if (ImGui::SmallButton("Copy as a command")) actions.push_back(action::CopyText{command});
    ImGui::SetItemTooltip("%s", command.c_str());
  }
  ImGui::PopID();
}

}  // namespace

void draw_tooltip(const DetailsVm& vm) {
  if (vm.title.empty()) return;
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {10, 8});
  if (ImGui::BeginTooltip()) {
    {
      Mono mono;
      ImGui::PushTextWrapPos(ImGui::GetFontSize() * 32);
      text(vm.title.size() > 400 ? middle_clipped(vm.title, 400) : vm.title);
      ImGui::PopTextWrapPos();
    }
    fields_table(vm.fields, false);
    ImGui::PushID("names");
    fields_table(vm.table, true);
    ImGui::PopID();
    if (!vm.note.empty()) {
      ImGui::PushTextWrapPos(ImGui::GetFontSize() * 32);
      dim(with_micro(vm.note));
      ImGui::PopTextWrapPos();
    }
    ImGui::EndTooltip();
  }
  ImGui::PopStyleVar();
}

void draw_details(const AppState& state, UiMemory& memory, Actions& actions) {
  const OpenRun* open = state.find(state.selection.run);
  if (state.selection.kind == SelectionKind::none || !open || !open->analysis) {
    const OpenRun* shown = state.find(state.selected);
    heading(shown ? "Run" : "Details");
    if (!shown || !shown->analysis) {
      empty_state(
          "Nothing selected.",
          "Click a kernel or a bubble on the timeline. The keys , and . walk along its lane.");
      return;
    }
    body(run_details(*shown->run, *shown->analysis), actions);
    specification(*shown->run, memory, actions);
    caveats(*shown->analysis);
    gap(3);
    wrapped("Click a kernel or a bubble on the timeline for more about it.", theme().colours.faint);
    return;
  }
  const RunAnalysis& a = *open->analysis;
  if (state.selection.kind == SelectionKind::event &&
      state.selection.index < a.trace().events.size()) {
    heading("Kernel", open->title);
    body(event_details(a, state.selection.index), actions);
    gap(3);
    distribution(open->analysis, a.trace().events[state.selection.index], memory);
  } else if (state.selection.kind == SelectionKind::bubble &&
             state.selection.index < a.bubbles->size()) {
    heading("Bubble", open->title);
    body(bubble_details(a, state.selection.index), actions);
    gap(2);
    gap_note_line(*open, state.selection.index, memory, actions);
  }
  caveats(a);
}

}  // namespace ui
