#include <fmt/format.h>

#include <algorithm>

#include "app/window/reduce.h"
#include "trace/ranks.h"
#include "trace/stamps.h"
#include "ui/panels.h"
#include "ui/vm/align.h"

namespace app {

using namespace ui;

void notify(AppState& state, NoticeKind kind, std::string text, bool offers_undo) {
  state.notices.push_back({.id = state.next_id++,
                           .kind = kind,
                           .text = std::move(text),
                           .at_s = state.now_s,
                           .offers_undo = offers_undo});
  constexpr size_t kMost = 500;
  if (state.notices.size() > kMost) state.notices.pop_front();
}

std::string run_note(const trace::Run& run) {
  std::string note;
  const auto add = [&note](const std::string& text) {
    if (text.empty()) return;
    if (!note.empty()) note += " · ";
    note += text;
  };
  if (!run.device.empty())
    add(run.device);
  else if (run.trace && !run.trace->devices.empty())
    add(run.trace->devices[0].name);
  if (run.trace) add(run.trace->collector.name);
  return note;
}

void replace_run(OpenRun& open, std::shared_ptr<trace::Run> run) {
  if (open.analysis && open.analysis->run == open.run) {
    auto analysis = std::make_shared<RunAnalysis>(*open.analysis);
    analysis->run = run;
    open.analysis = std::move(analysis);
  }
  open.annotations = annotations_of(run->note);
  open.run = std::move(run);
}

AnalysisOptions options_for(const AppState& state, const OpenRun& open) {
  AnalysisOptions o{
      .device = open.device, .thresholds = state.thresholds, .grouping = state.show.grouping, .host = state.show.host,
      .groups = state.groups};
  if (open.analysis) o.device = choose_device(open.analysis->devices, open.device);
  if (state.lens && open.run->trace) o.device = trace::stamps_of(*open.run->trace, o.device).value_or(o.device);
  return o;
}

void analyse_if_needed(const AppState& state, OpenRun& open, Effects& effects) {
  if (open.analysing || !open.run->trace) return;
  const bool fresh = open.analysis && open.analysis->complete() && open.analysis->run == open.run &&
                     open.analysis->options == options_for(state, open);
  if (fresh) return;
  open.analysing = true;
  effects.push_back(effect::Analyse{open.key});
}

RunKey add_run(AppState& state, trace::RunPtr run, std::string title, Effects& effects) {
  // Ranks of one job are stacked, each with its device: one run, one clock.
  std::vector<uint32_t> devices;
  if (run->trace && run->trace->source == trace::kRanksMerged) devices = trace::active_devices(*run->trace);
  std::ranges::sort(devices);
  const bool ranks = devices.size() > 1;
  if (!ranks) devices = {0};
  constexpr size_t kMostRanks = 16;
  if (devices.size() > kMostRanks) {
    notify(state, NoticeKind::info, fmt::format("the first {} of {} ranks are shown; the run's device list has the others", kMostRanks, devices.size()));
    devices.resize(kMostRanks);
  }
  RunKey first = kNoRun;
  for (const uint32_t device : devices) {
    OpenRun open;
    open.key = state.next_id++;
    open.title = ranks ? "rank " + run->trace->devices[device].id + " · " + title : title;
    open.note = run_note(*run);
    open.device = device;
    open.annotations = annotations_of(run->note);
    open.run = run;
    state.runs.push_back(std::move(open));
    OpenRun& added = state.runs.back();
    state.stack.push_back(added.key);
    if (first == kNoRun) first = added.key;
    analyse_if_needed(state, added, effects);
  }
  state.selected = first;
  return first;
}

void align(const AppState& state, OpenRun& open) {
  if (!open.analysis) return;
  const auto origin = aligned_origin(*open.analysis, state.align);
  open.origin_ns = origin.value_or(open.analysis->report->window.begin_ns);
  open.align_note = origin ? "" : "has nothing to align by";
}

void refit(AppState& state) {
  if (!state.view.fitted) return;
  const Extent content = stack_of(state).content();
  if (content.ns() <= 0) return;
  const double shown = state.view.end_ns() - state.view.begin_ns,
               wanted = static_cast<double>(content.ns());
  const bool close = state.view.begin_ns == static_cast<double>(content.begin_ns) &&
                     wanted <= shown && wanted > 0.8 * shown;
  if (!close) state.view = fit(state.view, content);
}

}  // namespace app
