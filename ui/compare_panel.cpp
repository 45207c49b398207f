// Compare: where the difference between two runs comes from, to the nanosecond; kernels matched by
// name; what else differs.
#include <imgui.h>

#include <algorithm>
#include <array>

#include "trace/kernel_names.h"
#include "ui/panels.h"
#include "ui/vm/compare_vm.h"
#include "ui/vm/format.h"
#include "ui/vm/names.h"
#include "ui/vm/toggles_vm.h"
#include "ui/waterfall_draw.h"
#include "ui/widgets.h"

namespace ui {
namespace {

void run_choice(const AppState& state, const char* id, RunKey chosen, RunKey other, bool is_a, float width,
                Actions& actions) {
  const OpenRun* run = state.find(chosen);
  ImGui::SetNextItemWidth(width);
  if (!ImGui::BeginCombo(id, run ? run->title.c_str() : "choose a run")) return;
  for (const OpenRun& open : state.runs) {
    if (!open.analysis || open.live) continue;
    ImGui::PushID(static_cast<int>(open.key));
    if (ImGui::Selectable(open.title.c_str(), open.key == chosen) && open.key != other) {
      actions.push_back(is_a ? action::Compare{open.key, other} : action::Compare{other, open.key});
    }
    ImGui::PopID();
  }
  ImGui::EndCombo();
}

// "5 → 7", or the one value if both sides agree or only one has any.
std::string pair_text(const std::string& a, const std::string& b) {
  if (a == b || b == kNothing) return a;
  return a == kNothing ? b : a + " → " + b;
}

void match_row(const char* table, const MatchRowVm& row, bool intervals, UiMemory& memory, Actions& actions) {
  const bool in_both = std::string_view(table) == "matched";
  const Palette& p = theme().colours;
  ImGui::TableNextRow();
  ImGui::TableNextColumn();
  {
    Mono mono;
    const float room = ImGui::GetContentRegionAvail().x;
    const int chars = std::max(static_cast<int>(room / theme().mono_char_px), 8);
    const std::string shown = row.op.empty() ? std::string(unqualified(row.name)) : row.op;
    const std::string label = middle_clipped(shown, chars) + "###" + table;
    if (ImGui::Selectable(label.c_str(), in_both && memory.matched == row.name, ImGuiSelectableFlags_SpanAllColumns) && in_both)
      memory.matched = row.name;
  }
  if (ImGui::IsItemHovered(ImGuiHoveredFlags_DelayNormal)) {
    ImGui::SetTooltip("%s", row.name.substr(0, 600).c_str());
  }
  copy_menu("copy", row.name, actions);
  cell(pair_text(row.a_count, row.b_count));
  cell(pair_text(row.a_median, row.b_median));
  if (intervals) cell(row.interval.empty() ? std::string(kNothing) : row.interval, theme().colours.dim);
  cell(pair_text(row.a_total, row.b_total));
  cell(row.delta, row.delta_ns > 0 ? p.stall : row.delta_ns < 0 ? p.accent : p.dim);
}

void match_table(const char* id, const char* title, const std::vector<MatchRowVm>& rows,
                 bool intervals, UiMemory& memory, Actions& actions) {
  if (rows.empty()) return;
  heading(title, std::to_string(rows.size()));
  if (!ImGui::BeginTable(id, intervals ? 6 : 5, kTableFlags)) return;
  ImGui::TableSetupColumn("kernel", ImGuiTableColumnFlags_WidthStretch);
  ImGui::TableSetupColumn("count");
  ImGui::TableSetupColumn("median µs");
  if (intervals) ImGui::TableSetupColumn("Δ median, 95 %");
  ImGui::TableSetupColumn("total µs");
  ImGui::TableSetupColumn("Δ µs");
  header_row(intervals ? 0b111110 : 0b11110);
  ImGuiListClipper clipper;
  clipper.Begin(static_cast<int>(rows.size()));
  while (clipper.Step()) {
    for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
      ImGui::PushID(i);
      match_row(id, rows[static_cast<size_t>(i)], intervals, memory, actions);
      ImGui::PopID();
    }
  }
  ImGui::EndTable();
  gap(2);
}

// Durations of one matched kernel on both sides, on one logarithmic scale.
void distributions(const AppState& state, const UiMemory& memory) {
  const MatchSamples* samples = state.compare.samples.get();
  if (!samples || samples->names.empty()) return;
  const auto at = std::ranges::find(samples->names, memory.matched);
  const size_t i = at == samples->names.end() ? 0 : static_cast<size_t>(at - samples->names.begin());
  const std::vector<int64_t>&a = samples->a_ns[i], &b = samples->b_ns[i];
  if (a.empty() || b.empty()) return;
  const MedianDelta& d = samples->delta[i];
  std::string status = "Δ median " + signed_text(d.delta_us, 2) + " µs";
  if (d.has_interval) status += " (95 %: " + signed_text(d.lo_us, 2) + " … " + signed_text(d.hi_us, 2) + ")";
  heading("Durations: " + middle_clipped(trace::bare_kernel_name(samples->names[i]), 40), status);
  const int64_t least = std::min(*std::ranges::min_element(a), *std::ranges::min_element(b));
  const int64_t most = std::max(*std::ranges::max_element(a), *std::ranges::max_element(b));
  constexpr int kBins = 60;
  const Palette& p = theme().colours;
  const float width = ImGui::GetContentRegionAvail().x, height = 26 * ImGui::GetStyle().FontScaleMain, step = width / kBins;
  for (const bool second : {false, true}) {
    const KernelHistogram h = kernel_histogram(second ? b : a, kBins, -1, least, most);
    const int64_t tallest = std::max<int64_t>(*std::ranges::max_element(h.count), 1);
    const OpenRun* run = state.find(second ? state.compare.b : state.compare.a);
    const std::string words = (run ? run->title : std::string(second ? "second" : "first")) + " · " + count_text(static_cast<int64_t>((second ? b : a).size())) + " ×";
    ImGui::PushFont(nullptr, kSmallPx);
    dim(words);
    ImGui::PopFont();
    const ImVec2 from = ImGui::GetCursorScreenPos();
    ImDrawList* draw = ImGui::GetWindowDrawList();
    for (int bin = 0; bin < kBins; ++bin) {
      const int64_t n = h.count[static_cast<size_t>(bin)];
      if (n == 0) continue;
      const float bar = std::max(height * static_cast<float>(n) / static_cast<float>(tallest), 2.0f), x = from.x + step * static_cast<float>(bin);
      draw->AddRectFilled({x, from.y + height - bar}, {x + std::max(step - 1, 1.0f), from.y + height}, u32(second ? p.accent : p.dim));
    }
    draw->AddLine({from.x, from.y + height}, {from.x + width, from.y + height}, u32(p.line));
    ImGui::Dummy({width, height + 2});
  }
  Mono mono(kSmallPx);
  text_in(p.faint, duration_text(least));
  ImGui::SameLine();
  right(duration_text(most), p.faint);
  gap(2);
}

// What an A/B of these very two runs proved; else what a single recording of each can't say.
void verdict(const AppState& state) {
  const Palette& p = theme().colours;
  const trace::Run *a = state.compare.run_a.get(), *b = state.compare.run_b.get();
  if (!a || !b) return;
  const auto ab = state.abs.find(a->ab_id);
  const bool arms = a->ab_id != 0 && a->ab_id == b->ab_id && ab != state.abs.end();
  if (arms) {
    heading("A/B of these two", "");
    const std::vector<std::string> lines = ab_lines(*ab->second);
    for (size_t i = 0; i < lines.size(); ++i) wrapped(lines[i], i == 0 ? p.text : p.dim);
  } else {
    dim("One recording of each: no interval, no verdict.");
    ImGui::SetItemTooltip("differences of the size of the machine's noise mean nothing here;\nan A/B of a switch (Toggles) measures that noise and gives an interval");
  }
}

void scope_choice(const CompareState& c, const CompareVm& vm, Actions& actions) {
  static constexpr std::array<std::pair<const char*, CompareScope>, 3> kScopes{
      {{"all", CompareScope::all}, {"step", CompareScope::step}, {"layer", CompareScope::layer}}};
  ImGui::SameLine();
  const bool roomy = ImGui::GetContentRegionAvail().x > 170 * ImGui::GetStyle().FontScaleMain;
  if (!roomy) ImGui::NewLine();
  for (const auto& [label, scope] : kScopes) {
    // A second line where the runs take the first.
    if (scope != CompareScope::all || roomy) ImGui::SameLine(0, scope == CompareScope::all ? 16.0f : 4.0f);
    if (pill(label, c.used == scope)) actions.push_back(action::SetCompareScope{scope});
  }
  ImGui::SameLine();
  ImGui::AlignTextToFramePadding();
  if (c.unavailable.empty()) dim(vm.scope);
  else text_in(theme().colours.fence, c.unavailable);
}

// What else differs between the two, and what their collectors do not let compare: before the figures, which it qualifies.
void differences(const CompareVm& vm, UiMemory& memory) {
  if (vm.caveats.empty()) return;
  const Palette& p = theme().colours;
  const bool open = memory.compare_caveats_open.value_or(ImGui::GetWindowHeight() > 520 * ImGui::GetStyle().FontScaleMain);
  const std::string label = std::to_string(vm.caveats.size()) + (vm.caveats.size() == 1 ? " caveat" : " caveats") + ": what else differs###differs";
  ImGui::SameLine();
  const float words = ImGui::CalcTextSize(label.c_str(), nullptr, true).x + ImGui::GetFontSize() + 4;
  if (ImGui::GetContentRegionAvail().x >= words + 16)
    ImGui::SetCursorPosX(ImGui::GetCursorPosX() + ImGui::GetContentRegionAvail().x - words);
  else
    ImGui::NewLine();
  if (fold(label.c_str(), open, p.fence)) memory.compare_caveats_open = !open;
  if (open) {
    for (const std::string& caveat : vm.caveats) wrapped(with_micro(caveat), p.dim);
  }
  gap(2);
}

void waterfalls(const AppState& state, const CompareVm& vm, UiMemory& memory) {
  const Palette& p = theme().colours;
  verdict(state);
  differences(vm, memory);
  heading("Equal shares of the wall", vm.waterfall.headline);
  draw_waterfall(vm.waterfall);
  if (!vm.waterfall.sums)
    text_in(p.stall, "the parts do not add up to the whole: please report this file");
  gap(2);
  heading("Critical path: what it owns, and its waits", vm.path.bars.empty() ? "" : vm.path.bars.back().text + " µs");
  ImGui::PushID("path");
  draw_waterfall(vm.path);
  ImGui::PopID();
  gap(2);
  heading("Second view: durations − concurrency + idle", "");
  ImGui::PushID("second");
  draw_waterfall(vm.second_view);
  ImGui::PopID();
}

}  // namespace

