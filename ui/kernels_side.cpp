#include "ui/kernels_side.h"

#include <imgui.h>
#include <implot.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "trace/kernel_names.h"
#include "ui/vm/format.h"
#include "ui/vm/names.h"
#include "ui/widgets.h"

namespace ui {
namespace {

constexpr int kBins = 40;
constexpr ImPlotFlags kPlotFlags =
    ImPlotFlags_NoFrame | ImPlotFlags_NoMenus | ImPlotFlags_NoMouseText | ImPlotFlags_NoBoxSelect | ImPlotFlags_NoLegend;

std::string short_name(const KernelGroup& g, GroupBy by, int chars) {
  return middle_clipped(by == GroupBy::kernel ? trace::bare_kernel_name(g.name) : g.name, chars);
}

int format_rate(double value, char* out, int size, void*) {
  const std::string text = value >= 1e6   ? number_text(value / 1e6, 0) + " P"
                           : value >= 1e3 ? number_text(value / 1e3, 0) + " T"
                           : value >= 1   ? number_text(value, 0) + " G"
                                          : number_text(value * 1e3, value * 1e3 < 1 ? 2 : 0) + " M";
  return std::snprintf(out, static_cast<size_t>(size), "%s", text.c_str());
}

int format_plain(double value, char* out, int size, void*) {
  return std::snprintf(out, static_cast<size_t>(size), "%s", number_text(value, value < 1 ? 2 : 0).c_str());
}

// Operations a byte against operations a second, both logarithmic; below a slope is bandwidth, below the flat arithmetic.
void roofline(const OpenRun& open, const std::vector<KernelGroup>& groups, const KernelGroup* chosen, GroupBy by, Actions& actions) {
  const Roof& roof = open.analysis->kernels->roof;
  const Palette& p = theme().colours;
  if (!roof.known()) {
    wrapped("No roofline: this trace does not say what its kernels move or compute. The engine's own recordings do.", p.dim);
    return;
  }
  struct Dot {
    double intensity, rate;
    const KernelGroup* group;
  };
  std::vector<Dot> dots;
  for (const KernelGroup& g : groups) {
    if (g.bytes > 0 && g.flops > 0 && g.floored_ns > 0)
      dots.push_back({static_cast<double>(g.flops) / static_cast<double>(g.bytes), static_cast<double>(g.flops) / static_cast<double>(g.floored_ns), &g});
  }
  if (dots.empty()) {
    wrapped("No kernel here says both its bytes and its operations.", p.dim);
    return;
  }
  double x0 = 1e30, x1 = 0, y0 = 1e30, y1 = roof.flops_per_ns;
  for (const Dot& d : dots) {
    x0 = std::min(x0, d.intensity), x1 = std::max(x1, d.intensity);
    y0 = std::min(y0, d.rate), y1 = std::max(y1, d.rate);
  }
  const double ridge = roof.bytes_per_ns > 0 ? roof.flops_per_ns / roof.bytes_per_ns : x0;
  x0 = std::min(x0, ridge) / 3, x1 = std::max(x1, ridge) * 3, y0 /= 3, y1 *= 3;
  const float words = ImGui::GetTextLineHeightWithSpacing() * 2;
  ImGui::PushFont(theme().fonts.mono, kSmallPx);
  const KernelGroup* hovered = nullptr;
  if (ImPlot::BeginPlot("##roofline", {-1, std::max(ImGui::GetContentRegionAvail().y - words, 90.0f)}, kPlotFlags | ImPlotFlags_NoInputs)) {
    ImPlot::SetupAxes("operations a byte", "operations/s", 0, 0);
    ImPlot::SetupAxisScale(ImAxis_X1, ImPlotScale_Log10);
    ImPlot::SetupAxisScale(ImAxis_Y1, ImPlotScale_Log10);
    ImPlot::SetupAxesLimits(x0, x1, y0, y1, ImPlotCond_Always);
    ImPlot::SetupAxisFormat(ImAxis_X1, format_plain);
    ImPlot::SetupAxisFormat(ImAxis_Y1, format_rate);
    const double xs[] = {x0, ridge, x1}, ys[] = {x0 * roof.bytes_per_ns, roof.flops_per_ns, roof.flops_per_ns};
    ImPlotSpec line;
    line.LineColor = vec4(p.text, 0.8f);
    line.LineWeight = 1.5f;
    ImPlot::PlotLine("##roof", xs, ys, 3, line);
    float nearest = 12;
    const ImVec2 mouse = ImGui::GetMousePos();
    for (size_t i = 0; i < dots.size(); ++i) {
      const Dot& d = dots[i];
      const bool is_chosen = d.group == chosen;
      ImPlotSpec spec;
      spec.Marker = ImPlotMarker_Circle;
      spec.MarkerSize = is_chosen ? 6.0f : 3.0f + 5.0f * static_cast<float>(std::sqrt(d.group->share));
      spec.LineColor = {0, 0, 0, 0};
      spec.MarkerFillColor = vec4(style_of(d.group->category).colour, 0.9f);
      spec.MarkerLineColor = is_chosen ? vec4(p.text) : vec4(p.panel);
      ImPlot::PlotScatter(("##dot" + std::to_string(i)).c_str(), &d.intensity, &d.rate, 1, spec);
      const ImVec2 at = ImPlot::PlotToPixels(d.intensity, d.rate);
      const float away = std::hypot(at.x - mouse.x, at.y - mouse.y);
      if (ImPlot::IsPlotHovered() && away < nearest) nearest = away, hovered = d.group;
      if (is_chosen)
        ImPlot::Annotation(d.intensity, d.rate, vec4(p.raised, 0.9f), {8, -8}, true, "%s", short_name(*d.group, by, 24).c_str());
    }
    ImPlot::EndPlot();
  }
  ImGui::PopFont();
  if (hovered) {
    ImGui::SetTooltip("%s\n%s of its floor, %s GB/s", std::string(hovered->name.substr(0, 200)).c_str(),
                      percent_text(100 * hovered->of_floor()).c_str(),
                      number_text(static_cast<double>(hovered->bytes) / static_cast<double>(hovered->floored_ns), 1).c_str());
    if (ImGui::IsMouseClicked(ImGuiMouseButton_Left)) actions.push_back(action::SelectEvent{open.key, hovered->longest, true});
  }
  ImGui::PushFont(nullptr, kSmallPx);
  wrapped("Bytes and operations are the model's estimate; " + roof.source + ".", p.faint);
  ImGui::PopFont();
}

void trend(const OpenRun& open, const KernelGroup* chosen, UiMemory& memory) {
  const Palette& p = theme().colours;
  if (!chosen) {
    dim("Choose a row: its time step by step appears here.");
    return;
  }
  memory.selected_kernel.show(open.analysis, memory.group_by, chosen->key, -1, kBins, true);
  const KernelTrend& t = memory.selected_kernel.trend;
  heading(short_name(*chosen, memory.group_by, 40), t.over.empty() ? "" : "µs by " + t.over);
  if (t.over.empty()) {
    wrapped("One step and one layer, or neither is known: there is nothing to follow over time.", p.dim);
    return;
  }
  ImGui::PushFont(theme().fonts.mono, kSmallPx);
  if (ImPlot::BeginPlot("##trend", {-1, std::max(ImGui::GetContentRegionAvail().y - 4, 90.0f)}, kPlotFlags | ImPlotFlags_NoInputs)) {
    const auto [lo, hi] = std::ranges::minmax_element(t.total_us);
    const double air = std::max((*hi - *lo) * 0.2, *hi * 0.02 + 1e-6);
    ImPlot::SetupAxes(t.over.c_str(), "µs", ImPlotAxisFlags_NoGridLines, 0);
    ImPlot::SetupAxesLimits(t.at.front(), std::max(t.at.back(), t.at.front() + 1), std::max(*lo - air, 0.0), *hi + air, ImPlotCond_Always);
    ImPlotSpec line;
    line.LineColor = vec4(p.accent);
    line.LineWeight = 1.6f;
    ImPlot::PlotLine("##total", t.at.data(), t.total_us.data(), static_cast<int>(t.at.size()), line);
    ImPlot::EndPlot();
  }
  ImGui::PopFont();
}

// Bars of one histogram in a line of a table.
void strip(const KernelHistogram& h, float width) {
  const Palette& p = theme().colours;
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float height = ImGui::GetTextLineHeight(), step = width / static_cast<float>(std::max<size_t>(h.count.size(), 1));
  const int64_t most = std::max<int64_t>(*std::ranges::max_element(h.count), 1);
  ImDrawList* draw = ImGui::GetWindowDrawList();
  for (size_t i = 0; i < h.count.size(); ++i) {
    if (h.count[i] == 0) continue;
    const float bar = std::max(height * static_cast<float>(h.count[i]) / static_cast<float>(most), 2.0f);
    const float x = at.x + step * static_cast<float>(i);
    draw->AddRectFilled({x, at.y + height - bar}, {x + std::max(step - 1, 1.0f), at.y + height}, u32(p.accent, 0.8f));
  }
  ImGui::Dummy({width, height});
}

void stored_runs(const AppState& state, const OpenRun& open, const KernelGroup* chosen, UiMemory& memory, Actions& actions) {
  const Palette& p = theme().colours;
  if (!chosen || (memory.group_by != GroupBy::kernel && memory.group_by != GroupBy::op)) {
    wrapped("Choose a kernel or an op: its durations in the stored runs appear here.", p.dim);
    return;
  }
  const trace::Trace& t = open.analysis->trace();
  const bool by_op = memory.group_by == GroupBy::op;
  const std::string name = by_op ? t.strings[t.events[chosen->longest].name] : std::string(chosen->name);
  const std::string op = by_op && chosen->key != 0 ? std::string(chosen->name) : std::string();
  const KernelHistoryState& h = state.history;
  if (h.name != name || h.op != op) {
    actions.push_back(action::AskKernelHistory{name, op});
    return;
  }
  heading(short_name(*chosen, memory.group_by, 40),
          h.pending ? "reading …" : count_text(static_cast<int64_t>(h.rows.size())) + " of " + count_text(h.looked) + " stored runs have it");
  if (!h.problem.empty()) wrapped(h.problem, p.stall);
  if (h.rows.empty()) return;
  if (!ImGui::BeginTable("stored", 4, kTableFlags | ImGuiTableFlags_ScrollY)) return;
  ImGui::TableSetupColumn("run", ImGuiTableColumnFlags_WidthStretch, 0.45f);
  ImGui::TableSetupColumn("durations", ImGuiTableColumnFlags_WidthStretch, 0.55f);
  ImGui::TableSetupColumn("median µs");
  ImGui::TableSetupColumn("count");
  ImGui::TableSetupScrollFreeze(0, 1);
  header_row(0b1100);
  for (const KernelHistoryRow& row : h.rows) {
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    ImGui::PushID(static_cast<int>(row.run));
    {
      Mono mono;
      const int chars = std::max(static_cast<int>(ImGui::GetContentRegionAvail().x / theme().mono_char_px), 6);
      if (ImGui::Selectable((clipped(row.title, chars) + "###stored").c_str(), false, ImGuiSelectableFlags_SpanAllColumns))
        actions.push_back(action::OpenStored{row.run});
    }
    ImGui::SetItemTooltip("%s, run %lld, %s\n%s to %s; a click opens it", row.title.c_str(), static_cast<long long>(row.run), row.when.c_str(),
                          duration_text(row.histogram.min_ns).c_str(), duration_text(row.histogram.max_ns).c_str());
    ImGui::TableNextColumn();
    strip(row.histogram, ImGui::GetContentRegionAvail().x);
    cell(us_text(row.histogram.median_ns));
    cell(count_text(row.count));
    ImGui::PopID();
  }
  ImGui::EndTable();
}

}  // namespace

void kernels_side(const AppState& state, const OpenRun& open, const KernelGroup* chosen, UiMemory& memory, Actions& actions) {
  static constexpr std::array<std::pair<const char*, KernelSide>, 3> kSides{
      {{"roofline", KernelSide::roofline}, {"over steps", KernelSide::trend}, {"stored runs", KernelSide::runs}}};
  for (const auto& [label, side] : kSides) {
    if (side != KernelSide::roofline) ImGui::SameLine(0, 4);
    if (pill(label, memory.kernel_side == side)) memory.kernel_side = side;
  }
  gap(1);
  switch (memory.kernel_side) {
    case KernelSide::roofline:
      roofline(open, open.analysis->kernels->by(memory.group_by), chosen, memory.group_by, actions);
      break;
    case KernelSide::trend:
      trend(open, chosen, memory);
      break;
    case KernelSide::runs:
      stored_runs(state, open, chosen, memory, actions);
      break;
  }
}

}  // namespace ui
