#include "app/window/reduce.h"

#include <algorithm>

#include "app/window/reduce_runs.h"
#include "app/window/reduce_view.h"
#include "ui/vm/session_vm.h"
#include "ui/vm/toggles_vm.h"

namespace app {
namespace {

using namespace ui;
using trace::reply::Phase;

struct Reducer {
  AppState& state;
  Effects effects;

  void post(const trace::Request& request) {
    effects.emplace_back(std::in_place_type<effect::Post>, request);
  }

  // --- engine
  void operator()(const action::Connect& a) {
    // What the other engine did is over here; runs and measured effects stay.
    SessionState fresh;
    fresh.effects = state.session.effects;
    fresh.last_ab = state.session.last_ab;
    fresh.probe = state.session.probe;
    fresh.remote = a.to;
    if (!a.to.empty()) {
      fresh.host = a.to;
      std::erase(state.recent_hosts, a.to);
      state.recent_hosts.insert(state.recent_hosts.begin(), a.to);
      if (state.recent_hosts.size() > 8) state.recent_hosts.resize(8);
    }
    // The live step of the other engine would never move again.
    if (state.session.live != kNoRun) reduce_runs(state, action::CloseRun{state.session.live}, effects);
    state.session = std::move(fresh);
    effects.emplace_back(effect::Connect{a.to});
  }
  void operator()(const action::StartSession&) {
    state.session.refusal.clear();
    post(trace::request::Start{state.draft});
  }
  void operator()(const action::StopSession&) { post(trace::request::Stop{}); }
  void operator()(const action::Pause&) { post(trace::request::Pause{}); }
  void operator()(const action::Resume&) { post(trace::request::Resume{}); }
  void operator()(const action::SingleStep&) { post(trace::request::SingleStep{}); }
  void operator()(const action::AskSketch& a) {
    SessionState& s = state.session;
    if (!s.connected) return;
    trace::RunSpec spec = sketch_spec(state, a.key);
    const auto known = s.sketches.find(a.key);
    if (known != s.sketches.end() && known->second.asked == spec) return;
    s.sketches[a.key] = {spec, nullptr};
    post(trace::request::Sketch{std::move(spec), a.key});
  }
  void operator()(const action::MarkStep&) {
    SessionState& s = state.session;
    if (s.steps.empty()) return;
    const int64_t at = s.steps.back().index;
    if (!s.marks.empty() && s.marks.back().index == at) return;
    s.marks.push_back({at, "mark " + std::to_string(s.marks.size() + 1)});
  }
  void operator()(const action::CancelWork&) { post(trace::request::Cancel{}); }
  void operator()(const action::RecordAgain& a) {
    state.draft = a.spec;
    state.session.refusal.clear();
    state.session.record_when_running = true;
    post(trace::request::Start{a.spec});
  }
  void operator()(const action::Record& a) { post(trace::request::Record{a.steps, {}}); }
  void operator()(const action::EditSpec& a) {
    const trace::ToggleSet toggles = state.draft.toggles;  // the switches have their own action
    state.draft = a.spec;
    state.draft.toggles = toggles;
  }
  void operator()(const action::SetToggle& a) {
    trace::ToggleSet next = state.draft.toggles;
    next.set_index(a.key, a.index);
    const bool running = state.session.phase != Phase::idle && state.session.running;
    const trace::RunSpec& spec = running ? *state.session.running : state.draft;
    if (const trace::Status ok = trace::validate(next, spec.model, spec.backend); !ok.ok()) {
      notify(state, NoticeKind::warning, ok.error().line());
      return;
    }
    state.draft.toggles = next;
    if (running) post(trace::request::SetToggles{next});
  }
  void operator()(const action::RunAb& a) {
    if (!state.session.running) return;
    trace::AbSpec spec;
    spec.base = *state.session.running;
    spec.base.toggles = state.draft.toggles;
    spec.keys = a.keys;
    spec.full = a.full;
    spec.a = spec.b = spec.base.toggles;
    for (const trace::ToggleKey key : a.keys) {
      // First value against the one that is set; with the first one set, against the last.
      spec.a.set_index(key, 0);
      if (spec.b.index(key) == 0) spec.b.set_index(key, trace::info(key).value_count - 1);
    }
    spec.base.toggles = spec.a;
    state.session.ab_keys = a.keys;
    state.session.ab_progress.reset();
    post(trace::request::RunAb{std::move(spec)});
  }

  // --- window
  void operator()(const action::SetTheme& a) {
    state.theme = a.theme;
    effects.push_back(effect::ApplyTheme{});
  }
  void operator()(const action::SetFontScale& a) {
    state.font_scale = std::clamp(a.scale, 0.7f, 2.5f);
    effects.push_back(effect::ApplyTheme{});
  }
  void operator()(const action::FocusPanel& a) { effects.push_back(effect::FocusPanel{a.title}); }
  void operator()(const action::ResetLayout&) { effects.push_back(effect::ResetLayout{}); }
  void operator()(const action::ShowAbout& a) { state.show_about = a.on; }
  void operator()(const action::SaveText& a) { effects.emplace_back(effect::AskSaveText{a.suggestion, a.text}); }
  void operator()(const action::ShowHelp& a) { state.show_help = a.on; }
  void operator()(const action::CopyText& a) { effects.push_back(effect::CopyText{a.text}); }
  void operator()(const action::DismissNotice& a) {
    for (Notice& n : state.notices) n.dismissed = n.dismissed || n.id == a.id;
  }
  void operator()(const action::CancelJob& a) { effects.push_back(effect::CancelJob{a.id}); }
  void operator()(const action::Quit&) { effects.push_back(effect::Quit{}); }

  // --- the rest has files of its own
  template <class A>
  void operator()(const A& a) {
    if constexpr (requires { reduce_runs(state, a, effects); })
      reduce_runs(state, a, effects);
    else
      reduce_view(state, a, effects);
  }
};

}  // namespace

Effects reduce(AppState& state, const Action& a) {
  Reducer reducer{state, {}};
  std::visit(reducer, a);
  return std::move(reducer.effects);
}

}  // namespace app
