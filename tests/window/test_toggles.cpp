// The Toggles panel beside flipping: what a click on a switch's name shows, before and after an A/B.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "imgui_internal.h"

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

}  // namespace tests
