// Moving by scrollbars, finer steps, alignment by step and layer, launch calls with their flows, forks and joins,
// searching through several runs, walking the longest gaps.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cmath>

#include "tests/window/driver.h"
#include "tests/window/made_runs.h"
#include "ui/timeline_draw.h"

namespace tests {
namespace {

struct Scene : Gui {
  Scene() { show_samples(); }
  explicit Scene(const Options& options) : Gui(options) { show_samples(); }
};

int count(const std::vector<ui::LinkVm>& links, ui::LinkKind kind) {
  return static_cast<int>(std::ranges::count_if(links, [&](const ui::LinkVm& l) { return l.kind == kind; }));
}

}  // namespace

TEST_CASE("timeline: the horizontal scrollbar moves the view, a click beside its grip pages") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    IM_CHECK(ctx->ItemInfo("//Timeline/scroll x", ImGuiTestOpFlags_NoError).ID == 0);   // all is in view
    ctx->ItemClick("//Timeline/2\xc3\x97");
    ctx->Yield(2);
    const double begin = s.state().view.begin_ns, scale = s.state().view.ns_per_px;
    const ImRect bar = ctx->ItemInfo("//Timeline/scroll x").RectFull;
    ctx->MouseMoveToPos({bar.Min.x + 6, bar.GetCenter().y});
    ctx->MouseDragWithDelta({bar.GetWidth() * 0.2f, 0});
    ctx->Yield(2);
    const double moved = s.state().view.begin_ns - begin;
    IM_CHECK(moved > 0);
    IM_CHECK_EQ(s.state().view.ns_per_px, scale);
    ctx->MouseMoveToPos({bar.Max.x - 3, bar.GetCenter().y});
    ctx->MouseClick();
    ctx->Yield(2);
    IM_CHECK(s.state().view.begin_ns > begin + moved);
  });
}

TEST_CASE("timeline: the vertical scrollbar moves the rows where they are higher than the panel") {
  Scene s({.width = 800, .height = 600});
  s.run([&](ImGuiTestContext* ctx) {
    ctx->Yield(2);
    const ImRect bar = ctx->ItemInfo("//Timeline/scroll y").RectFull;
    IM_CHECK(s.bench().memory().timeline_scroll_px == 0);
    ctx->MouseMoveToPos({bar.GetCenter().x, bar.Min.y + 6});
    ctx->MouseDragWithDelta({0, bar.GetHeight()});
    ctx->Yield(2);
    IM_CHECK(s.bench().memory().timeline_scroll_px > 0);
  });
}

TEST_CASE("timeline: Ctrl makes keys and wheel finer, Shift makes the wheel faster") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    const ImRect canvas = ctx->ItemInfo("//Timeline/canvas").RectFull;
    ctx->MouseMoveToPos(canvas.GetCenter());
    const auto wheel = [&](ImGuiKey modifier) {
      s.bench().act(ui::action::FitView{});
      ctx->Yield(2);
      const double before = s.state().view.ns_per_px;
      if (modifier != ImGuiKey_None) ctx->KeyDown(modifier);
      ctx->MouseWheelY(1);
      ctx->Yield(2);
      if (modifier != ImGuiKey_None) ctx->KeyUp(modifier);
      return before / s.state().view.ns_per_px;
    };
    const double plain = wheel(ImGuiKey_None), fine = wheel(ImGuiMod_Ctrl), fast = wheel(ImGuiMod_Shift);
    IM_CHECK(fine > 1 && fine < plain && plain < fast);
    const auto hold = [&](ImGuiKey modifier) {
      s.bench().act(ui::action::FitView{});
      ctx->Yield(2);
      const double before = s.state().view.ns_per_px;
      if (modifier != ImGuiKey_None) ctx->KeyDown(modifier);
      ctx->KeyHold(ImGuiKey_W, 0.2f);
      if (modifier != ImGuiKey_None) ctx->KeyUp(modifier);
      return before / s.state().view.ns_per_px;
    };
    const double held = hold(ImGuiKey_None), held_fine = hold(ImGuiMod_Ctrl);
    IM_CHECK(held_fine > 1 && held_fine < held);
  });
}

