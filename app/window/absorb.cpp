// Replies of the engine into the state.
#include <algorithm>
#include <utility>

#include "app/window/reduce.h"
#include "ui/vm/session_vm.h"

namespace app {
namespace {

using namespace ui;
using trace::reply::Phase;

// Clocks, power and temperature, where a step of the engine's messages carries them.
template <class Step>
void read_sensors(const Step& r, StepPoint& p) {
  if constexpr (requires { r.sensors->clock_mhz; }) {
    if (!r.sensors) return;
    p.clock_mhz = r.sensors->clock_mhz;
    p.watts = r.sensors->watts;
    p.celsius = r.sensors->celsius;
  }
}

struct Absorber {
  AppState& state;
  Effects effects;

  void operator()(const trace::reply::Welcome& r) {
    if (r.protocol != trace::kProtocol) {
      const std::string text = "the engine speaks protocol " + std::to_string(r.protocol) +
                               " (version " + r.version + "), this window " +
                               std::to_string(trace::kProtocol);
      state.session.refusal = text;
      notify(state, NoticeKind::error, text);
      return;
    }
    state.session.connected = true;
    state.session.backends = r.backends;
    std::erase_if(state.session.sketches, [](const auto& s) { return !s.second.sketch; });   // asked of a link that dropped
  }

  void operator()(const trace::reply::State& r) {
    SessionState& s = state.session;
    s.phase = r.phase;
    s.detail = r.detail;
    s.fraction = r.fraction;
    if (r.spec) {
      s.running = r.spec;
      state.draft.toggles = r.spec->toggles;
    }
    if (r.phase == Phase::idle) {
      s.running.reset();
      s.ab_keys.clear();
      s.ab_progress.reset();
    }
    if (r.phase == Phase::loading) s.steps.clear(), s.marks.clear();
    if (r.phase == Phase::running && std::exchange(s.record_when_running, false))
      effects.push_back(effect::Post{trace::request::Record{0, r.spec ? r.spec->name : std::string()}});
  }

  void operator()(const trace::reply::StepDone& r) {
    auto& steps = state.session.steps;
    steps.push_back({r.index, r.us, r.kernels, r.toggles});
    read_sensors(r, steps.back());
    if (steps.size() > kStepHistory) steps.pop_front();
  }

  void operator()(const trace::reply::StepTrace& r) {
    auto run = std::make_shared<trace::Run>();
    run->origin = trace::Origin::engine;
    run->name = "live step " + std::to_string(r.index);
    run->trace = r.trace;
    if (state.session.running) {
      run->spec = *state.session.running;
      run->backend = state.session.running->backend;
      if (!state.session.steps.empty()) run->spec->toggles = state.session.steps.back().toggles;
    }
    OpenRun* live = state.find(state.session.live);
    if (!live) {
      const RunKey selected = state.selected;
      state.session.live = add_run(state, run, "live", effects);
      std::rotate(state.stack.begin(), state.stack.end() - 1, state.stack.end());  // on top
      live = state.find(state.session.live);
      live->live = true;
      if (selected != kNoRun) state.selected = selected;
    } else {
      live->run = run;
      if (state.selection.run == live->key)
        state.selection = {};  // ids of the step before mean nothing here
      analyse_if_needed(state, *live, effects);
    }
    live->title = "live · " + (state.session.running ? spec_summary(*state.session.running)
                                                     : std::string("step"));
    live->note = "step " + std::to_string(r.index);
  }

  void operator()(const trace::reply::Recorded& r) {
    const RunKey key = add_run(state, r.run, r.run->name, effects);
    if (state.store.available && r.run->id == 0) effects.push_back(effect::SaveRun{key});
    notify(state, NoticeKind::info, "recorded " + r.run->name);
  }

  void operator()(const trace::reply::AbProgress& r) {
    state.session.ab_progress = r;
    if (r.instances > 0) {
      const double quads = std::max(r.quads, 1);
      state.session.fraction = (std::max(r.instance - 1, 0) + r.quad / quads) / r.instances;
    }
  }

  void operator()(const trace::reply::AbDone& r) {
    const trace::AbResult& ab = *r.result;
    state.session.last_ab = r.result;
    if (ab.spec.keys.size() == 1) state.session.effects[ab.spec.keys[0]] = r.result;
    state.session.ab_keys.clear();
    state.session.ab_progress.reset();
    RunKey a = kNoRun, b = kNoRun;
    if (ab.a && ab.a->trace) a = add_run(state, ab.a, "A · " + ab.a->name, effects);
    if (ab.b && ab.b->trace) b = add_run(state, ab.b, "B · " + ab.b->name, effects);
    if (ab.spec.keys.size() == 1 && ab.a && ab.b && ab.a->trace && ab.b->trace)
      state.session.pipelines[ab.spec.keys[0]] = pipeline_diff(*ab.a->trace, *ab.b->trace);
    state.compare = {.a = a, .b = b, .scope = state.compare.scope};  // compared as soon as both are analysed
    if (state.store.available && ab.a && ab.a->id == 0)
      effects.push_back(effect::SaveAb{r.result, a, b});
    std::string keys;
    for (const trace::ToggleKey k : ab.spec.keys) keys += std::string(trace::info(k).name) + " ";
    notify(state, ab.equivalence.ok ? NoticeKind::info : NoticeKind::error,
           "A/B " + keys + std::string(trace::to_string(ab.estimate.verdict)) +
               (ab.equivalence.ok ? "" : ", NOT equivalent: " + ab.equivalence.first_difference));
  }

  void operator()(const trace::reply::Sketched& r) {
    if (!r.sketch) return;
    const auto known = state.session.sketches.find(r.sketch->key);   // what was asked for meanwhile is still to come
    if (known != state.session.sketches.end() && known->second.asked == r.sketch->spec) known->second.sketch = r.sketch;
  }
  void operator()(const trace::reply::Refused& r) { problem("refused: " + r.error.line()); }
  void operator()(const trace::reply::Failed& r) { problem(r.error.line()); }
  void problem(const std::string& text) {
    state.session.refusal = text;
    state.session.record_when_running = false;
    notify(state, NoticeKind::error, text);
  }
  void operator()(const trace::reply::Cancelled& r) {
    state.session.ab_keys.clear();
    state.session.ab_progress.reset();
    notify(state, NoticeKind::info, "cancelled: " + r.what);
  }
  void operator()(const trace::reply::Coming&) {}   // the link's own business
  void operator()(const trace::reply::Notice& r) { notify(state, NoticeKind::info, r.text); }
};

}  // namespace

Effects absorb(AppState& state, const trace::Reply& reply) {
  Absorber absorber{state, {}};
  std::visit(absorber, reply);
  return std::move(absorber.effects);
}

}  // namespace app
