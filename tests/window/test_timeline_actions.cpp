// Everything one can do on the timeline, done with mouse and keys on the published layers.
#include <catch2/catch_test_macros.hpp>

#include <cmath>

#include "tests/window/driver.h"
#include "ui/timeline_draw.h"

namespace tests {
namespace {

struct Scene : Gui {
  Scene() { show_samples(); }
  ui::RunKey dual() { return state().runs[1].key; }
  const trace::Trace& dual_trace() { return *state().runs[1].run->trace; }
  // The longest event of the dual layer: wide enough to be hit at any scale.
  trace::EventId longest() {
    const auto& events = dual_trace().events;
    trace::EventId best = 0;
    for (trace::EventId i = 0; i < events.size(); ++i) {
      if (events[i].duration_ns() > events[best].duration_ns()) best = i;
    }
    return best;
  }
  double time_at(float x, float lanes_x) { return state().view.time_of(static_cast<double>(x - lanes_x)); }
};

ImRect canvas(ImGuiTestContext* ctx) { return ctx->ItemInfo("//Timeline/canvas").RectFull; }

}  // namespace

TEST_CASE("timeline: the wheel zooms at the cursor") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    const ImVec2 at = bar_middle(ctx, s.dual(), s.longest());
    ctx->MouseMoveToPos(at);
    ctx->Yield(2);
    const double px = s.bench().memory().cursor_px, before = s.state().view.time_of(px), scale = s.state().view.ns_per_px;
    ctx->MouseWheelY(3);
    ctx->Yield(2);
    IM_CHECK(s.state().view.ns_per_px < scale * 0.7);
    IM_CHECK(std::fabs(s.state().view.time_of(px) - before) < s.state().view.ns_per_px);
    ctx->MouseWheelY(-3);
    ctx->Yield(2);
    IM_CHECK(std::fabs(s.state().view.ns_per_px - scale) < scale * 1e-6);
  });
}

TEST_CASE("timeline: W S zoom, A D move, Shift is faster") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    ctx->MouseMoveToPos(bar_middle(ctx, s.dual(), s.longest()));
    const double scale = s.state().view.ns_per_px;
    ctx->KeyHold(ImGuiKey_W, 0.3f);
    const double zoomed = s.state().view.ns_per_px;
    IM_CHECK(zoomed < scale);
    const double begin = s.state().view.begin_ns;
    ctx->KeyHold(ImGuiKey_D, 0.2f);
    const double moved = s.state().view.begin_ns - begin;
    IM_CHECK(moved > 0);
    ctx->KeyHold(ImGuiKey_A, 0.2f);
    IM_CHECK(s.state().view.begin_ns < begin + moved);
    ctx->KeyHold(ImGuiKey_S, 0.3f);
    IM_CHECK(s.state().view.ns_per_px > zoomed);
    const double slow = s.state().view.ns_per_px;
    ctx->KeyDown(ImGuiMod_Shift);
    ctx->KeyHold(ImGuiKey_W, 0.3f);
    ctx->KeyUp(ImGuiMod_Shift);
    IM_CHECK(slow / s.state().view.ns_per_px > scale / zoomed);
  });
}

TEST_CASE("timeline: dragging moves the view") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Timeline/1\xc3\x97");
    ctx->Yield();
    const double begin = s.state().view.begin_ns;
    ctx->MouseMoveToPos(canvas(ctx).GetCenter());
    ctx->MouseDragWithDelta({-80, 0});
    ctx->Yield();
    IM_CHECK(std::fabs(s.state().view.begin_ns - begin - 80 * s.state().view.ns_per_px) < 6 * s.state().view.ns_per_px);
    IM_CHECK(!s.state().view.fitted);
  });
}

TEST_CASE("timeline: Fit, 1x, 1.5x and 2x are 4, 6 and 8 px a microsecond") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    for (const auto& [label, px] : {std::pair{"1\xc3\x97", 4.0}, {"1.5\xc3\x97", 6.0}, {"2\xc3\x97", 8.0}}) {
      ctx->ItemClick((std::string("//Timeline/") + label).c_str());
      ctx->Yield();
      IM_CHECK(std::fabs(s.state().view.px_per_us() - px) < 1e-9);
    }
    ctx->ItemClick("//Timeline/Fit");
    ctx->Yield();
    IM_CHECK(s.state().view.fitted);
  });
}

TEST_CASE("timeline: a click selects a bar, another on nothing lets go") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    ctx->MouseMoveToPos(bar_middle(ctx, s.dual(), s.longest()));
    ctx->MouseClick();
    ctx->Yield();
    IM_CHECK(s.state().selection == (ui::Selection{ui::SelectionKind::event, s.dual(), s.longest()}));
    IM_CHECK(s.state().selected == s.dual());
    const ImRect c = canvas(ctx);
    ctx->MouseMoveToPos({c.Max.x - 4, c.Min.y + 40});
    ctx->MouseClick();
    ctx->Yield();
    IM_CHECK(s.state().selection.kind == ui::SelectionKind::none);
  });
}