TEST_CASE("timeline: runs align by a step and by a layer of it, and move together") {
  Gui gui({.width = 1600, .height = 1000});
  gui.bench().show({layered_run("slow", 1300), layered_run("fast", 1000)}, 0);
  gui.settle();
  const ui::AppState& state = gui.state();
  REQUIRE(state.runs[0].analysis->layers);
  REQUIRE(state.runs[0].analysis->layers->layers == 4);
  gui.run([&](ImGuiTestContext* ctx) {
    const auto choose = [&](const char* entry) {
      ctx->ItemClick("//Timeline/###align");
      ctx->ItemClick((std::string("//$FOCUSED/") + entry).c_str());
      ctx->Yield(2);
    };
    choose("a decode step");
    IM_CHECK(state.align.by == ui::AlignBy::step);
    ctx->PopupCloseAll();
    choose("a layer");
    IM_CHECK(state.align.by == ui::AlignBy::layer);   // the menu stays for its number
    ctx->ItemInputValue("//$FOCUSED/layer", 2);
    ctx->Yield(3);
    IM_CHECK_EQ(state.align.layer, 2);
    // The third layer of either is at 0, and one viewport serves both.
    for (const ui::OpenRun& run : state.runs) {
      IM_CHECK(run.align_note.empty());
      IM_CHECK_EQ(run.analysis->layers->detail[0].layers[2].begin_ns, run.origin_ns);
    }
    IM_CHECK(state.runs[0].origin_ns != state.runs[1].origin_ns);
  });
}

TEST_CASE("timeline: launch calls have a lane, a selected kernel its flow, and a click on a call goes to what it launched") {
  Gui gui({.width = 1600, .height = 1000});
  gui.bench().show({detailed_run()}, 0);
  gui.settle();
  gui.run([&](ImGuiTestContext* ctx) {
    ctx->MouseMoveToPos(ctx->ItemInfo("//Timeline/canvas").RectFull.GetCenter());
    ctx->KeyPress(ImGuiKey_H);
    if (!until(ctx, "the launch calls", [&] { return gui.bench().settled() && gui.state().runs[0].analysis->host; })) return;
    ctx->Yield(2);
    const ui::TimelineVm& vm = gui.bench().memory().timeline;
    const auto row = std::ranges::find_if(vm.rows, &ui::RowVm::host);
    IM_CHECK(row != vm.rows.end() && row->bars > 0);
    const ImRect canvas = ctx->ItemInfo("//Timeline/canvas").RectFull;
    const float lanes_x = canvas.Max.x - gui.state().view.width_px;
    const ui::BarVm& bar = vm.bars[row->first_bar];
    ctx->MouseMoveToPos({lanes_x + (bar.x0 + bar.x1) / 2, canvas.Min.y + row->y + row->h / 2});
    ctx->MouseClick();
    ctx->Yield(2);
    IM_CHECK(gui.state().selection.kind == ui::SelectionKind::event);
    IM_CHECK_EQ(count(gui.bench().memory().links, ui::LinkKind::flow), 1);
  });
}

TEST_CASE("timeline: forks and joins are arrows between lanes that the Show menu takes away") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    ctx->Yield(2);
    const auto& links = s.bench().memory().links;
    IM_CHECK(count(links, ui::LinkKind::fork) > 0);
    IM_CHECK(count(links, ui::LinkKind::join) > 0);
    ctx->ItemClick("//Timeline/Show");
    ctx->ItemClick("//$FOCUSED/Fork and join arrows");
    ctx->Yield(2);
    IM_CHECK_EQ(count(links, ui::LinkKind::fork) + count(links, ui::LinkKind::join), 0);
  });
}

