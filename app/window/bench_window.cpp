#include "app/window/bench_window.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "app/window/screenshot.h"
#include "trace/stats.h"
#include "ui/bench.h"
#include "ui/vm/synthetic.h"

namespace app {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr int kWidth = 1600, kHeight = 1000;
constexpr int64_t kStoredEvents = 1'000'000;
constexpr double kFramePeriod_s = 0.08;  // as the window draws while the engine runs
constexpr double kPhase_s = 1.5;

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

// From the click on a stored run to the first frame that shows it, everything analysed.
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
  const double begin = steady_seconds();
  bench.act(ui::action::OpenStored{bench.state().store.runs.front().id});
  while (bench.state().runs.empty() || !bench.state().runs.front().analysis) bench.poll(), nap();
  window.value()->frame();
  return {{"events", events}, {"first_frame_ms", (steady_seconds() - begin) * 1e3}};
}

double process_cpu_s() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

// Polls for a while, and draws as the window does or not at all; the medians of the steps that came meanwhile.
void phase(OffscreenWindow& window, bool drawn, std::vector<double>& medians) {
  const auto& steps = window.bench().state().session.steps;
  const int64_t first = steps.empty() ? -1 : steps.back().index;
  const double begin = steady_seconds();
  double next = begin;
  while (steady_seconds() - begin < kPhase_s) {
    if (drawn && steady_seconds() >= next) {
      window.frame();
      next = steady_seconds() + kFramePeriod_s;
    } else {
      window.bench().poll();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::vector<double> us;
  for (const ui::StepPoint& p : steps)
    if (p.index > first) us.push_back(p.us);
  if (!us.empty()) medians.push_back(trace::median(std::move(us)));
}

bool wait_for(OffscreenWindow& window, const std::function<bool()>& holds) {
  const double begin = steady_seconds();
  while (!holds()) {
    if (steady_seconds() - begin > 120) return false;
    window.bench().poll();
    nap();
  }
  return true;
}

// What the open window costs the engine, how long it waits for it, and what a paused session takes of the processor.
json live() {
  using trace::reply::Phase;
  Workbench::Parts parts;
  parts.remember = false;
  parts.engine = local_engine();
  auto made = OffscreenWindow::create(kWidth, kHeight, std::move(parts));
  if (!made.ok()) return why_not(made.error());
  OffscreenWindow& window = *made.value();
  Workbench& bench = window.bench();
  ui::AppState& state = bench.state();
  state.draft.workload.batch = 1;
  state.draft.workload.context = 512;
  if (!wait_for(window, [&] { return state.session.connected; })) return {{"not_measured", "the engine did not answer"}};
  bench.act(ui::action::StartSession{});
  if (!wait_for(window, [&] { return state.session.steps.size() > 8; })) return {{"not_measured", "the engine did not run"}};
  std::vector<double> drawn, alone;
  for (int round = 0; round < 4; ++round) {   // A B B A, so that a machine that slows down favours neither
    phase(window, round % 2 == 0, round % 2 == 0 ? drawn : alone);
    phase(window, round % 2 == 1, round % 2 == 1 ? drawn : alone);
  }
  const ui::EngineProbe probe = state.session.probe;
  bench.act(ui::action::Pause{});
  if (!wait_for(window, [&] { return state.session.phase == Phase::paused; })) return {{"not_measured", "the engine did not pause"}};
  wait_for(window, [&] { return bench.settled(); });
  const double cpu = process_cpu_s(), begin = steady_seconds();
  while (steady_seconds() - begin < 3) {   // as the window's loop sleeps when nothing moves
    bench.poll();
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
  }
  const double paused_pct = 100 * (process_cpu_s() - cpu) / (steady_seconds() - begin);
  const double with = trace::median(drawn), without = trace::median(alone);
  return {{"step_us_alone", without},
          {"step_us_with_window", with},
          {"cost_pct", without > 0 ? 100 * (with / without - 1) : 0},
          {"paused_cpu_pct", paused_pct},
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
