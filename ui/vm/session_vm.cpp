#include "ui/vm/session_vm.h"

#include <algorithm>
#include <cmath>

#include "trace/stats.h"
#include "ui/vm/format.h"
#include "trace/model_name.h"

namespace ui {
namespace {

using trace::reply::Phase;

const trace::BackendInfo* chosen_backend(const SessionState& s, const std::string& name) {
  for (const trace::BackendInfo& b : s.backends) {
    if (name == "auto" ? b.usable : b.name == name) return &b;
  }
  return nullptr;
}

std::string model_text(const trace::RunSpec& spec) {
  std::string text = spec.model.name + " · " + std::to_string(spec.model.layers) + " layers · tp " +
                     std::to_string(spec.workload.tp);
  return spec.model.synthetic ? text + " · synthetic" : text;
}

// "1.234 ms ± 0.011": the median and half its interval, in the unit of the median.
std::string estimate_text(const trace::Estimate& e) {
  if (e.n == 0) return std::string(kNothing);
  const bool ms = e.median >= 1000;
  const double unit = ms ? 1000 : 1;
  std::string text = number_text(e.median / unit, ms ? 3 : 1) + (ms ? " ms" : " µs");
  if (e.n >= 6) text += " ± " + number_text((e.hi - e.lo) / 2 / unit, ms ? 3 : 1);
  return text;
}

void add_figures(const AppState& state, SessionVm& vm) {
  const SessionState& s = state.session;
  if (s.steps.empty()) return;
  vm.fields.push_back({"step", estimate_text(current_step(s))});
  vm.fields.push_back({"kernels / step", count_text(s.steps.back().kernels)});
  for (auto run = state.runs.rbegin(); run != state.runs.rend(); ++run) {
    if (run->live || run->run->origin != trace::Origin::engine || run->run->traced_step_us <= 0)
      continue;
    vm.fields.push_back(
        {"tracing cost", signed_percent_text(trace::tracing_overhead_pct(*run->run))});
    break;
  }
}

std::string ab_progress_text(const SessionState& s) {
  std::string text = "A/B";
  for (const trace::ToggleKey k : s.ab_keys) text += " " + std::string(trace::info(k).name);
  if (s.ab_progress && s.ab_progress->instances > 0) {
    const auto& p = *s.ab_progress;
    text += ": instance " + std::to_string(std::min(p.instance + 1, p.instances)) + " of " + std::to_string(p.instances);
    if (p.quads > 0) text += ", quad " + std::to_string(p.quad) + " of " + std::to_string(p.quads);
    if (!p.detail.empty()) text += " · " + p.detail;
  }
  return text;
}

}  // namespace

std::string spec_summary(const trace::RunSpec& spec) {
  return trace::shown_name(spec.model) + " tp " + std::to_string(spec.workload.tp) + " · " + spec.backend +
         " · " + std::string(spec.toggles.value(trace::ToggleKey::launch));
}

PhaseVm phase_vm(const SessionState& s) {
  PhaseVm vm;
  switch (s.phase) {
    case Phase::idle:
      vm = {.title = "No engine"};
      break;
    case Phase::loading:
      vm = {.title = "Loading", .mood = Mood::busy};
      break;
    case Phase::running:
      vm = {.title = "Live", .mood = Mood::good};
      break;
    case Phase::paused:
      vm = {.title = "Paused"};
      break;
    case Phase::recording:
      vm = {.title = "Recording", .mood = Mood::busy};
      break;
    case Phase::ab:
      vm = {.title = "A/B", .mood = Mood::busy};
      break;
  }
  if (s.running && s.phase != Phase::idle) vm.what = spec_summary(*s.running);
  return vm;
}

SessionVm session_vm(const AppState& state) {
  const SessionState& s = state.session;
  SessionVm vm;
  const bool loaded = s.phase != Phase::idle;
  const trace::RunSpec& spec = loaded && s.running ? *s.running : state.draft;
  const trace::BackendInfo* backend = chosen_backend(s, spec.backend);
  vm.can_start = s.phase == Phase::idle && s.connected && backend && backend->usable;
  if (!s.absent.empty())
    vm.why_not = s.absent;
  else if (!s.connected)
    vm.why_not = "the engine has not answered yet";
  else if (!backend)
    vm.why_not = "no backend called " + spec.backend + " here";
  else if (!backend->usable)
    vm.why_not = backend->name + ": " + backend->why;
  vm.can_stop = loaded;
  vm.can_pause = s.phase == Phase::running;
  vm.can_resume = s.phase == Phase::paused;
  vm.can_record = s.phase == Phase::running || s.phase == Phase::paused;
  vm.can_cancel = s.phase == Phase::recording || s.phase == Phase::ab || s.phase == Phase::loading;
  vm.refusal = s.refusal;
  vm.fields.push_back(
      {"backend",
       (backend ? backend->name + (backend->device.empty() ? "" : " · " + backend->device)
                : spec.backend)});
  vm.fields.push_back({"model", model_text(spec)});
  vm.fields.push_back(
      {"batch · context",
       std::to_string(spec.workload.batch) +
           (spec.workload.next_n > 1 ? " × " + std::to_string(spec.workload.next_n) : "") + " · " +
           count_text(spec.workload.context)});
  if (loaded) add_figures(state, vm);
  if (vm.can_cancel) {
    vm.fraction = s.fraction;
    vm.progress = s.phase == Phase::ab ? ab_progress_text(s)
                  : s.detail.empty()   ? phase_vm(s).title
                                       : s.detail;
  }
  return vm;
}

std::string toggle_changes(const trace::ToggleSet& from, const trace::ToggleSet& to) {
  std::string text;
  for (const trace::ToggleKey k : to.differing(from)) {
    if (!text.empty()) text += ", ";
    text += std::string(trace::info(k).name) + " " + std::string(to.value(k));
  }
  return text;
}

trace::Estimate current_step(const SessionState& s) {
  std::vector<double> us;
  for (auto p = s.steps.rbegin();
       p != s.steps.rend() && us.size() < 512 && p->toggles == s.steps.back().toggles; ++p)
    us.push_back(p->us);
  return trace::estimate_median(us);
}

namespace {

void fill_bins(const StepChartVm& vm, const StepChartVm::Segment& segment, std::array<double, StepChartVm::kBins>& bins) {
  const double width = std::max(vm.high_us - vm.low_us, 1e-9) / static_cast<double>(bins.size());
  for (size_t i = segment.first; i < segment.first + segment.count; ++i) {
    const double bin = std::clamp((vm.us[i] - vm.low_us) / width, 0.0, static_cast<double>(bins.size()) - 1);
    bins[static_cast<size_t>(bin)] += 1.0 / static_cast<double>(segment.count);
  }
}

void add_segments(StepChartVm& vm) {
  size_t first = 0;
  for (size_t f = 0; f <= vm.flips.size(); ++f) {
    const double until = f < vm.flips.size() ? vm.flips[f].index : vm.index.back() + 1;
    size_t last = first;
    while (last < vm.index.size() && vm.index[last] < until) ++last;
    if (last == first) continue;
    const std::vector<double> us(vm.us.begin() + static_cast<ptrdiff_t>(first), vm.us.begin() + static_cast<ptrdiff_t>(last));
    vm.segments.push_back({first, last - first, trace::percentile(us, 0.05), trace::percentile(us, 0.95)});
    first = last;
  }
}

void limit_range(StepChartVm& vm) {
  double slowest = 0;
  for (const StepChartVm::Segment& s : vm.segments) {
    const auto begin = vm.us.begin() + static_cast<ptrdiff_t>(s.first);
    slowest = std::max(slowest, trace::median({begin, begin + static_cast<ptrdiff_t>(s.count)}));
  }
  vm.high_us = std::min(vm.high_us, 2 * slowest);
}

void fill_histogram(StepChartVm& vm) {
  if (vm.segments.empty()) return;
  fill_bins(vm, vm.segments.back(), vm.now);
  if (vm.segments.size() > 1) fill_bins(vm, vm.segments[vm.segments.size() - 2], vm.before);
}

}  // namespace

// A reading counts if it has what any reading has, so that a series never lacks a point.
static void add_sensors(const SessionState& s, size_t first, StepChartVm& vm) {
  bool clock = false, power = false;
  for (size_t i = first; i < s.steps.size(); ++i) clock |= s.steps[i].clock_mhz.has_value(), power |= s.steps[i].watts.has_value();
  for (size_t i = first; i < s.steps.size(); ++i) {
    const StepPoint& p = s.steps[i];
    if (p.celsius) vm.celsius = *p.celsius;
    if ((!clock && !power) || (clock && !p.clock_mhz) || (power && !p.watts)) continue;
    vm.sensor_index.push_back(static_cast<double>(p.index));
    if (clock) vm.clock_mhz.push_back(*p.clock_mhz);
    if (power) vm.watts.push_back(*p.watts);
  }
}

StepChartVm step_chart(const SessionState& s, size_t most_points) {
  StepChartVm vm;
  const size_t first = s.steps.size() > most_points ? s.steps.size() - most_points : 0;
  std::vector<double> since_flip;
  for (size_t i = first; i < s.steps.size(); ++i) {
    const StepPoint& p = s.steps[i];
    if (i > first && !(p.toggles == s.steps[i - 1].toggles)) {
      vm.flips.push_back(
          {static_cast<double>(p.index), toggle_changes(s.steps[i - 1].toggles, p.toggles)});
      since_flip.clear();
    }
    since_flip.push_back(p.us);
    vm.index.push_back(static_cast<double>(p.index));
    vm.us.push_back(p.us);
    const size_t window = std::min<size_t>(since_flip.size(), 32);
    vm.median_us.push_back(
        trace::median({since_flip.end() - static_cast<ptrdiff_t>(window), since_flip.end()}));
  }
  if (vm.us.empty()) return vm;
  add_sensors(s, first, vm);
  vm.low_us = trace::percentile(vm.us, 0.01);
  vm.high_us = trace::percentile(vm.us, 0.99);
  add_segments(vm);
  limit_range(vm);
  for (size_t i = 0; i < vm.us.size(); ++i)
    if (vm.us[i] > vm.high_us) vm.above_index.push_back(vm.index[i]);
  vm.slowest_us = *std::ranges::max_element(vm.us);
  fill_histogram(vm);
  return vm;
}

}  // namespace ui