TEST_CASE("timeline: a double click zooms to the bar; F shows it, then everything") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    ctx->MouseMoveToPos(bar_middle(ctx, s.dual(), s.longest()));
    ctx->MouseDoubleClick();
    ctx->Yield(2);
    const trace::Event& e = s.dual_trace().events[s.longest()];
    const double width = static_cast<double>(e.duration_ns()) / s.state().view.ns_per_px;
    IM_CHECK(width > 0.7 * static_cast<double>(s.state().view.width_px));
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->KeyPress(ImGuiKey_F);
    ctx->Yield(2);
    IM_CHECK(s.state().view.fitted);
  });
}

TEST_CASE("timeline: comma and dot walk along the lane, brackets along the critical path") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    const trace::EventId start = s.longest();
    ctx->MouseMoveToPos(bar_middle(ctx, s.dual(), start));
    ctx->MouseClick();
    ctx->KeyPress(ImGuiKey_Period);
    ctx->Yield();
    IM_CHECK_EQ(s.state().selection.index, start + 1);
    ctx->KeyPress(ImGuiKey_Comma);
    ctx->KeyPress(ImGuiKey_Comma);
    ctx->Yield();
    IM_CHECK_EQ(s.state().selection.index, start - 1);
    const auto& path = s.state().runs[1].analysis->path->steps;
    s.bench().act(ui::action::SelectEvent{s.dual(), path[4].event, true});
    ctx->Yield();
    ctx->KeyPress(ImGuiKey_LeftBracket);
    ctx->Yield();
    IM_CHECK_EQ(s.state().selection.index, path[4].predecessor);
    ctx->KeyPress(ImGuiKey_RightBracket);
    ctx->Yield();
    IM_CHECK_EQ(s.state().selection.index, path[4].event);
  });
}

TEST_CASE("timeline: Z zooms to the selection, M keeps it as a mark and drops it") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    ctx->MouseMoveToPos(bar_middle(ctx, s.dual(), s.longest()));
    ctx->MouseClick();
    const double scale = s.state().view.ns_per_px;
    ctx->KeyPress(ImGuiKey_Z);
    ctx->Yield();
    IM_CHECK(s.state().view.ns_per_px < scale);
    ctx->KeyPress(ImGuiKey_M);
    ctx->Yield();
    IM_CHECK_EQ(s.state().marks.size(), size_t{1});
    IM_CHECK_EQ(s.state().marks[0].range.ns(), s.dual_trace().events[s.longest()].duration_ns());
    ctx->KeyPress(ImGuiKey_M);
    ctx->Yield();
    IM_CHECK_EQ(s.state().marks.size(), size_t{0});
  });
}

TEST_CASE("timeline: dragging on the ruler measures from edge to edge; M keeps it, Esc ends it") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    const trace::Event& e = s.dual_trace().events[s.longest()];
    // Far enough in that no other run's edge is as near.
    s.bench().act(ui::action::SelectEvent{s.dual(), s.longest(), true});
    s.bench().act(ui::action::FitSelection{});
    ctx->Yield(2);
    const ImGuiTestItemInfo bar = ctx->ItemInfo(ui::bar_item_id(s.dual(), s.longest()));
    const float y = ctx->ItemInfo("//Timeline/ruler").RectFull.GetCenter().y;
    ctx->MouseMoveToPos({bar.RectFull.Min.x + 1, y});   // a little off both edges
    ctx->MouseDown();
    ctx->MouseMoveToPos({bar.RectFull.Max.x - 1, y});
    ctx->Yield(2);
    ctx->MouseUp();
    ctx->Yield();
    IM_CHECK(s.state().measure.has_value());
    const int64_t origin = s.state().runs[1].origin_ns;
    // Edges of neighbours within a nanosecond are as near as its own.
    IM_CHECK(std::llabs(s.state().measure->begin_ns - (e.start_ns - origin)) <= 2);
    IM_CHECK(std::llabs(s.state().measure->end_ns - (e.end_ns - origin)) <= 2);
    ctx->KeyPress(ImGuiKey_M);
    ctx->Yield();
    IM_CHECK_EQ(s.state().marks.size(), size_t{1});
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield();
    IM_CHECK(!s.state().measure.has_value());
  });
}

