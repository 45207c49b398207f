// Bubbles: the decomposition card, the stall table, the histogram of all gaps with draggable
// thresholds, and, when two runs are compared, where the difference comes from.
#include <imgui.h>
#include <implot.h>

#include <algorithm>
#include <cmath>

#include "trace/stamps.h"
#include "ui/panels.h"
#include "ui/stall_table.h"
#include "ui/vm/bubbles_vm.h"
#include "ui/vm/compare_vm.h"
#include "ui/vm/format.h"
#include "ui/vm/names.h"
#include "ui/waterfall_draw.h"
#include "ui/widgets.h"

namespace ui {
namespace {

using trace::BubbleKind;

// Kinds are named in their own colour.
void card_header() {
  const Palette& p = theme().colours;
  ImGui::TableNextRow(ImGuiTableRowFlags_Headers);
  const int columns = ImGui::TableGetColumnCount();
  for (int i = 0; i < columns; ++i) {
    if (!ImGui::TableSetColumnIndex(i)) continue;
    const std::string_view name = ImGui::TableGetColumnName(i);
    Rgb ink = p.dim;
    for (int k = 0; k < trace::kBubbleKinds; ++k) {
      const auto kind = static_cast<BubbleKind>(k);
      if (name == trace::to_string(kind)) ink = colour_of(kind, p);
    }
    header_cell(i, i > 0, ink);
  }
}

// Idle time of the row under the mouse, by scope.
void scope_tooltip(const RunAnalysis& a, const std::string& verdict) {
  const std::vector<ScopeRowVm> rows = scope_rows(a);
  if (rows.empty() || !ImGui::BeginTooltip()) return;
  if (ImGui::BeginTable("scopes", 2 + trace::kBubbleKinds, kTableFlags)) {
    ImGui::TableSetupColumn("idle µs · count");
    ImGui::TableSetupColumn("all");
    for (int k = 0; k < trace::kBubbleKinds; ++k)
      ImGui::TableSetupColumn(trace::to_string(static_cast<BubbleKind>(k)).data());
    header_row(0b111110);
    for (const ScopeRowVm& row : rows) {
      ImGui::TableNextRow();
      ImGui::TableNextColumn();
      text(row.scope);
      Mono mono;
      cell(row.idle);
      for (const std::string& kind : row.kinds) cell(kind, kind == kNothing ? theme().colours.faint : theme().colours.text);
    }
    ImGui::EndTable();
  }
  ImGui::PushTextWrapPos(ImGui::GetFontSize() * 32);
  text(verdict);
  ImGui::PopTextWrapPos();
  ImGui::EndTooltip();
}

// Which columns a card of this width has room for; the run's name never goes.
struct CardColumns {
  bool busy, contiguous, dispatch, share, overlaps, waits;
  int count() const { return 5 + busy + contiguous + dispatch + share + overlaps + waits; }
};

CardColumns card_columns(const std::vector<CardRowVm>& rows) {
  const float width = ImGui::GetContentRegionAvail().x / ImGui::GetStyle().FontScaleMain;
  // Columns that are empty everywhere only take room; contiguous and overlaps are rare enough to leave out then.
  const bool contiguous = std::ranges::any_of(rows, [](const CardRowVm& r) { return r.any[static_cast<size_t>(BubbleKind::contiguous)]; });
  const bool overlaps = std::ranges::any_of(rows, [](const CardRowVm& r) { return r.overlaps != kNothing; });
  return {.busy = width > 600, .contiguous = contiguous && width > 1000, .dispatch = width > 560, .share = width > 680,
          .overlaps = overlaps && width > 860, .waits = width > 600};
}

// Idle time of the selected run by scope: rows below its own, where more than one scope has any.
void scope_lines(const CardColumns& show, const RunAnalysis& a) {
  const std::vector<ScopeRowVm> scopes = scope_rows(a);
  if (scopes.size() < 2) return;
  const Palette& p = theme().colours;
  for (const ScopeRowVm& scope : scopes) {
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    Mono mono(kSmallPx);
    text_in(p.dim, "  " + scope.scope);
    cell("");
    if (show.busy) cell("");
    cell(scope.idle_us, p.dim);
    for (int k = 0; k < trace::kBubbleKinds; ++k) {
      const auto kind = static_cast<BubbleKind>(k);
      if ((kind == BubbleKind::contiguous && !show.contiguous) || (kind == BubbleKind::dispatch && !show.dispatch)) continue;
      const std::string& cell_text = scope.kinds[static_cast<size_t>(k)];
      cell(cell_text, cell_text == kNothing ? p.faint : p.dim);
    }
  }
}

void card(const AppState& state, const std::vector<CardRowVm>& rows, Actions& actions) {
  const Palette& p = theme().colours;
  const CardColumns show = card_columns(rows);
  if (!ImGui::BeginTable("card", show.count(), kTableFlags)) return;
  ImGui::TableSetupColumn("run · µs", ImGuiTableColumnFlags_WidthStretch);
  ImGui::TableSetupColumn("wall");
  if (show.busy) ImGui::TableSetupColumn("busy");
  ImGui::TableSetupColumn("idle");
  if (show.contiguous) ImGui::TableSetupColumn("contiguous");
  if (show.dispatch) ImGui::TableSetupColumn("dispatch");
  ImGui::TableSetupColumn("fence");
  ImGui::TableSetupColumn("stall");
  if (show.share) ImGui::TableSetupColumn("% of idle");
  if (show.overlaps) ImGui::TableSetupColumn("overlaps");
  if (show.waits) ImGui::TableSetupColumn("waits");
  card_header();
  for (const CardRowVm& row : rows) {
    ImGui::TableNextRow();
    ImGui::PushID(static_cast<int>(row.key));
    if (row.selected && rows.size() > 1)
      ImGui::TableSetBgColor(ImGuiTableBgTarget_RowBg0, u32(p.accent, 0.10f));
    ImGui::TableNextColumn();
    Mono mono;
    const int chars = static_cast<int>(ImGui::GetContentRegionAvail().x / theme().mono_char_px);
    const std::string label = middle_clipped(row.title, std::max(chars, 8)) + "###run";
    if (ImGui::Selectable(label.c_str(), false, ImGuiSelectableFlags_SpanAllColumns))
      actions.push_back(action::SelectRun{row.key});
    if (ImGui::IsItemHovered(ImGuiHoveredFlags_DelayNormal)) scope_tooltip(*state.find(row.key)->analysis, row.verdict);
    copy_menu("copy",
              row.title + "\twall " + row.wall + "\tbusy " + row.busy + "\tidle " + row.idle +
                  "\tstall " + row.kinds[3],
              actions);
    cell(row.wall);
    if (show.busy) cell(row.busy);
    cell(row.idle);
    for (const BubbleKind kind : {BubbleKind::contiguous, BubbleKind::dispatch, BubbleKind::fence, BubbleKind::stall}) {
      if ((kind == BubbleKind::contiguous && !show.contiguous) || (kind == BubbleKind::dispatch && !show.dispatch)) continue;
      const auto i = static_cast<size_t>(kind);
      const bool loud = row.any[i] && kind >= BubbleKind::fence;
      cell(row.kinds[i], loud         ? colour_of(kind, p)
                         : row.any[i] ? p.text
                                      : p.faint);
    }
    if (show.share) cell(row.stall_share, row.any[3] ? p.stall : p.faint);
    if (show.overlaps) cell(row.overlaps, row.overlaps == kNothing ? p.faint : p.overlap);
    if (show.waits) cell(row.waits);
    ImGui::PopID();
    if (row.selected) scope_lines(show, *state.find(row.key)->analysis);
  }
  ImGui::EndTable();
}

int format_ns(double log_ns, char* out, int size, void*) {
  return std::snprintf(
      out, static_cast<size_t>(size), "%s",
      duration_text(static_cast<int64_t>(std::llround(std::pow(10.0, log_ns)))).c_str());
}

// Pale verticals that can be dragged: everything is classified anew while they move. True while the mouse is at one.
bool threshold_line(int id, double x, bool stall, const AppState& state, Actions& actions) {
  const Palette& p = theme().colours;
  double at = x;
  bool hovered = false, held = false;
  const bool moved = ImPlot::DragLineX(id, &at, vec4(stall ? p.stall : p.fence), 1.5f, ImPlotDragToolFlags_None, nullptr, &hovered, &held);
  if (hovered || held)
    ImGui::SetTooltip("%s from %s on; drag to change it everywhere", stall ? "stall" : "fence",
                      duration_text(stall ? state.thresholds.stall_ns : state.thresholds.fence_ns).c_str());
  if (moved) {
    const trace::Thresholds next = drag_threshold(state.thresholds, stall, at);
    if (!(next == state.thresholds)) actions.push_back(action::SetThresholds{next});
  }
  return hovered || held;
}

void histogram(const AppState& state, const OpenRun& open, Actions& actions) {
  const HistogramVm vm = histogram_vm(*open.analysis, state.thresholds);
  const trace::Thresholds standard;
  if (state.thresholds == standard) {
    heading("All gaps by length, log heights",
            open.analysing && open.ready() ? "classifying anew …" : vm.negative > 0 ? count_text(vm.negative) + " overlaps not shown" : std::string());
  } else {
    const float edge = ImGui::GetContentRegionAvail().x;
    dim(open.analysing && open.ready() ? "Classifying anew …" : "All gaps by length, log heights");
    ImGui::SameLine(edge - ImGui::CalcTextSize("reset thresholds").x - 12);
    if (ImGui::SmallButton("reset thresholds")) actions.push_back(action::SetThresholds{standard});
  }
  if (vm.last == 0) {
    dim("no gaps");
    return;
  }
  const double width =
      static_cast<double>(ImGui::GetContentRegionAvail().x / ImGui::GetStyle().FontScaleMain);
  const ImVec2 size{-1, std::max(ImGui::GetContentRegionAvail().y - 4, 90.0f)};
  ImGui::PushFont(theme().fonts.mono, kSmallPx);
  if (ImPlot::BeginPlot("##gaps", size,
                        ImPlotFlags_NoLegend | ImPlotFlags_NoFrame | ImPlotFlags_NoMenus | ImPlotFlags_NoMouseText |
                            ImPlotFlags_NoBoxSelect)) {
    ImPlot::SetupAxes(nullptr, nullptr, ImPlotAxisFlags_NoGridLines,
                      ImPlotAxisFlags_NoDecorations | ImPlotAxisFlags_NoGridLines);
    // Whole decades around what there is and around the thresholds.
    const double left = std::floor(std::min(vm.x[vm.first] - vm.width / 2, vm.fence_x) + 1e-9);
    const double right = std::ceil(std::max(vm.x[vm.last - 1] + vm.width / 2, vm.stall_x) - 1e-9);
    // Room for half of the first and the last label.
    const double air = std::min((right - left) * 34 / std::max(width - 68.0, 34.0), 2.0);
    ImPlot::SetupAxesLimits(left - air, right + air, 0, vm.tallest * 1.25, ImPlotCond_Always);
    ImPlot::SetupAxisFormat(ImAxis_X1, format_ns);
    std::vector<double> ticks;
    for (double t = 0; t <= 9; ++t) ticks.push_back(t);
    ImPlot::SetupAxisTicks(ImAxis_X1, ticks.data(), static_cast<int>(ticks.size()));
    for (int k = 0; k < trace::kBubbleKinds; ++k) {
      std::vector<double> xs, ys;
      for (size_t i = vm.first; i < vm.last; ++i) {
        if (static_cast<int>(vm.kind[i]) == k && vm.count[i] > 0)
          xs.push_back(vm.x[i]), ys.push_back(vm.height[i]);
      }
      if (xs.empty()) continue;
      const auto kind = static_cast<BubbleKind>(k);
      const std::string label(trace::to_string(kind));
      ImPlotSpec spec;
      spec.FillColor = vec4(colour_of(kind, theme().colours));
      spec.LineColor = spec.FillColor;
      ImPlot::PlotBars(label.c_str(), xs.data(), ys.data(), static_cast<int>(xs.size()),
                       vm.width * 0.85, spec);
    }
    for (size_t i = vm.first; i < vm.last && vm.last - vm.first <= 16; ++i) {
      if (vm.count[i] == 0) continue;
      const std::string n = count_text(static_cast<int64_t>(vm.count[i]));
      ImPlot::PlotText(n.c_str(), vm.x[i], vm.height[i], {0, -8});
    }
    const bool held = threshold_line(1, vm.fence_x, false, state, actions) | threshold_line(2, vm.stall_x, true, state, actions);
    if (ImPlot::IsPlotHovered() && !held) {
      if (const std::string bin = bin_text(vm, ImPlot::GetPlotMousePos().x); !bin.empty()) ImGui::SetTooltip("%s", bin.c_str());
    }
    ImPlot::EndPlot();
  }
  ImGui::PopFont();
}

// Where the difference between the two compared runs comes from; false if none are.
bool difference(const AppState& state) {
  const OpenRun *a = state.find(state.compare.a), *b = state.find(state.compare.b);
  if (!state.compare.result || !a || !b) return false;
  const trace::Waterfall& w = state.compare.result->waterfall;
  const WaterfallVm vm = waterfall_vm(w.contributors, w.a_ns, w.b_ns);
  heading(a->title + " → " + b->title, signed_us_text(vm.bars.back().ns()) + " µs");
  gap(1);
  draw_waterfall(vm);
  return true;
}

// Side by side where there is room, else one below the other.
void tables(const AppState& state, const OpenRun& open, UiMemory& memory, Actions& actions) {
  const ImVec2 room = ImGui::GetContentRegionAvail();
  const bool wide = room.x > 540 * ImGui::GetStyle().FontScaleMain;
  // Never lower than what can be read: the panel scrolls then.
  const float scale = ImGui::GetStyle().FontScaleMain;
  const float least = (wide ? 120 : 110) * scale;
  ImGui::BeginChild("stalls", {wide ? room.x * 0.64f : 0, wide ? std::max(room.y, least) : std::max(room.y * 0.55f, least)});
  stall_table_panel(state, open, memory, actions);
  ImGui::EndChild();
  if (wide) ImGui::SameLine(0, 20);
  ImGui::BeginChild("gaps", {0, std::max(ImGui::GetContentRegionAvail().y, least)});
  histogram(state, open, actions);
  ImGui::EndChild();
}

// What this trace's collector cannot show, with the trace's own numbers. Folded where there is little room.
void collector_says(const RunAnalysis& a, UiMemory& memory) {
  if (a.report->caveats.empty()) return;
  const bool roomy = ImGui::GetWindowHeight() > 420 * ImGui::GetStyle().FontScaleMain;
  const bool open = memory.caveats_open.value_or(roomy);
  const Palette& p = theme().colours;
  const std::string label = "Collector says: " + count_text(static_cast<int64_t>(a.report->caveats.size())) +
                            (a.report->caveats.size() == 1 ? " caveat" : " caveats") + "###caveats";
  // Beside the verdict where that leaves room.
  ImGui::SameLine();
  const float words = ImGui::CalcTextSize(label.c_str(), nullptr, true).x + ImGui::GetFontSize() + 4;
  if (ImGui::GetContentRegionAvail().x >= words + 16)
    ImGui::SetCursorPosX(ImGui::GetCursorPosX() + ImGui::GetContentRegionAvail().x - words);
  else
    ImGui::NewLine();
  if (fold(label.c_str(), open)) memory.caveats_open = !open;
  if (!open) return;
  for (const std::string& caveat : a.report->caveats) wrapped(with_micro(caveat), p.dim);
}

}  // namespace

void draw_bubbles(const AppState& state, UiMemory& memory, Actions& actions) {
  const std::vector<CardRowVm> rows = card_rows(state);
  if (rows.empty()) {
    empty_state("No run on the timeline.",
                "Open a trace or start the engine: this card then says where its time goes.");
    return;
  }
  const OpenRun* open = state.find(state.selected);
  if (!open || !open->analysis) open = state.find(rows.front().key);
  const float width = ImGui::GetContentRegionAvail().x;
  const bool compared = state.compare.result && width > 1100 * ImGui::GetStyle().FontScaleMain;
  ImGui::BeginChild("left", {compared ? width * 0.64f : 0, 0});
  card(state, rows, actions);
  gap(1);
  const trace::Trace& t = open->analysis->trace();
  if (open->analysis->options.device < t.devices.size() && trace::is_stamps(t.devices[open->analysis->options.device]))
    wrapped("Through the lens: by stamps of the device's own clock inside the kernels. Busy is a lower bound, gaps are an upper one.",
            theme().colours.dispatch);
  wrapped(open->analysis->verdict, theme().colours.text);
  collector_says(*open->analysis, memory);
  gap(2);
  tables(state, *open, memory, actions);
  ImGui::EndChild();
  if (!compared) return;
  ImGui::SameLine(0, 24);
  ImGui::BeginChild("right");
  difference(state);
  ImGui::EndChild();
}

}  // namespace ui
