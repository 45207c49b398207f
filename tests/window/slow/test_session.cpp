// One session through all of the window: every panel in both themes, a live engine, a recording, a comparison. What
// tests/scripts/sanitizers.sh runs under ASan and UBSan; it asserts little, the sanitizers watch.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "app/window/dialogs.h"
#include "tests/support/temp_folder.h"
#include "tests/window/driver.h"
#include "tests/window/live_story.h"
#include "ui/panels.h"

namespace tests {
namespace {

using ui::KernelSide;
using trace::ToggleKey;

void all_panels(ImGuiTestContext* ctx, app::Workbench& bench) {
  for (const ui::Panel& panel : ui::panels()) {
    front(ctx, bench, panel.title);
    ctx->Yield(2);
  }
}

// The timeline's ways of looking, and what a selection shows.
void look_around(ImGuiTestContext* ctx, app::Workbench& bench) {
  const ui::AppState& state = bench.state();
  const ui::RunKey run = state.runs[1].key;
  for (const auto grouping : {ui::LaneGrouping::folded, ui::LaneGrouping::stream, ui::LaneGrouping::queue}) {
    bench.act(ui::action::SetShow{{.grouping = grouping, .host = true, .path = true}});
    if (!until(ctx, "the analyses", [&] { return bench.settled(); })) return;
    ctx->Yield(2);
  }
  bench.act(ui::action::SelectBubble{run, state.runs[1].analysis->worst[0], true});
  all_panels(ctx, bench);
  bench.act(ui::action::SelectEvent{run, 20, true});
  ctx->Yield(2);
  bench.act(ui::action::SetMeasure{ui::Extent{100000, 180000}});
  bench.act(ui::action::Search{"gemm"});
  for (const int by : {1, -1}) bench.act(ui::action::SearchStep{by}), bench.act(ui::action::StepOnLane{by}), bench.act(ui::action::StepRelated{by}), ctx->Yield();
  bench.act(ui::action::SetAlign{{.by = ui::AlignBy::kernel, .kernel = std::string(state.runs[1].run->trace->name_of(state.runs[1].run->trace->events[20]))}});
  bench.act(ui::action::SetThresholds{{.fence_ns = 700, .stall_ns = 1500}});
  if (!until(ctx, "the new classes", [&] { return bench.settled(); })) return;
  bench.act(ui::action::FitView{});
}

void kernels_and_menus(ImGuiTestContext* ctx, app::Workbench& bench) {
  front(ctx, bench, "Kernels");
  for (const auto by : {ui::GroupBy::op, ui::GroupBy::category, ui::GroupBy::layer, ui::GroupBy::kernel}) bench.memory().group_by = by, ctx->Yield(2);
  for (const auto side : {KernelSide::trend, KernelSide::runs, KernelSide::roofline}) bench.memory().kernel_side = side, ctx->Yield(2);
  bench.act(ui::action::ShowHelp{true});
  bench.act(ui::action::ShowAbout{true});
  ctx->Yield(3);
  bench.act(ui::action::ShowHelp{false});
  bench.act(ui::action::ShowAbout{false});
  bench.memory().palette_open = true;
  ctx->Yield(3);
  ctx->KeyChars("light");
  ctx->Yield(2);
  ctx->KeyPress(ImGuiKey_Escape);
}

}  // namespace

TEST_CASE("a session through every panel in both themes, with an engine, a store and a comparison") {
  const TempFolder folder;
  Gui gui({.width = 1600, .height = 1200, .engine = true, .db = folder / "runs.db"});
  app::Workbench& bench = gui.bench();
  gui.run([&](ImGuiTestContext* ctx) { all_panels(ctx, bench); });   // empty states
  gui.show_samples();
  gui.run([&](ImGuiTestContext* ctx) { look_around(ctx, bench); });
  gui.run([&](ImGuiTestContext* ctx) { kernels_and_menus(ctx, bench); });
  shorten(gui.state());
  gui.run([&](ImGuiTestContext* ctx) { front(ctx, bench, "Runs"); });
  gui.run([&](ImGuiTestContext* ctx) { flip_record_reopen(ctx, bench); });
  gui.bench().act(ui::action::SetTheme{ui::ThemeName::light});
  gui.run([&](ImGuiTestContext* ctx) {
    const ui::AppState& state = bench.state();
    ctx->ItemClick("//Toggles/x_scale/##about x_scale");
    if (!until(ctx, "the plan of x_scale", [&] { return state.session.sketches.contains(ToggleKey::x_scale) && state.session.sketches.at(ToggleKey::x_scale).sketch; })) return;
    ctx->Yield(3);
    ctx->KeyPress(ImGuiKey_Escape);
    bench.act(ui::action::Compare{state.runs[0].key, state.runs[1].key});
    if (!until(ctx, "the comparison", [&] { return state.compare.result != nullptr && bench.settled(); })) return;
    all_panels(ctx, bench);
    const int64_t id = state.store.runs.front().id;
    bench.act(ui::action::ExportBundle{{id}, folder / "run.dscope"});
    bench.act(ui::action::StarStored{id, true});
    bench.act(ui::action::NoteStored{id, "seen"});
    bench.act(ui::action::DeleteStored{{id}});
    bench.act(ui::action::UndoDelete{});
    if (!until(ctx, "the store", [&] { return bench.settled(); })) return;
    bench.act(ui::action::OpenFiles{{folder / "run.dscope", folder / "absent.json"}});
    if (!until(ctx, "the bundle", [&] { return bench.settled(); })) return;
    bench.act(ui::action::CloseRun{state.runs[0].key});
    ctx->Yield(3);
  });
  gui.window().frame();
  CHECK(gui.window().picture().width == 1600);
  CHECK(std::ranges::any_of(gui.state().notices, [](const ui::Notice& n) { return n.text.find("absent.json") != std::string::npos; }));
}

}  // namespace tests
