#include "tests/window/live_story.h"

#include <algorithm>

#include "engine/check.h"

namespace tests {
namespace {

using trace::reply::Phase;

// Kernels of the live step whose op copies q_all together.
int64_t concats(const ui::AppState& state) {
  const ui::OpenRun* live = state.find(state.session.live);
  if (!live || !live->run->trace) return -1;
  return std::ranges::count_if(live->run->trace->events,
                               [](const trace::Event& e) { return e.category == trace::Category::concat; });
}

int64_t live_step(const ui::AppState& state) {
  const ui::OpenRun* live = state.find(state.session.live);
  return live ? static_cast<int64_t>(live->run->trace->events.size()) : 0;
}

const ui::OpenRun* recorded(const ui::AppState& state) {
  const auto at = std::ranges::find_if(state.runs, [](const ui::OpenRun& r) { return !r.live && r.run->id != 0; });
  return at == state.runs.end() ? nullptr : &*at;
}

}  // namespace

void shorten(ui::AppState& state) {
  // Every part of tiny and a twentieth of its arithmetic: what is shown is the window, not the engine.
  state.draft.model = engine::check_model();
  state.draft.workload.max_context = 512;
  state.draft.workload.batch = 1;
  state.draft.workload.context = 64;
  state.draft.workload.steps = 6;
  state.draft.workload.warmup = 1;
}

void flip_record_reopen(ImGuiTestContext* ctx, app::Workbench& bench) {
  const ui::AppState& state = bench.state();
  if (!until(ctx, "the engine's welcome", [&] { return state.session.connected; })) return;
  click(ctx, "Session", "Start engine");
  if (!until(ctx, "a live step on the timeline", [&] { return live_step(state) > 0; })) return;
  IM_CHECK(state.session.phase == Phase::running);
  const int64_t before = concats(state);
  IM_CHECK_GT(before, 0);

  ctx->ItemClick("//Toggles/cat_skip/cat_skip");
  if (!until(ctx, "the concat to leave the live step", [&] { return concats(state) == 0; })) return;
  IM_CHECK(state.draft.toggles.index(trace::ToggleKey::cat_skip) == 1);
  ctx->ItemClick("//Toggles/cat_skip/cat_skip");
  if (!until(ctx, "the concat to come back", [&] { return concats(state) == before; })) return;

  ctx->ItemClick("//Session/Record");
  if (!until(ctx, "the recorded run in the store", [&] { return recorded(state) && !state.store.runs.empty(); })) return;
  const ui::RunKey key = recorded(state)->key;
  const int64_t id = recorded(state)->run->id;
  const size_t events = recorded(state)->run->trace->events.size();
  IM_CHECK_EQ(state.store.runs.size(), size_t{1});

  const std::string row = "###run " + std::to_string(id);
  click(ctx, "Runs", row, ImGuiMouseButton_Right);
  ctx->ItemClick("//$FOCUSED/Close");
  if (!until(ctx, "the run to be closed", [&] { return state.find(key) == nullptr; })) return;

  click(ctx, "Session", "Stop");
  if (!until(ctx, "the engine to stop", [&] { return state.session.phase == Phase::idle; })) return;
  click(ctx, "Runs", row);
  if (!until(ctx, "the stored run to open", [&] { return recorded(state) && recorded(state)->analysis; })) return;
  IM_CHECK(recorded(state)->key != key);
  IM_CHECK_EQ(recorded(state)->run->trace->events.size(), events);
  IM_CHECK(recorded(state)->run->spec.has_value());
}

}  // namespace tests
