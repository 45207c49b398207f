// Kernel details: what the trace says about the selected event or bubble; and tooltips with the
// same content.
#include <imgui.h>

#include <algorithm>

#include "ui/details_draw.h"
#include "ui/panels.h"
#include "ui/vm/format.h"
#include "ui/vm/names.h"
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

void title_line(const DetailsVm& vm, Actions& actions) {
  Mono mono;
  wrapped(vm.title, theme().colours.text);
  if (ImGui::IsItemHovered()) ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
  copy_menu("title", vm.title, actions);
}

void body(const DetailsVm& vm, Actions& actions) {
  title_line(vm, actions);
  gap(1);
  for (const FieldVm& f : vm.fields) field(f.key, f.value, actions);
  if (!vm.note.empty()) {
    gap(2);
    wrapped(vm.note, theme().colours.dim);
  }
}

// Of an imported run what its report says, its collector's caveats among it; else those of the classifier alone.
void caveats(const RunAnalysis& a) {
  if (a.run->report) {
    gap(3);
    heading("Import report", a.run->report->format);
    for (const std::string& line : report_lines(*a.run->report)) wrapped(line, theme().colours.dim);
    return;
  }
  if (a.report->caveats.empty()) return;
  gap(3);
  heading("Collector says", a.trace().collector.name);
  for (const std::string& caveat : a.report->caveats) wrapped(caveat, theme().colours.dim);
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
      dim(vm.note);
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
  }
  caveats(a);
}

}  // namespace ui
