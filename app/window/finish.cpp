// Outcomes of the worker into the state.
#include <algorithm>
#include <filesystem>

#include "app/window/reduce.h"
#include "app/window/reduce_runs.h"
#include "app/window/view_state.h"
#include "trace/stamps.h"
#include "ui/vm/format.h"

namespace app {
namespace {

using namespace ui;

// The title says the file, not its endings.
std::string title_of(const trace::Run& run) {
  std::string title = run.name;
  if (run.origin != trace::Origin::imported) return title;
  for (const char* ending : {".gz", ".zst", ".json", ".csv"}) {
    if (title.ends_with(ending)) title.resize(title.size() - std::string_view(ending).size());
  }
  return title;
}

struct Finisher {
  AppState& state;
  Effects effects;

  void end_job(uint32_t id) {
    std::erase_if(state.jobs, [id](const JobState& j) { return j.id == id; });
  }

  void operator()(const outcome::Read& o) {
    end_job(o.job);
    if (!o.runs.ok()) {
      notify(state, NoticeKind::error, o.runs.error().line());
      return;
    }
    for (const trace::RunPtr& run : o.runs.value()) {
      if (run->trace) add_run(state, run, title_of(*run), effects);
    }
    if (!o.view.empty()) apply_view(state, o.view);
    const std::string file = std::filesystem::path(o.path).filename().string();
    const trace::Run* only = o.runs->size() == 1 ? o.runs->front().get() : nullptr;
    if (!only || !only->report) {
      notify(state, NoticeKind::info,
             "opened " + count_text(static_cast<int64_t>(o.runs->size())) +
                 (only ? " run of " : " runs of ") + file + "; they are not in the store");
      return;
    }
    const trace::ImportReport& report = *only->report;
    const bool empty = trace::active_devices(*only->trace).empty();
    std::string text = "read " + file + ": " + count_text(report.used) + " of " +
                       count_text(report.read) + " records";
    for (const std::string& warning : report.warnings) text += "\n" + warning;
    notify(state, report.warnings.empty() && !empty ? NoticeKind::info : NoticeKind::warning,
           empty ? text + "\nno GPU activity in it" : text);
  }

  void operator()(const outcome::Analysed& o) {
    OpenRun* open = state.find(o.key);
    if (!open) return;
    open->analysing = false;
    if (!o.analysis) return;
    const bool first = !open->analysis, was_ready = open->ready();
    open->analysis = o.analysis;
    open->device = trace::profiled_of(*open->run->trace, o.analysis->options.device);
    align(state, *open);
    if (state.selection.run == o.key && state.selection.kind == SelectionKind::bubble &&
        state.selection.index >= o.analysis->bubbles->size())
      state.selection = {};
    analyse_if_needed(state, *open, effects);  // what changed while the worker was at it, and the second half
    if (first || open->live) refit(state);
    if (open->ready()) compare_when_ready(o.key, !was_ready);
  }

  // A chosen pair is compared when both sides are there; without a choice, the first two of the
  // stack.
  void compare_when_ready(RunKey key, bool first) {
    CompareState& c = state.compare;
    if (c.a == kNoRun && c.b == kNoRun && first) {
      std::vector<RunKey> shown;
      for (const RunKey k : state.stack) {
        const OpenRun* r = state.find(k);
        if (r && r->ready() && !r->live) shown.push_back(k);
      }
      if (shown.size() >= 2)
        c = {.a = shown[0], .b = shown[1], .scope = c.scope};
      else
        return;
    }
    const OpenRun *a = state.find(c.a), *b = state.find(c.b);
    if (!a || !b || !a->ready() || !b->ready() || c.pending) return;
    const bool concerned = key == c.a || key == c.b;
    if (c.result && !concerned) return;
    c.pending = true;
    effects.push_back(effect::Compare{c.a, c.b});
  }

  void operator()(const outcome::Compared& o) {
    if (state.compare.a != o.a || state.compare.b != o.b)
      return;  // another pair was chosen meanwhile
    state.compare.pending = false;
    state.compare.result = o.result;
    state.compare.used = o.used;
    state.compare.unavailable = o.unavailable;
    state.compare.run_a = o.run_a;
    state.compare.run_b = o.run_b;
    state.compare.samples = o.samples;
  }

  void operator()(const outcome::Listed& o) {
    state.store.available = o.problem.empty();
    state.store.path = o.path;
    state.store.problem = o.problem;
    state.store.bytes = o.bytes;
    state.store.runs = o.runs;
    if (!o.problem.empty()) notify(state, NoticeKind::warning, "no store: " + o.problem);
    ask_for_effects();
  }

