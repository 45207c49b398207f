// What a user adds to a finding: groups of kernels, notes at gaps, marks on the live chart; and the views that follow
// from them: trends, stored runs, distributions, the lens, the choice of a device.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "tests/support/temp_folder.h"
#include "tests/window/driver.h"
#include "tests/window/live_story.h"
#include "trace/builder.h"
#include "trace/stamps.h"

namespace tests {
namespace {

struct Scene : Gui {
  Scene() { show_samples(); }
  explicit Scene(const Options& options) : Gui(options) { show_samples(); }
};

const Gui::Options kWide{.width = 1600, .height = 1000};

// 40 kernels in steps of ten; by the profiler back to back with long durations, by stamps shorter with gaps.
trace::Run stamped_run() {
  trace::TraceBuilder b;
  const uint32_t profiled = b.lane(b.device("0"), 7), other = b.lane(b.device("1"), 7);
  const uint32_t stamps = b.lane(b.device("0" + std::string(trace::kStampsSuffix)), 7);
  for (int64_t i = 0; i < 40; ++i) {
    const auto name = b.intern(i % 2 ? "norm" : "gemm");
    b.add({.start_ns = i * 3000, .end_ns = i * 3000 + 2990, .name = name, .lane = profiled, .step = static_cast<int32_t>(i / 10)});
    b.add({.start_ns = i * 3000 + 300, .end_ns = i * 3000 + 2400, .name = name, .lane = stamps, .step = static_cast<int32_t>(i / 10)});
  }
  b.add({.start_ns = 0, .end_ns = 5000, .name = b.intern("gemm"), .lane = other});
  b.classify_kernels();
  trace::Run run;
  run.name = "stamped";
  run.trace = std::make_shared<const trace::Trace>(*b.finish());
  return run;
}

}  // namespace

TEST_CASE("kernels: a group of one's own is made, counted, and dropped again") {
  Scene s(kWide);
  s.run([&](ImGuiTestContext* ctx) {
    front(ctx, s.bench(), "Kernels");
    ctx->ItemClick("//Kernels/Groups …");
    ctx->ItemInput("//$FOCUSED/##group");
    ctx->KeyCharsReplaceEnter("matrices = gemm | bmm");
    if (!until(ctx, "the group", [&] { return s.bench().settled() && s.state().groups; })) return;
    ctx->KeyPress(ImGuiKey_Escape);
    IM_CHECK(s.bench().memory().group_by == ui::GroupBy::user);
    const auto& groups = s.state().find(s.state().selected)->analysis->kernels->by(ui::GroupBy::user);
    IM_CHECK_EQ(groups.size(), size_t{2});   // it, and what is in none
    ctx->ItemClick("//Kernels/by kernel");
    click(ctx, "Kernels", "###kernel", ImGuiMouseButton_Right);
    ctx->Yield(2);
    ctx->MenuClick("//$FOCUSED/Add to group/a new one");
    if (!until(ctx, "the second group", [&] { return s.bench().settled() && s.state().groups->size() == 2; })) return;
    ctx->ItemClick("//Kernels/Groups …");
    ctx->ItemClick("//$FOCUSED/$$0/remove");
    if (!until(ctx, "one group", [&] { return s.bench().settled() && s.state().groups->size() == 1; })) return;
  });
}

TEST_CASE("kernels: layers and the trend follow a chosen kernel; the roofline says when a trace has nothing for it") {
  Gui gui(kWide);
  gui.bench().show({stamped_run()}, 0);
  gui.settle();
  gui.run([&](ImGuiTestContext* ctx) {
    front(ctx, gui.bench(), "Kernels");
    ctx->ItemClick("//Kernels/by layer");
    click(ctx, "Kernels", "roofline");
    ctx->ItemClick("//Kernels/by kernel");
    click(ctx, "Kernels", "over steps");
    click(ctx, "Kernels", "###kernel");
    ctx->Yield(3);
    IM_CHECK(gui.bench().memory().selected_kernel.trend.over == "step");
    IM_CHECK_EQ(gui.bench().memory().selected_kernel.trend.at.size(), size_t{4});
  });
}

TEST_CASE("kernels: a kernel's durations in the stored runs, and a click opens one") {
  const TempFolder folder;
  Gui gui({.width = 1600, .height = 1000, .db = folder / "runs.db"});
  gui.bench().act(ui::action::ImportFiles{{std::string(DS_SOURCE_DIR) + "/assets/samples/published_layers.decodescope"}});
  gui.settle();
  gui.bench().act(ui::action::OpenStored{gui.state().store.runs.back().id});
  gui.settle();
  gui.run([&](ImGuiTestContext* ctx) {
    front(ctx, gui.bench(), "Kernels");
    click(ctx, "Kernels", "stored runs");
    if (!until(ctx, "the stored runs", [&] { return !gui.state().history.pending && !gui.state().history.rows.empty(); })) return;
    IM_CHECK_EQ(gui.state().history.looked, int64_t{3});
    IM_CHECK(gui.state().history.problem.empty());
    const int64_t id = gui.state().history.rows.front().run;
    click(ctx, "Kernels", "###stored");
    if (!until(ctx, "the run", [&] { return gui.bench().settled() && std::ranges::any_of(gui.state().runs, [&](const ui::OpenRun& r) { return r.run->id == id; }); })) return;
  });
}

TEST_CASE("bubbles: a stall is annotated, the note is stored with its run, comes back with it, and can be taken away") {
  const TempFolder folder;
  Gui gui({.width = 1600, .height = 1000, .db = folder / "runs.db"});
  gui.bench().act(ui::action::ImportFiles{{std::string(DS_SOURCE_DIR) + "/assets/samples/published_layers.decodescope"}});
  gui.settle();
  const auto dual = std::ranges::find_if(gui.state().store.runs, [](const trace::Run& r) { return r.name.find("two streams") != std::string::npos; });
  REQUIRE(dual != gui.state().store.runs.end());
  const int64_t id = dual->id;
  gui.bench().act(ui::action::OpenStored{id});
  gui.settle();
  gui.run([&](ImGuiTestContext* ctx) {
    front(ctx, gui.bench(), "Bubbles");
    const auto write = [&](const char* text) {
      click(ctx, "Bubbles", "1##stall");
      ctx->Yield(2);
      click(ctx, "Bubbles", "###annotate");
      ctx->Yield(2);
      ctx->KeyCharsReplaceEnter(text);
      until(ctx, "the note to be stored", [&] { return gui.bench().settled(); });
    };
    write("joins the indexer");
    IM_CHECK_EQ(gui.state().runs[0].annotations.size(), size_t{1});
    gui.bench().act(ui::action::CloseRun{gui.state().runs[0].key});
    gui.bench().act(ui::action::OpenStored{id});
    if (!until(ctx, "the run again", [&] { return gui.bench().settled() && gui.state().runs.size() == 1; })) return;
    IM_CHECK_EQ(gui.state().runs[0].annotations.size(), size_t{1});
    IM_CHECK(gui.state().runs[0].annotations[0].text == "joins the indexer");
    IM_CHECK(gui.state().runs[0].annotations[0].end_ns - gui.state().runs[0].annotations[0].begin_ns > 2000);
    // Words of the note may change around it.
    gui.bench().act(ui::action::NoteStored{id, "looked at"});
    if (!until(ctx, "the words", [&] { return gui.bench().settled(); })) return;
    IM_CHECK_EQ(gui.state().runs[0].annotations.size(), size_t{1});
    write("");
    IM_CHECK(gui.state().runs[0].annotations.empty());
    IM_CHECK(gui.state().runs[0].run->note == "looked at");
  });
}

TEST_CASE("compare: a click on a matched kernel shows its durations of both sides") {
  Scene s({.width = 1600, .height = 1600});
  s.run([&](ImGuiTestContext* ctx) {
    front(ctx, s.bench(), "Compare");
    if (!until(ctx, "the comparison", [&] { return s.state().compare.result != nullptr; })) return;
    IM_CHECK_EQ(s.state().compare.samples->names.size(), s.state().compare.result->matched.size());
    ctx->Yield(2);
    click(ctx, "Compare", "###matched");
    ctx->Yield(2);
    IM_CHECK(s.bench().memory().matched == s.state().compare.result->matched[0].name);
  });
}

TEST_CASE("lens: it changes the whole window where a run carries stamps, and says why it can't elsewhere") {
  {
    Gui gui(kWide);
    gui.bench().show({stamped_run()}, 0);
    gui.settle();
    CHECK(gui.state().runs[0].analysis->report->kernels == 40);
    const int64_t busy = gui.state().runs[0].analysis->report->busy_ns;
    gui.run([&](ImGuiTestContext* ctx) {
      ctx->ItemClick("//Timeline/###lens");
      if (!until(ctx, "the other accounting", [&] { return gui.bench().settled() && gui.state().runs[0].analysis->report->busy_ns != busy; })) return;
    });
    CHECK(gui.state().lens);
    CHECK(gui.state().runs[0].analysis->report->busy_ns == 40 * 2100);
    CHECK(gui.state().runs[0].analysis->report->kind(trace::BubbleKind::dispatch).count == 39);
    CHECK(gui.state().runs[0].analysis->kernels->total_ns == 40 * 2100);
    CHECK(gui.state().runs[0].device == 0);
    gui.run([&](ImGuiTestContext* ctx) {
      ctx->ItemClick("//Timeline/###lens");
      if (!until(ctx, "the accounting as recorded", [&] { return gui.bench().settled() && gui.state().runs[0].analysis->report->busy_ns == busy; })) return;
    });
  }
  Gui imported;
  imported.show_samples();
  imported.run([&](ImGuiTestContext* ctx) {
    IM_CHECK(ctx->ItemInfo("//Timeline/###lens").ItemFlags & ImGuiItemFlags_Disabled);
  });
}

TEST_CASE("timeline: a band's menu chooses another device of its trace") {
  Gui gui(kWide);
  gui.bench().show({stamped_run()}, 0);
  gui.settle();
  gui.run([&](ImGuiTestContext* ctx) {
    ctx->MouseMoveToPos(bar_middle(ctx, gui.state().runs[0].key, 20));
    ctx->MouseClick(ImGuiMouseButton_Right);
    ctx->Yield(2);
    ctx->MenuClick("//$FOCUSED/Device/1");
    if (!until(ctx, "the other device", [&] { return gui.bench().settled() && gui.state().runs[0].analysis->options.device == 1; })) return;
    IM_CHECK_EQ(gui.state().runs[0].analysis->report->kernels, int64_t{1});
  });
}

TEST_CASE("live: pause, single-step, record and mark beside the chart; the window never waits a millisecond for the engine") {
  const TempFolder folder;
  Gui gui({.width = 1600, .height = 1000, .engine = true, .db = folder / "runs.db"});
  using trace::reply::Phase;
  ui::AppState& state = gui.state();
  shorten(state);
  gui.run([&](ImGuiTestContext* ctx) {
    if (!until(ctx, "the welcome", [&] { return state.session.connected; })) return;
    front(ctx, gui.bench(), "Live");
    ctx->ItemClick("//Session/Start engine");
    if (!until(ctx, "live steps", [&] { return state.session.steps.size() > 3; })) return;
    ctx->Yield(2);
    ctx->ItemClick("//Live/Mark");
    ctx->Yield(2);
    IM_CHECK_EQ(state.session.marks.size(), size_t{1});
    ctx->ItemClick("//Live/Pause");
    if (!until(ctx, "the pause", [&] { return state.session.phase == Phase::paused; })) return;
    ctx->Yield(2);
    const int64_t at = state.session.steps.back().index;
    ctx->ItemClick("//Live/Step");
    if (!until(ctx, "one step", [&] { return state.session.steps.back().index == at + 1; })) return;
    ctx->ItemClick("//Live/Record");
    if (!until(ctx, "the recorded run", [&] { return state.store.runs.size() == 1; })) return;
    if (!until(ctx, "the pause again", [&] { return state.session.phase == Phase::paused || state.session.phase == Phase::running; })) return;
    ctx->ItemClick("//Session/Stop");
    if (!until(ctx, "the end", [&] { return state.session.phase == Phase::idle; })) return;
  });
  // What the probe counts is time in which a call was blocked, not time in which a busy machine ran something else;
  // a machine that takes the processor away from the engine while it holds the mailbox may still show once.
  const ui::EngineProbe& probe = state.session.probe;
  INFO("longest: " << probe.longest_us << " us, over a millisecond: " << probe.over_1ms << " of " << probe.calls);
  CHECK(probe.calls > 20);
  CHECK(probe.over_1ms * 100 <= probe.calls);
}

TEST_CASE("runs: record again with the same settings") {
  const TempFolder folder;
  Gui gui({.engine = true, .db = folder / "runs.db"});
  using trace::reply::Phase;
  ui::AppState& state = gui.state();
  shorten(state);
  state.draft.workload.context = 48;
  gui.run([&](ImGuiTestContext* ctx) {
    if (!until(ctx, "the welcome", [&] { return state.session.connected; })) return;
    ctx->ItemClick("//Session/Start engine");
    if (!until(ctx, "live steps", [&] { return state.session.phase == Phase::running && !state.session.steps.empty(); })) return;
    ctx->ItemClick("//Session/Record");
    if (!until(ctx, "the recorded run", [&] { return state.store.runs.size() == 1; })) return;
    ctx->ItemClick("//Session/Stop");
    if (!until(ctx, "the end", [&] { return state.session.phase == Phase::idle && gui.bench().settled(); })) return;
    state.draft.workload.context = 96;
    click(ctx, "Runs", "###run " + std::to_string(state.store.runs[0].id), ImGuiMouseButton_Right);
    ctx->Yield(2);
    ctx->ItemClick("//$FOCUSED/Record again with these settings");
    if (!until(ctx, "the second run", [&] { return state.store.runs.size() == 2; })) return;
    IM_CHECK_EQ(state.store.runs[0].spec->workload.context, 48);
    IM_CHECK(state.store.runs[0].spec->toggles == state.store.runs[1].spec->toggles);
    if (!until(ctx, "live again", [&] { return state.session.phase == Phase::running || state.session.phase == Phase::paused; })) return;
    ctx->ItemClick("//Session/Stop");
    if (!until(ctx, "the end", [&] { return state.session.phase == Phase::idle; })) return;
  });
}

}  // namespace tests