void draw_compare(const AppState& state, UiMemory& memory, Actions& actions) {
  const long candidates =
      std::ranges::count_if(state.runs, [](const OpenRun& r) { return r.analysis && !r.live; });
  if (candidates < 2) {
    empty_state("Two runs are needed to compare.",
                "Open a second trace or record another run; then choose both here, or use “Compare "
                "with” on a run's menu.");
    return;
  }
  const float scale = ImGui::GetStyle().FontScaleMain;
  const float combo = std::clamp((ImGui::GetContentRegionAvail().x - 170 * scale) / 2, 100 * scale, 220 * scale);
  run_choice(state, "##a", state.compare.a, state.compare.b, true, combo, actions);
  ImGui::SameLine();
  dim("→");
  ImGui::SameLine();
  run_choice(state, "##b", state.compare.b, state.compare.a, false, combo, actions);
  ImGui::SameLine();
  if (ImGui::Button("swap") && state.compare.a != kNoRun && state.compare.b != kNoRun)
    actions.push_back(action::Compare{state.compare.b, state.compare.a});
  if (state.compare.result) {
    ImGui::SameLine();
    if (ImGui::Button("Export …")) actions.push_back(action::ExportOpen{{state.compare.a, state.compare.b}, {}});
    ImGui::SetItemTooltip("both runs and their difference as a report: .html, .md or .csv");
  }
  if (!state.compare.result || !state.compare.run_a || !state.compare.run_b) {
    gap(1);
    empty_state(state.compare.pending ? "Comparing …" : "Choose two runs above.", "");
    return;
  }
  if (memory.compare_of.lock() != state.compare.result) {
    memory.compare = compare_vm(*state.compare.result, state.compare.used, *state.compare.run_a->trace, *state.compare.run_b->trace, state.compare.samples.get());
    memory.compare_of = state.compare.result;
    memory.matched.clear();
  }
  const CompareVm& vm = memory.compare;
  scope_choice(state.compare, vm, actions);
  gap(1);
  const float width = ImGui::GetContentRegionAvail().x;
  const bool wide = width > 900 * ImGui::GetStyle().FontScaleMain;
  // Narrow: one below the other, scrolled together.
  ImGui::BeginChild(wide ? "waterfall" : "kernels", {wide ? width * 0.42f : 0, 0});
  waterfalls(state, vm, memory);
  if (wide) {
    ImGui::EndChild();
    ImGui::SameLine(0, 24);
    ImGui::BeginChild("kernels");
  } else {
    gap(2);
  }
  const bool intervals = ImGui::GetContentRegionAvail().x > 520 * ImGui::GetStyle().FontScaleMain;
  match_table("only_a", "Only in the first", vm.only_a, false, memory, actions);
  match_table("only_b", "Only in the second", vm.only_b, false, memory, actions);
  distributions(state, memory);
  match_table("matched", "In both, by difference; a click shows its durations above", vm.matched, intervals, memory, actions);
  ImGui::EndChild();
}

}  // namespace ui
