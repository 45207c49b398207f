// The Toggles panel beside flipping: what a click on a switch's name shows, before and after an A/B.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "imgui_internal.h"

#include "tests/support/temp_folder.h"
#include "tests/window/driver.h"
#include "tests/window/live_story.h"
#include "ui/vm/sketch_vm.h"
#include "ui/vm/toggles_vm.h"

namespace tests {
namespace {

using trace::ToggleKey;

const ui::SketchState* planned(const ui::AppState& state, ToggleKey key) {
  const auto at = state.session.sketches.find(key);
  return at != state.session.sketches.end() && at->second.sketch ? &at->second : nullptr;
}

bool popup_open() { return !GImGui->OpenPopupStack.empty(); }

}  // namespace

TEST_CASE("toggles: a click on a name plans both arms before anything runs; flipping keeps the sketch, another workload does not") {
  Gui gui({.width = 1280, .height = 900, .engine = true});
  shorten(gui.state());
  const ui::AppState& state = gui.state();
  gui.run([&](ImGuiTestContext* ctx) {
    if (!until(ctx, "the engine's welcome", [&] { return state.session.connected; })) return;
    ctx->ItemClick("//Toggles/cat_skip/##about cat_skip");
    if (!until(ctx, "the plan of cat_skip", [&] { return planned(state, ToggleKey::cat_skip); })) return;
    ctx->Yield(2);
    IM_CHECK(popup_open());
    const trace::PlanSketch& s = *planned(state, ToggleKey::cat_skip)->sketch;
    IM_CHECK(s.problem.empty());
    IM_CHECK_EQ(s.layers_changed, state.draft.model.layers);
    const ui::SketchVm vm = ui::sketch_vm(s);
    IM_CHECK(std::ranges::any_of(vm.pipeline, [](const ui::SketchLaunchVm& l) { return l.name == "concat" && l.side == -1; }));
    ctx->ItemClick("//$FOCUSED/Copy");
    const std::string copied = ImGui::GetClipboardText();
    IM_CHECK(copied.find("- concat") != std::string::npos);
    IM_CHECK(copied.find("not checked yet: run A/B") != std::string::npos);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(2);
    IM_CHECK(!popup_open());

    ctx->ItemClick("//Toggles/cat_skip/cat_skip");
    ctx->Yield();
    IM_CHECK(ui::current_sketch(state, ToggleKey::cat_skip) != nullptr);
    gui.state().draft.workload.batch = 3;
    IM_CHECK(ui::current_sketch(state, ToggleKey::cat_skip) == nullptr);   // not of this workload
    ctx->ItemClick("//Toggles/cat_skip/##about cat_skip");
    until(ctx, "the plan of batch 3", [&] { return ui::current_sketch(state, ToggleKey::cat_skip) != nullptr; });
    ctx->KeyPress(ImGuiKey_Escape);
  });
}

TEST_CASE("toggles: what a click on a name opens lies beside its panel, opaque, and needs no scrolling at 1280x720") {
  Gui gui({.width = 1280, .height = 720, .engine = true});
  const ui::AppState& state = gui.state();
  gui.run([&](ImGuiTestContext* ctx) {
    if (!until(ctx, "the engine's welcome", [&] { return state.session.connected; })) return;
    IM_CHECK_EQ(ImGui::GetStyleColorVec4(ImGuiCol_PopupBg).w, 1.0f);
    for (const trace::ToggleInfo& info : trace::toggle_table()) {
      const std::string name(info.name);
      ctx->ItemClick(("//Toggles/" + name + "/##about " + name).c_str());
      if (!trace::unavailable(info.key, state.draft.model, state.draft.backend) &&
          !until(ctx, "the plan", [&] { return planned(state, info.key); })) return;
      ctx->Yield(3);
      IM_CHECK(popup_open());
      const ImGuiWindow* popup = GImGui->OpenPopupStack.back().Window;
      const ImGuiWindow* panel = ctx->GetWindowByRef("//Toggles");
      ctx->LogInfo("%s: %.0f x %.0f at %.0f, %.0f, scrolls %.0f", name.c_str(), popup->Size.x, popup->Size.y, popup->Pos.x, popup->Pos.y, popup->ScrollMax.y);
      IM_CHECK_GE(popup->Pos.x, panel->Pos.x + panel->Size.x);
      IM_CHECK_LE(popup->Pos.x + popup->Size.x, 1280.0f);
      IM_CHECK_GE(popup->Pos.y, 0.0f);
      IM_CHECK_LE(popup->Pos.y + popup->Size.y, 720.0f);
      IM_CHECK_EQ(popup->ScrollMax.y, 0.0f);
      ctx->KeyPress(ImGuiKey_Escape);
      ctx->Yield(2);
    }
  });
}

TEST_CASE("toggles: a switch that can't be flipped says why, a choice takes another value") {
  Gui gui({.engine = true});
  const ui::AppState& state = gui.state();
  gui.run([&](ImGuiTestContext* ctx) {
    if (!until(ctx, "the engine's welcome", [&] { return state.session.connected; })) return;
    const auto why = trace::unavailable(ToggleKey::v_layout, state.draft.model, state.draft.backend);
    IM_CHECK(why.has_value());
    ctx->ItemClick("//Toggles/v_layout/##about v_layout");
    ctx->Yield(3);
    ctx->ItemClick("//$FOCUSED/Copy");
    IM_CHECK(std::string(ImGui::GetClipboardText()).find("not here: " + *why) != std::string::npos);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(2);
    const int before = state.draft.toggles.index(ToggleKey::page_size);
    ctx->ItemClick("//Toggles/page_size/page_size");
    ctx->Yield(2);
    ctx->ItemClick("//$FOCUSED/16");
    ctx->Yield(2);
    IM_CHECK(state.draft.toggles.index(ToggleKey::page_size) != before);
    IM_CHECK_STR_EQ(std::string(trace::info(ToggleKey::page_size).values[static_cast<size_t>(state.draft.toggles.index(ToggleKey::page_size))]).c_str(), "16");
  });
}

TEST_CASE("toggles: a flip marks the step chart; an A/B from a row is measured, proved, stored and shown; another is cancelled") {
  const TempFolder folder;
  Gui gui({.width = 1280, .height = 900, .engine = true, .db = folder / "runs.db"});
  shorten(gui.state());
  const ui::AppState& state = gui.state();
  using trace::reply::Phase;
  gui.run([&](ImGuiTestContext* ctx) {
    if (!until(ctx, "the engine's welcome", [&] { return state.session.connected; })) return;
    front(ctx, gui.bench(), "Live");
    ctx->ItemClick("//Session/Start engine");
    if (!until(ctx, "live steps", [&] { return state.session.phase == Phase::running && state.session.steps.size() > 3; })) return;
    ctx->ItemClick("//Toggles/x_scale/x_scale");
    if (!until(ctx, "the mark of the flip", [&] { return !gui.bench().memory().chart.flips.empty(); })) return;
    IM_CHECK_STR_EQ(gui.bench().memory().chart.flips[0].text.c_str(), "x_scale transposed");

    ctx->ItemClick("//Toggles/cat_skip/A\\/B");
    if (!until(ctx, "the A/B", [&] { return state.session.last_ab && state.session.phase == Phase::running && gui.bench().settled(); })) return;
    const trace::AbResult& ab = *state.session.last_ab;
    IM_CHECK(ab.equivalence.ok);
    IM_CHECK(std::ranges::any_of(ab.removed, [](const trace::LaunchDelta& d) { return d.name == "concat"; }));
    IM_CHECK_EQ(state.store.runs.size(), size_t{2});
    const std::vector<ui::ToggleRowVm> rows = ui::toggle_rows(state);
    const auto row = std::ranges::find(rows, ToggleKey::cat_skip, &ui::ToggleRowVm::key);
    IM_CHECK(!row->effect.empty());
    IM_CHECK_STR_EQ(row->badge.c_str(), "bitwise ✓");
    ctx->ItemClick("//Toggles/cat_skip/##about cat_skip");
    ctx->Yield(3);
    ctx->ItemClick("//$FOCUSED/Copy");
    const std::string copied = ImGui::GetClipboardText();
    IM_CHECK(copied.find("held: same results, bitwise") != std::string::npos);
    IM_CHECK(copied.find("measured: ") != std::string::npos);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(2);

    // The full form: a quick one of this model may be over before it is cancelled.
    ctx->ItemClick("//Toggles/full");
    ctx->ItemClick("//Toggles/rope_update/A\\/B");
    if (!until(ctx, "the second A/B", [&] { return state.session.phase == Phase::ab; })) return;
    ctx->ItemClick("//Session/Cancel");
    if (!until(ctx, "its end", [&] { return state.session.phase == Phase::running; })) return;
    IM_CHECK(!state.session.effects.contains(ToggleKey::rope_update));
    IM_CHECK_EQ(state.store.runs.size(), size_t{2});
  });
}

TEST_CASE("session: model and workload are chosen before a start; the switches follow the model") {
  Gui gui({.engine = true});
  const ui::AppState& state = gui.state();
  gui.run([&](ImGuiTestContext* ctx) {
    if (!until(ctx, "the engine's welcome", [&] { return state.session.connected; })) return;
    IM_CHECK(!trace::unavailable(ToggleKey::head_gates, state.draft.model, "cpu"));
    ctx->ItemClick("//Session/##model");
    ctx->ItemClick("//$FOCUSED/tiny-dense (synthetic)");
    ctx->Yield(2);
    IM_CHECK_STR_EQ(state.draft.model.name.c_str(), "tiny-dense");
    const std::vector<ui::ToggleRowVm> rows = ui::toggle_rows(state);
    const auto row = std::ranges::find(rows, ToggleKey::head_gates, &ui::ToggleRowVm::key);
    IM_CHECK(!row->enabled);
    IM_CHECK(!row->why_disabled.empty());
    ctx->ItemInputValue("//Session/##batch", 7);
    ctx->ItemInputValue("//Session/##context", 333);
    ctx->Yield(2);
    IM_CHECK_EQ(state.draft.workload.batch, 7);
    IM_CHECK_EQ(state.draft.workload.context, 333);
    ctx->ItemClick("//Session/##backend");
    ctx->ItemClick("//$FOCUSED/auto");
    ctx->Yield(2);
    IM_CHECK_STR_EQ(state.draft.backend.c_str(), "auto");
  });
}

}  // namespace tests
