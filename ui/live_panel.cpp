// Live: the time of every step as it comes, with the moments at which a switch was flipped; and the
// last A/B.
#include <imgui.h>
#include <implot.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "ui/panels.h"
#include "ui/vm/format.h"
#include "ui/vm/session_vm.h"
#include "ui/vm/toggles_vm.h"
#include "ui/widgets.h"

namespace ui {
namespace {

// Grouped by thousands as in the tables.
int format_us(double us, char* out, int size, void*) {
  return std::snprintf(out, static_cast<size_t>(size), "%s", us < 1000 ? number_text(us, us > 0 && us < 10 ? 1 : 0).c_str() : count_text(std::llround(us)).c_str());
}

void chart(const StepChartVm& vm, const SessionState& session, float width, float height) {
  const Palette& p = theme().colours;
  ImGui::PushFont(theme().fonts.mono, kSmallPx);
  if (ImPlot::BeginPlot("##steps", {width, height},
                        ImPlotFlags_NoFrame | ImPlotFlags_NoMenus | ImPlotFlags_NoMouseText | ImPlotFlags_NoBoxSelect |
                            ImPlotFlags_NoLegend)) {
    const double span = std::max(vm.high_us - vm.low_us, vm.high_us * 0.02);
    ImPlot::SetupAxes("step", "µs", ImPlotAxisFlags_NoGridLines, 0);
    ImPlot::SetupAxesLimits(vm.index.front(), std::max(vm.index.back(), vm.index.front() + 60),
                            std::max(vm.low_us - span * 0.15, 0.0), vm.high_us + span * 0.25,
                            ImPlotCond_Always);
    ImPlot::SetupAxisFormat(ImAxis_Y1, format_us);
    ImPlotSpec points;
    points.Marker = ImPlotMarker_Circle;
    points.MarkerSize = 1.5f;
    points.LineColor = {0, 0, 0, 0};
    points.MarkerFillColor = vec4(p.dim, 0.7f);
    points.MarkerLineColor = {0, 0, 0, 0};
    ImPlot::PlotScatter("steps", vm.index.data(), vm.us.data(), static_cast<int>(vm.us.size()),
                        points);
    const double top = vm.high_us + span * 0.25;
    if (!vm.above_index.empty()) {
      const std::vector<double> at(vm.above_index.size(), top - span * 0.02);
      points.Marker = ImPlotMarker_Up;
      points.MarkerSize = 2.5f;
      ImPlot::PlotScatter("##above", vm.above_index.data(), at.data(), static_cast<int>(at.size()), points);
      ImPlot::Annotation(vm.index.front(), top, vec4(p.raised, 0.9f), {4, 8}, true, "%s above, up to %s µs",
                         count_text(static_cast<int64_t>(at.size())).c_str(), count_text(std::llround(vm.slowest_us)).c_str());
    }
    // Between two flips: where 90 % of the steps lie, and the median of the last 32.
    for (size_t i = 0; i < vm.segments.size(); ++i) {
      const StepChartVm::Segment& s = vm.segments[i];
      const bool newest = i + 1 == vm.segments.size();
      const double xs[] = {vm.index[s.first], vm.index[s.first + s.count - 1] + 1};
      const double low[] = {s.low_us, s.low_us}, high[] = {s.high_us, s.high_us};
      ImPlotSpec band;
      band.FillColor = vec4(newest ? p.accent : p.dim, 0.10f);
      band.LineColor = {0, 0, 0, 0};
      const std::string id = "##segment" + std::to_string(i);
      ImPlot::PlotShaded(id.c_str(), xs, low, high, 2, band);
      ImPlotSpec line;
      line.LineColor = vec4(newest ? p.accent : p.dim);
      line.LineWeight = 1.6f;
      ImPlot::PlotLine((id + "m").c_str(), vm.index.data() + s.first, vm.median_us.data() + s.first, static_cast<int>(s.count), line);
    }
    for (const StepChartVm::Flip& flip : vm.flips) {
      ImPlotSpec mark;
      mark.LineColor = vec4(p.fence, 0.8f);
      ImPlot::PlotInfLines(("##" + flip.text).c_str(), &flip.index, 1, mark);
      ImPlot::Annotation(flip.index, vm.high_us + span * 0.2, vec4(p.raised, 0.9f), {4, 0}, true,
                         "%s", flip.text.c_str());
    }
    for (const SessionState::StepMark& mark : session.marks) {
      const auto at = static_cast<double>(mark.index);
      if (at < vm.index.front()) continue;
      ImPlotSpec line;
      line.LineColor = vec4(p.text, 0.7f);
      ImPlot::PlotInfLines(("##" + mark.text).c_str(), &at, 1, line);
      ImPlot::Annotation(at, vm.low_us - span * 0.1, vec4(p.raised, 0.9f), {4, 0}, true, "%s", mark.text.c_str());
    }
    ImPlot::EndPlot();
  }
  ImGui::PopFont();
}

// Step times lying on their side, on the chart's own scale: now in the accent, before the last flip in grey.
void histogram(const StepChartVm& vm, float width, float height) {
  const Palette& p = theme().colours;
  ImGui::PushFont(theme().fonts.mono, kSmallPx);
  if (ImPlot::BeginPlot("##distribution", {width, height},
                        ImPlotFlags_NoFrame | ImPlotFlags_NoMenus | ImPlotFlags_NoMouseText | ImPlotFlags_NoBoxSelect | ImPlotFlags_NoLegend)) {
    const double span = std::max(vm.high_us - vm.low_us, vm.high_us * 0.02);
    double most = 0.05;
    for (size_t i = 0; i < StepChartVm::kBins; ++i) most = std::max({most, vm.now[i], vm.before[i]});
    ImPlot::SetupAxes("share of steps", nullptr, ImPlotAxisFlags_NoGridLines | ImPlotAxisFlags_NoTickLabels,
                      ImPlotAxisFlags_NoGridLines | ImPlotAxisFlags_NoTickLabels);
    ImPlot::SetupAxesLimits(0, most * 1.1, std::max(vm.low_us - span * 0.15, 0.0), vm.high_us + span * 0.25, ImPlotCond_Always);
    std::array<double, StepChartVm::kBins> at{};
    const double step = (vm.high_us - vm.low_us) / static_cast<double>(StepChartVm::kBins);
    for (size_t i = 0; i < at.size(); ++i) at[i] = vm.low_us + (static_cast<double>(i) + 0.5) * step;
    const auto bars = [&](const char* id, const std::array<double, StepChartVm::kBins>& share, Rgb colour, float alpha) {
      ImPlotSpec spec;
      spec.Flags = ImPlotBarsFlags_Horizontal;
      spec.FillColor = vec4(colour, alpha);
      spec.LineColor = {0, 0, 0, 0};
      ImPlot::PlotBars(id, share.data(), at.data(), static_cast<int>(share.size()), std::max(step * 0.9, 1e-9), spec);
    };
    bars("##before", vm.before, p.dim, 0.45f);
    bars("##now", vm.now, p.accent, 0.75f);
    ImPlot::EndPlot();
  }
  ImGui::PopFont();
}

// Clock and power of the device, below the steps they belong to.
void sensor_charts(const StepChartVm& vm, float width) {
  const Palette& p = theme().colours;
  ImGui::PushFont(theme().fonts.mono, kSmallPx);
  const float height = ImGui::GetContentRegionAvail().y - 2;
  const auto series = [&](const char* id, const char* unit, const std::vector<double>& ys, Rgb colour, float w) {
    if (!ImPlot::BeginPlot(id, {w, height}, ImPlotFlags_NoFrame | ImPlotFlags_NoMenus | ImPlotFlags_NoMouseText | ImPlotFlags_NoBoxSelect | ImPlotFlags_NoLegend)) return;
    const auto [lo, hi] = std::ranges::minmax_element(ys);
    const double air = std::max((*hi - *lo) * 0.25, *hi * 0.01 + 1e-6);
    ImPlot::SetupAxes(nullptr, unit, ImPlotAxisFlags_NoGridLines | ImPlotAxisFlags_NoTickLabels, 0);
    ImPlot::SetupAxesLimits(vm.index.front(), std::max(vm.index.back(), vm.index.front() + 60), std::max(*lo - air, 0.0), *hi + air, ImPlotCond_Always);
    ImPlotSpec line;
    line.LineColor = vec4(colour);
    line.LineWeight = 1.4f;
    ImPlot::PlotLine(id, vm.sensor_index.data(), ys.data(), static_cast<int>(ys.size()), line);
    ImPlot::EndPlot();
  };
  const bool both = !vm.clock_mhz.empty() && !vm.watts.empty();
  const float each = both ? (width - 8) / 2 : width;
  if (!vm.clock_mhz.empty()) series("##clock", "MHz", vm.clock_mhz, p.dispatch, each);
  if (both) ImGui::SameLine(0, 8);
  if (!vm.watts.empty()) series("##power", "W", vm.watts, p.fence, each);
  ImGui::PopFont();
}

void sensor_line(const StepChartVm& vm) {
  if (!vm.has_sensors()) {
    dim("clock and power: this engine's device has no sensor to read them from");
    return;
  }
  std::string text;
  if (!vm.clock_mhz.empty()) text = "clock " + number_text(vm.clock_mhz.back(), 0) + " MHz";
  if (!vm.watts.empty()) text += (text.empty() ? "" : "   ") + std::string("power ") + number_text(vm.watts.back(), 0) + " W";
  if (vm.celsius >= 0) text += "   " + number_text(vm.celsius, 0) + " °C";
  dim(text);
}

// What the engine does next, beside its steps.
void controls(const AppState& state, Actions& actions) {
  const SessionState& s = state.session;
  const SessionVm vm = session_vm(state);
  if (vm.can_cancel) {
    if (pill("Cancel", false)) actions.push_back(action::CancelWork{});
  } else {
    if (pill("Record", false, vm.can_record)) actions.push_back(action::Record{});
    ImGui::SameLine(0, 4);
    if (vm.can_resume) {
      if (pill("Resume", true)) actions.push_back(action::Resume{});
    } else if (pill("Pause", false, vm.can_pause)) {
      actions.push_back(action::Pause{});
    }
    ImGui::SameLine(0, 4);
    if (pill("Step", false, vm.can_resume)) actions.push_back(action::SingleStep{});
    ImGui::SetItemTooltip("one step, while paused");
  }
  ImGui::SameLine(0, 4);
  if (pill("Mark", false)) actions.push_back(action::MarkStep{});
  ImGui::SetItemTooltip("a line at the newest step");
  ImGui::SameLine();
  ImGui::AlignTextToFramePadding();
  std::string tail = count_text(s.steps.back().index + 1) + " steps";
  if (s.probe.calls > 0)
    tail += " · waited for the engine: " + (s.probe.over_1ms > 0 ? count_text(s.probe.over_1ms) + " times over 1 ms, " : std::string()) +
            "at most " + number_text(s.probe.longest_us, 0) + " µs";
  if (state.drawing_pct >= 0) tail += " · drawing takes " + number_text(state.drawing_pct, 1) + " % of the time";
  if (ImGui::CalcTextSize(tail.c_str()).x > ImGui::GetContentRegionAvail().x) tail = count_text(s.steps.back().index + 1) + " steps";
  right(tail, theme().colours.dim);
}

void last_ab(const trace::AbResult& ab) {
  const Palette& p = theme().colours;
  std::string keys;
  for (const trace::ToggleKey k : ab.spec.keys)
    keys += (keys.empty() ? "" : ", ") + std::string(trace::info(k).name);
  heading("Last A/B", keys);
  const Judgement j = judge(ab);
  const Rgb ink = j == Judgement::better    ? p.accent
                  : j == Judgement::worse   ? p.stall
                  : j == Judgement::unclear ? p.fence
                                            : p.text;
  {
    Mono mono(kFigurePx);
    text_in(ink, signed_percent_text(ab.estimate.delta_pct, 2));
  }
  for (const std::string& line : ab_lines(ab)) wrapped(line, p.dim);
}

}  // namespace

void draw_live(const AppState& state, UiMemory& memory, Actions& actions) {
  const SessionState& s = state.session;
  if (s.steps.empty()) {
    empty_state("No steps yet.",
                "Start the engine in Session: every decode step then appears here, and so does "
                "every switch you flip.");
    return;
  }
  if (memory.chart_at != s.steps.back().index || memory.chart_points != s.steps.size()) {
    memory.chart = step_chart(s);
    memory.chart_at = s.steps.back().index;
    memory.chart_points = s.steps.size();
  }
  controls(state, actions);
  gap(1);
  const float width = ImGui::GetContentRegionAvail().x;
  const float beside = std::clamp(width * 0.14f, 90.0f, 180.0f);
  const float left = s.last_ab ? width * 0.64f : width;
  const float low = ImGui::GetCursorPosY();
  // A line for the sensors, or for why there are none; two charts of them where there is room.
  const bool sensors = memory.chart.has_sensors();
  const float height = ImGui::GetContentRegionAvail().y, line = ImGui::GetTextLineHeightWithSpacing();
  const bool charts = sensors && height > 220 * ImGui::GetStyle().FontScaleMain;
  const float steps_px = height - (charts ? std::max(height * 0.34f, 70.0f) : line) - 4;
  chart(memory.chart, s, left - beside - 8, steps_px);
  ImGui::SameLine(0, 8);
  histogram(memory.chart, beside, steps_px);
  if (charts) sensor_charts(memory.chart, left - beside - 8);
  else sensor_line(memory.chart);
  if (s.last_ab) {
    ImGui::SetCursorPos({ImGui::GetCursorStartPos().x + left, low});
    ImGui::Dummy({0, 0});
  }
  if (!s.last_ab) return;
  ImGui::SameLine(0, 20);
  ImGui::BeginChild("ab");
  last_ab(*s.last_ab);
  ImGui::EndChild();
}

}  // namespace ui
