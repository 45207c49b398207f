#include "app/window/bench_window.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "app/window/frame_pace.h"
#include "app/window/screenshot.h"
#include "trace/stats.h"
#include "ui/bench.h"
#include "ui/shell.h"
#include "ui/vm/synthetic.h"

namespace app {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr int kWidth = 1600, kHeight = 1000;
constexpr int64_t kStoredEvents = 1'000'000;
constexpr double kPhase_s = 1.5;
constexpr int kPairs = 8;

// A folder for the store that goes away whatever happens.
struct ScratchFolder {
  std::string path = (fs::temp_directory_path() / "decodescope-bench-XXXXXX").string();
  bool made = mkdtemp(path.data()) != nullptr;
  ~ScratchFolder() {
    std::error_code ignored;
    if (made) fs::remove_all(path, ignored);
  }
};

void nap() {
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

json why_not(const trace::Error& error) {
  return {{"not_measured", error.line()}};
}

double process_cpu_s() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

// From the click on a stored run to the first frame that shows its timeline and bubbles, and until the rest is there:
// kernels counted, critical path found.
json stored_run(int64_t events) {
  const ScratchFolder scratch;
  if (!scratch.made) return {{"not_measured", "no temporary folder"}};
  const std::string db = scratch.path + "/runs.db";
  {
    auto store = local_store(db);
    trace::Run run = *ui::synthetic_run(events, 6);
    if (const auto id = store->save(run); !id.ok()) return why_not(id.error());
  }
  Workbench::Parts parts;
  parts.remember = false;
  parts.store = local_store(db);
  auto window = OffscreenWindow::create(kWidth, kHeight, std::move(parts));
  if (!window.ok()) return why_not(window.error());
  Workbench& bench = window.value()->bench();
  while (!bench.settled()) window.value()->frame(false), nap();
  if (bench.state().store.runs.empty()) return {{"not_measured", "the store did not keep the run"}};
  const double begin = steady_seconds(), cpu = process_cpu_s();
  bench.act(ui::action::OpenStored{bench.state().store.runs.front().id});
  while (bench.state().runs.empty() || !bench.state().runs.front().analysis) bench.poll(), nap();
  window.value()->frame();
  window.value()->finish();
  json out{{"events", events}, {"first_frame_ms", (steady_seconds() - begin) * 1e3}, {"first_frame_cpu_ms", (process_cpu_s() - cpu) * 1e3}};
  while (!bench.state().runs.front().ready()) bench.poll(), nap();
  out["complete_ms"] = (steady_seconds() - begin) * 1e3;
  return out;
}

// The engine's link with a valve: closed, its mail is thrown away as if there were no window.
class Valve final : public EngineLink {
 public:
  explicit Valve(bool* open) : m_open(*open) {}
  void post(trace::Request request) override { m_engine->post(std::move(request)); }
  std::vector<trace::Reply> poll() override {
    std::vector<trace::Reply> mail = m_engine->poll();
    if (!m_open) std::erase_if(mail, [](const trace::Reply& r) { return !std::holds_alternative<trace::reply::StepDone>(r); });
    return mail;
  }

 private:
  std::unique_ptr<EngineLink> m_engine = local_engine();
  bool& m_open;
};

struct Live {   // one engine, with and without its window
  OffscreenWindow& window;
  bool& open;
  FramePace pace;
  int64_t frames = 0;
  double frame_ms = 0;   // of all frames

  int64_t newest() const {
    const auto& steps = window.bench().state().session.steps;
    return steps.empty() ? -1 : steps.back().index;
  }

  // Steps a second while the window is open as the program's own loop has it, or while there is none.
  double rate(bool with_window) {
    open = with_window;
    window.bench().poll();
    const int64_t first = newest();
    const double begin = steady_seconds();
    while (steady_seconds() - begin < kPhase_s) {
      const double now = steady_seconds();
      if (with_window && pace.due(now, true)) {
        window.frame();
        window.finish();
        pace.drawn(now, steady_seconds());
        frame_ms += (steady_seconds() - now) * 1e3;
        ++frames;
      }
      const double until = begin + kPhase_s - steady_seconds();
      const double nap_s = with_window ? pace.sleep_s(steady_seconds(), true) : until;
      std::this_thread::sleep_for(std::chrono::duration<double>(std::clamp(std::min(nap_s, until), 0.0, kPhase_s)));
    }
    window.bench().poll();
    return static_cast<double>(newest() - first) / (steady_seconds() - begin);
  }
};

bool wait_for(OffscreenWindow& window, const std::function<bool()>& holds) {
  const double begin = steady_seconds();
  while (!holds()) {
    if (steady_seconds() - begin > 120) return false;
    window.bench().poll();
    nap();
  }
  return true;
}

// What a paused session takes of the processor: the loop polls and draws nothing.
double paused_pct(Workbench& bench) {
  const double cpu = process_cpu_s(), begin = steady_seconds();
  while (steady_seconds() - begin < 3) {
    bench.poll();
    std::this_thread::sleep_for(std::chrono::duration<double>(FramePace::kIdlePoll_s));
  }
  return 100 * (process_cpu_s() - cpu) / (steady_seconds() - begin);
}

// What the open window costs the engine, how long it waits for it, and what a paused session takes of the processor.
// Pairs of phases in turns (with, without; without, with; ...), each a quotient of its own: a machine that becomes
// slower favours neither, and the spread of the quotients says what they are worth.
json live() {
  using trace::reply::Phase;
  bool open = true;
  Workbench::Parts parts;
  parts.remember = false;
  parts.engine = std::make_unique<Valve>(&open);
  auto made = OffscreenWindow::create(kWidth, kHeight, std::move(parts));
  if (!made.ok()) return why_not(made.error());
  OffscreenWindow& window = *made.value();
  Workbench& bench = window.bench();
  ui::AppState& state = bench.state();
  state.draft.workload.batch = 1;
  state.draft.workload.context = 512;
  ui::focus_panel(bench.memory(), "Live");
  if (!wait_for(window, [&] { return state.session.connected; })) return {{"not_measured", "the engine did not answer"}};
  bench.act(ui::action::StartSession{});
  if (!wait_for(window, [&] { return state.session.steps.size() > 8; })) return {{"not_measured", "the engine did not run"}};
  Live measured{window, open};
  for (int i = 0; i < 8; ++i) window.frame();   // docking settles, the first frames make their buffers
  std::vector<double> cost, alone, with;
  for (int pair = 0; pair < kPairs; ++pair) {
    const bool first = pair % 2 == 0;
    const double a = measured.rate(first), b = measured.rate(!first);
    with.push_back(first ? a : b), alone.push_back(first ? b : a);
    cost.push_back(100 * (alone.back() / with.back() - 1));
  }
  open = true;
  const ui::EngineProbe probe = state.session.probe;
  bench.act(ui::action::Pause{});
  if (!wait_for(window, [&] { return state.session.phase == Phase::paused; })) return {{"not_measured", "the engine did not pause"}};
  wait_for(window, [&] { return bench.settled(); });
  const auto [lowest, highest] = std::ranges::minmax(cost);
  return {{"renderer", window.renderer()},
          {"steps_per_s_alone", trace::median(alone)},
          {"steps_per_s_with_window", trace::median(with)},
          {"cost_pct", trace::median(cost)},
          {"cost_pct_lowest", lowest},
          {"cost_pct_highest", highest},
          {"pairs", cost.size()},
          {"frame_ms", measured.frames > 0 ? measured.frame_ms / static_cast<double>(measured.frames) : 0},
          {"frame_period_ms", measured.pace.period_s() * 1e3},
          {"frames", measured.frames},
          {"paused_cpu_pct", paused_pct(bench)},
          {"engine_calls", probe.calls},
          {"engine_waits_over_1ms", probe.over_1ms},
          {"engine_longest_wait_us", probe.longest_us}};
}

}  // namespace

json bench_window(int64_t events) {
  const ui::UiBench b = ui::bench_ui(events);
  const auto times = [](const ui::FrameTimes& t) {
    return json{{"median", t.median_ms}, {"p99", t.p99_ms}, {"max", t.max_ms}};
  };
  return {{"events", b.events},
          {"frame_ms", times(b.frame)},
          {"frame_wall_ms", times(b.frame_wall)},
          {"view_model_ms", times(b.view_model)},
          {"frames", b.frames},
          {"zooms", b.zooms},
          {"bytes_per_event", b.bytes_per_event},
          {"bubbles", b.bubbles},
          {"open_ms", b.open_ms},
          {"timeline_ms", b.timeline_ms},
          {"reclassify_ms", b.reclassify_ms},
          {"reclassify_first_ms", b.reclassify_first_ms},
          {"rss_mib", b.rss_mib},
          {"stored", stored_run(std::min(events, kStoredEvents))},
          {"live", live()}};
}

}  // namespace app