TEST_CASE("timeline: lanes by hardware queue where the trace has both, and no such choice where it has not") {
  Gui gui;
  gui.bench().show({queued_run(), detailed_run()}, 0);
  gui.settle();
  ui::AppState& state = gui.state();
  CHECK(state.runs[0].analysis->queues);
  CHECK_FALSE(state.runs[1].analysis->queues);
  const auto lanes = [&] { return state.runs[0].analysis->lanes->lanes().size(); };
  CHECK(lanes() == 2);
  gui.run([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Timeline/Show");
    ctx->ItemClick("//$FOCUSED/by hardware queue");
    if (!until(ctx, "a lane for each queue", [&] { return gui.bench().settled() && lanes() == 3; })) return;
    ctx->ItemClick("//$FOCUSED/by stream");
    if (!until(ctx, "a lane for each stream", [&] { return gui.bench().settled() && lanes() == 2; })) return;
    ctx->KeyPress(ImGuiKey_Escape);
    gui.bench().act(ui::action::StackRun{state.runs[0].key, false});   // only the one without queues is left
    ctx->Yield(2);
    ctx->ItemClick("//Timeline/Show");
    IM_CHECK((ctx->ItemInfo("//$FOCUSED/by hardware queue").ItemFlags & ImGuiItemFlags_Disabled) != 0);
  });
}

TEST_CASE("timeline: a search finds its matches in every stacked run and walks from one run to the next") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    ctx->ItemInput("//Timeline/##search");
    ctx->KeyChars("topk");
    ctx->Yield(2);
    int64_t sum = 0;
    for (const auto& [key, found] : s.state().search.runs) sum += found.matches;
    IM_CHECK_EQ(s.state().search.runs.size(), size_t{3});
    IM_CHECK_EQ(s.state().search.matches, sum);
    IM_CHECK(sum >= 3);
    std::vector<ui::RunKey> seen;
    std::vector<int64_t> at;
    for (int64_t i = 0; i < sum; ++i) {
      ctx->KeyPress(ImGuiKey_Enter);
      ctx->Yield(2);
      seen.push_back(s.state().selection.run);
      at.push_back(s.state().search.at);
    }
    for (const ui::OpenRun& run : s.state().runs)
      IM_CHECK_EQ(std::ranges::count(seen, run.key), s.state().search.runs[run.key].matches);
    std::ranges::sort(at);
    for (int64_t i = 0; i < sum; ++i) IM_CHECK_EQ(at[static_cast<size_t>(i)], i + 1);
  });
}

TEST_CASE("timeline: N goes to the longest gap of the run, again to the next longest, Shift+N back") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    ctx->MouseMoveToPos(ctx->ItemInfo("//Timeline/canvas").RectFull.GetCenter());
    const auto& worst = s.state().runs[1].analysis->worst;
    const auto length = [&] { return s.state().runs[1].analysis->bubbles->at(s.state().selection.index).ns(); };
    ctx->KeyPress(ImGuiKey_N);
    ctx->Yield(2);
    IM_CHECK(s.state().selection == (ui::Selection{ui::SelectionKind::bubble, s.state().runs[1].key, worst[0]}));
    const int64_t longest = length();
    ctx->KeyPress(ImGuiKey_N);
    ctx->Yield(2);
    IM_CHECK_EQ(s.state().selection.index, worst[1]);
    IM_CHECK(length() <= longest);
    ctx->KeyPress(ImGuiMod_Shift | ImGuiKey_N);
    ctx->Yield(2);
    IM_CHECK_EQ(s.state().selection.index, worst[0]);
  });
}

TEST_CASE("timeline: dragging the minimap takes the view along") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Timeline/2\xc3\x97");
    ctx->Yield(2);
    const ImRect map = ctx->ItemInfo("//Timeline/minimap").RectFull;
    ctx->MouseMoveToPos({map.Min.x + map.GetWidth() * 0.3f, map.GetCenter().y});
    ctx->MouseDown();
    ctx->Yield(2);
    const double first = s.state().view.begin_ns;
    ctx->MouseMoveToPos({map.Min.x + map.GetWidth() * 0.6f, map.GetCenter().y});
    ctx->Yield(2);
    ctx->MouseUp();
    const double moved = s.state().view.begin_ns - first, content = static_cast<double>(ui::stack_of(s.state()).content().ns());
    IM_CHECK(std::fabs(moved - 0.3 * content) < 0.01 * content);
  });
}

}  // namespace tests
