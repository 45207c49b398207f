#include "app/window/workbench.h"

#include <imgui.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "app/source.h"
#include "app/version.h"
#include "app/window/components.h"
#include "app/window/effect_runner.h"
#include "app/window/engine_remote.h"
#include "app/window/reduce.h"
#include "ui/shell.h"
#include "ui/theme.h"

namespace app {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Workbench::Workbench(Parts parts) : m_parts(std::move(parts)), m_opened_s(steady_seconds()) {
  m_io = std::make_unique<Worker>(m_parts.wake);
  m_analysis = std::make_unique<Worker>(m_parts.wake);
  m_state.store.host = host_name();
  m_state.recent_hosts = m_parts.settings.recent_hosts;
  m_state.recent_files = m_parts.settings.recent_files;
  ui::GroupRules groups;
  for (const std::string& text : m_parts.settings.kernel_groups) {
    if (auto rule = ui::parse_group(text)) groups.push_back(std::move(*rule));
  }
  if (!groups.empty()) m_state.groups = std::make_shared<const ui::GroupRules>(std::move(groups));
  m_state.version = program_name();
  m_state.components = components();
  m_state.theme = m_parts.settings.theme;
  m_state.font_scale = m_parts.settings.font_scale;
  if (auto tiny = trace::model_preset("tiny"); tiny.ok()) m_state.draft.model = tiny.value();
  const auto panels = ui::panels();
  for (size_t i = 0; i < panels.size(); ++i) {
    m_memory.closed[i] = std::ranges::find(m_parts.settings.closed_panels, panels[i].title) !=
                         m_parts.settings.closed_panels.end();
  }
  ui::set_theme(m_state.theme, m_state.font_scale);
  if (m_parts.engine)
    m_parts.engine->post(trace::request::Hello{.version = decodescope_version()});
  else
    m_state.session.absent = "a picture has no engine";
  if (m_parts.store)
    run({effect::ListStore{}});
  else
    m_state.store.problem = "no store";
}

Workbench::~Workbench() {
  save_settings();
  // Tasks hold pointers to the store: they end before it does.
  m_analysis.reset();
  m_io.reset();
}

void Workbench::save_settings() {
  if (!m_parts.remember) return;
  m_parts.settings.theme = m_state.theme;
  m_parts.settings.font_scale = m_state.font_scale;
  m_parts.settings.kernel_groups.clear();
  for (const ui::GroupRule& rule : m_state.groups ? *m_state.groups : ui::GroupRules{})
    m_parts.settings.kernel_groups.push_back(ui::group_text(rule));
  m_parts.settings.closed_panels.clear();
  const auto panels = ui::panels();
  for (size_t i = 0; i < panels.size(); ++i) {
    if (m_memory.closed[i]) m_parts.settings.closed_panels.emplace_back(panels[i].title);
  }
  app::save_settings(m_parts.settings);
}

bool Workbench::poll() {
  m_state.now_s = steady_seconds() - m_opened_s;
  // Between frames: a style that changes within one would tear it.
  if (std::exchange(m_theme_pending, false)) ui::set_theme(m_state.theme, m_state.font_scale);
  bool changed = m_dialogs.poll();
  changed = poll_engine() || changed;
  for (Worker* worker : {m_io.get(), m_analysis.get()}) {
    for (const Outcome& outcome : worker->poll()) {
      const auto* analysed = std::get_if<outcome::Analysed>(&outcome);
      m_urgent = m_urgent || !analysed || analysed->key != m_state.session.live;
      run(finish(m_state, outcome));
      changed = true;
    }
  }
  update_jobs();
  return changed || !m_state.jobs.empty();
}

// A call that blocks gives the processor away of its own will; one that is only preempted on a busy machine does not.
// What counts is the time of the former.
template <class F>
auto Workbench::probed(F&& call) {
  rusage before{}, after{};
  getrusage(RUSAGE_THREAD, &before);
  const double begin = steady_seconds();
  auto result = call();
  const double us = (steady_seconds() - begin) * 1e6;
  getrusage(RUSAGE_THREAD, &after);
  ui::EngineProbe& probe = m_state.session.probe;
  ++probe.calls;
  if (after.ru_nvcsw == before.ru_nvcsw) return result;
  probe.longest_us = std::max(probe.longest_us, us);
  probe.over_1ms += us > 1000;
  return result;
}

void Workbench::post_to_engine(trace::Request request) {
  if (m_parts.engine) probed([&] { return m_parts.engine->post(std::move(request)), true; });
}

bool Workbench::poll_engine() {
  if (!m_parts.engine) return false;
  bool changed = false;
  for (const trace::Reply& reply : probed([&] { return m_parts.engine->poll(); })) {
    run(absorb(m_state, reply));
    changed = true;
  }
  const LinkState link = probed([&] { return m_parts.engine->state(); });
  ui::SessionState& s = m_state.session;
  const std::string text = link.phase == LinkPhase::up ? std::string() : link.text;
  if (link.phase != LinkPhase::up) s.connected = false;
  changed = changed || text != s.link_text || link.receiving_bytes != s.receiving_bytes || link.coming_bytes != s.coming_bytes;
  s.link_text = text;
  s.receiving_bytes = link.receiving_bytes, s.coming_bytes = link.coming_bytes;
  return changed;
}

void Workbench::connect(const std::string& to) {
  // A link that ends waits for its process: not here.
  if (m_parts.engine)
    m_analysis->post([old = std::shared_ptr<EngineLink>(std::move(m_parts.engine))](TaskControl&) { return std::optional<Outcome>(); });
  m_parts.engine = to.empty() ? local_engine() : remote_engine(serve_command(to), to, program_name());
  m_parts.engine->post(trace::request::Hello{.version = program_name()});
  m_parts.settings.recent_hosts = m_state.recent_hosts;
  save_settings();
}

void Workbench::update_jobs() {
  for (ui::JobState& job : m_state.jobs) {
    if (const auto fraction = m_io->progress(job.id)) job.fraction = *fraction;
  }
}

void Workbench::frame() {
  ui::Actions actions;
  ui::draw_window(m_state, m_memory, actions);
  m_dialogs.draw();
  for (const ui::Action& action : actions) act(action);
}

void Workbench::act(const ui::Action& action) {
  run(reduce(m_state, action));
}

void Workbench::drop(std::vector<std::string> paths, float x, float y) {
  const bool into_store = std::ranges::any_of(m_memory.import_areas, [&](const auto& area) { return area.holds(x, y); });
  if (into_store)
    act(ui::action::ImportFiles{std::move(paths)});
  else
    act(ui::action::OpenFiles{std::move(paths)});
}

void Workbench::show(std::vector<trace::Run> runs, size_t selected) {
  Effects effects;
  std::vector<ui::RunKey> keys;
  for (trace::Run& run : runs) {
    const std::string title = run.name;
    keys.push_back(add_run(m_state, std::make_shared<const trace::Run>(std::move(run)), title, effects));
  }
  if (selected < keys.size()) m_state.selected = keys[selected];
  this->run(effects);
}

void Workbench::run(const Effects& effects) {
  EffectRunner runner{*this};
  for (const Effect& effect : effects) std::visit(runner, effect);
}

bool Workbench::settled() const {
  if (!m_state.jobs.empty() || !m_io->idle() || !m_analysis->idle() || m_state.compare.pending)
    return false;
  return std::ranges::none_of(m_state.runs,
                              [](const ui::OpenRun& r) { return r.analysing && !r.live; });
}

bool Workbench::lively() const {
  using trace::reply::Phase;
  const Phase phase = m_state.session.phase;
  if (!m_state.jobs.empty() || m_dialogs.open() || !m_state.session.link_text.empty() || (phase != Phase::idle && phase != Phase::paused))
    return true;
  // A notice that is about to fade.
  return !m_state.notices.empty() && m_state.now_s - m_state.notices.back().at_s < 7;
}

}  // namespace app