TEST_CASE("timeline: slash searches, Enter and Shift+Enter walk, Esc clears") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    ctx->MouseMoveToPos(canvas(ctx).GetCenter());
    ctx->KeyPress(ImGuiKey_Slash);
    ctx->Yield(2);
    ctx->KeyChars("quant");
    ctx->Yield(2);
    IM_CHECK(s.state().search.matches > 1);
    ctx->KeyPress(ImGuiKey_Enter);
    ctx->Yield(2);
    IM_CHECK(s.state().selection.kind == ui::SelectionKind::event);
    const uint32_t first = s.state().selection.index;
    ctx->KeyPress(ImGuiKey_Enter);
    ctx->Yield(2);
    IM_CHECK(s.state().selection.index != first);
    ctx->KeyPress(ImGuiMod_Shift | ImGuiKey_Enter);
    ctx->Yield(2);
    IM_CHECK_EQ(s.state().selection.index, first);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(2);
    IM_CHECK(s.state().search.text.empty());
  });
}

TEST_CASE("timeline: the minimap takes the view where it is clicked") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Timeline/2\xc3\x97");
    ctx->Yield();
    const ImRect map = ctx->ItemInfo("//Timeline/minimap").RectFull;
    ctx->MouseMoveToPos({map.Min.x + map.GetWidth() * 0.75f, map.GetCenter().y});
    ctx->MouseClick();
    ctx->Yield(2);
    const ui::Extent content = ui::stack_of(s.state()).content();
    const double middle = (s.state().view.begin_ns + s.state().view.end_ns()) / 2;
    IM_CHECK(std::fabs(middle - 0.75 * static_cast<double>(content.ns())) < 0.01 * static_cast<double>(content.ns()));
  });
}

TEST_CASE("timeline: the Show menu and its keys switch path, arrows, launch calls and lanes") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Timeline/Show");
    ctx->ItemClick("//$FOCUSED/Critical path");
    ctx->Yield(2);
    IM_CHECK(s.state().show.path);
    IM_CHECK(std::ranges::any_of(s.bench().memory().links, [](const ui::LinkVm& l) { return l.kind == ui::LinkKind::path; }));
    ctx->MouseMoveToPos(canvas(ctx).GetCenter());
    ctx->PopupCloseAll();
    ctx->KeyPress(ImGuiKey_P);
    ctx->Yield(2);
    IM_CHECK(!s.state().show.path);
    ctx->KeyPress(ImGuiKey_H);
    ctx->Yield(2);
    IM_CHECK(s.state().show.host);
    ctx->ItemClick("//Timeline/Show");
    ctx->ItemClick("//$FOCUSED/by stream");
    if (!until(ctx, "the lanes to be made anew", [&] { return s.bench().settled(); })) return;
    IM_CHECK(s.state().show.grouping == ui::LaneGrouping::stream);
    IM_CHECK(s.state().runs[1].analysis->options.grouping == ui::LaneGrouping::stream);
  });
}

TEST_CASE("timeline: runs align by the selected kernel and go back to their start") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    ctx->MouseMoveToPos(bar_middle(ctx, s.dual(), s.longest()));
    ctx->MouseClick();
    ctx->Yield();
    ctx->ItemClick("//Timeline/###align");
    ctx->ItemClick("//$FOCUSED/the selected kernel's first");
    ctx->Yield(2);
    IM_CHECK(s.state().align.by == ui::AlignBy::kernel);
    IM_CHECK(s.state().runs[1].align_note.empty());
    IM_CHECK(ui::stack_of(s.state()).content().begin_ns < 0);
    ctx->PopupCloseAll();
    ctx->ItemClick("//Timeline/###align");
    ctx->ItemClick("//$FOCUSED/its start");
    ctx->Yield(2);
    IM_CHECK_EQ(ui::stack_of(s.state()).content().begin_ns, int64_t{0});
  });
}

TEST_CASE("timeline: a band's menu moves it, takes it off and puts two into comparison") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    const auto menu = [&](const char* entry) {
      const ImVec2 at = bar_middle(ctx, s.dual(), s.longest());
      ctx->MouseMoveToPos(at);
      ctx->MouseClick(ImGuiMouseButton_Right);
      ctx->Yield(2);
      ctx->ItemClick((std::string("//$FOCUSED/") + entry).c_str());
      ctx->Yield(3);
    };
    menu("Move up");
    IM_CHECK(s.state().stack[0] == s.dual());
    menu("Move down");
    IM_CHECK(s.state().stack[1] == s.dual());
    menu("Compare with B200, CUDA graph");
    IM_CHECK(s.state().compare.a == s.dual() && s.state().compare.b == s.state().runs[2].key);
    menu("Take off the timeline");
    IM_CHECK_EQ(s.state().stack.size(), size_t{2});
  });
}

TEST_CASE("timeline: hovering a bar says what it is") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    ctx->MouseMoveToPos(bar_middle(ctx, s.dual(), s.longest()));
    ctx->Yield(3);
    IM_CHECK(ctx->UiContext->TooltipPreviousWindow != nullptr && ctx->UiContext->TooltipPreviousWindow->Active);
  });
}

}  // namespace tests