  // The newest stored A/B of each switch alone, measured on this machine, says what it bought.
  void ask_for_effects() {
    const auto arm = [&](int64_t ab, char which) -> const trace::Run* {
      for (const trace::Run& r : state.store.runs) {
        if (r.ab_id == ab && r.ab_arm == which) return &r;
      }
      return nullptr;
    };
    for (const trace::Run& a : state.store.runs) {
      if (a.ab_id == 0 || a.ab_arm != 'a' || !a.spec || a.host != state.store.host) continue;
      const trace::Run* b = arm(a.ab_id, 'b');
      if (!b || !b->spec) continue;
      const auto keys = b->spec->toggles.differing(a.spec->toggles);
      if (keys.size() != 1 || state.session.effects.contains(keys[0]) ||
          !state.store.effects_asked.insert(keys[0]).second)
        continue;
      effects.push_back(effect::LoadAb{a.id});
    }
  }

  void operator()(const outcome::AbLoaded& o) {
    if (!o.result.ok()) {
      notify(state, NoticeKind::warning, o.result.error().line());
      return;
    }
    const auto& keys = o.result.value()->spec.keys;
    state.abs[o.ab] = o.result.value();
    if (keys.size() == 1 && state.session.effects.emplace(keys[0], o.result.value()).second)
      state.session.pipelines[keys[0]] = o.pipeline;
  }

  void operator()(const outcome::KernelHistory& o) {
    end_job(o.job);
    if (o.result.name != state.history.name || o.result.op != state.history.op) return;  // another was asked for meanwhile
    state.history = o.result;
  }

  void operator()(const outcome::Loaded& o) {
    end_job(o.job);
    if (!o.result.ok()) {
      notify(state, NoticeKind::error, o.result.error().line());
      return;
    }
    if (!o.result.value()->trace) {
      notify(state, NoticeKind::warning, "run " + std::to_string(o.id) + " holds no trace");
      return;
    }
    const trace::Run& run = *o.result.value();
    if (run.ab_id != 0 && !state.abs.contains(run.ab_id)) effects.push_back(effect::LoadAb{run.id});
    add_run(state, o.result.value(), run.name, effects);
    if (!o.view.empty() && state.marks.empty()) apply_view(state, o.view);
    compare_when_open();
  }

  // Both stored runs are there: they are compared as soon as both are analysed.
  void compare_when_open() {
    if (!state.compare_when_open) return;
    const auto [a, b] = *state.compare_when_open;
    RunKey first = kNoRun, second = kNoRun;
    for (const OpenRun& open : state.runs) {
      if (open.run->id == a) first = open.key;
      if (open.run->id == b) second = open.key;
    }
    if (first == kNoRun || second == kNoRun) return;
    state.compare_when_open.reset();
    state.compare = {.a = first, .b = second, .scope = state.compare.scope};
  }

  void operator()(const outcome::Imported& o) {
    end_job(o.job);
    if (!o.ids.ok()) {
      notify(state, NoticeKind::error, o.ids.error().line());
      return;
    }
    std::string text = "imported " + std::filesystem::path(o.path).filename().string() + " as run";
    for (const int64_t id : o.ids.value()) text += " " + std::to_string(id);
    notify(state, NoticeKind::info, text);
    effects.push_back(effect::ListStore{});
  }

  void operator()(const outcome::Saved& o) {
    if (!o.id.ok()) {
      notify(state, NoticeKind::error, "not saved: " + o.id.error().line());
      return;
    }
    if (OpenRun* open = state.find(o.key)) {
      auto stored = std::make_shared<trace::Run>(*open->run);
      stored->id = o.id.value();
      replace_run(*open, std::move(stored));
      notify(state, NoticeKind::info,
             "stored " + open->title + " as run " + std::to_string(o.id.value()));
    }
    effects.push_back(effect::ListStore{});
  }

  void operator()(const outcome::Done& o) {
    if (o.job != 0) end_job(o.job);
    if (!o.status.ok())
      notify(state, NoticeKind::error, o.what + ": " + o.status.error().line());
    else if (!o.what.empty())
      notify(state, NoticeKind::info, o.what, o.offers_undo);
    effects.push_back(effect::ListStore{});
  }
};

}  // namespace

Effects finish(AppState& state, const Outcome& outcome) {
  Finisher finisher{state, {}};
  std::visit(finisher, outcome);
  return std::move(finisher.effects);
}

}  // namespace app
