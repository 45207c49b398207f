// Pictures for a person to look at: every state that `--screenshot` can't reach. Not part of ctest's sets: run
// `test_window "[pictures]"`; they land in the folder that DS_PICTURES names.
#include <catch2/catch_test_macros.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <tuple>
#include <utility>

#include "app/samples.h"
#include "tests/support/temp_folder.h"
#include "tests/window/driver.h"
#include "tests/window/live_story.h"
#include "ui/panels.h"
#include "ui/shell.h"
#include "ui/vm/synthetic.h"

namespace tests {
namespace {

void picture(Gui& gui, const std::string& name) {
  const char* folder = std::getenv("DS_PICTURES");
  for (ui::Notice& n : gui.state().notices) n.dismissed = n.dismissed || n.kind == ui::NoticeKind::info;
  gui.settle();
  const auto done = app::write_png(gui.window().picture(), (folder ? std::string(folder) + "/" : std::string()) + name + ".png");
  if (!done.ok()) FAIL(done.error().line());
}

}  // namespace

TEST_CASE("pictures of a selection, a tooltip, the palette and the help", "[.pictures]") {
  Gui gui({.width = 1600, .height = 1000});
  gui.show_samples();
  ui::AppState& state = gui.state();
  const ui::RunKey dual = state.runs[1].key;
  gui.bench().act(ui::action::SelectBubble{dual, 28, false});
  const auto& bubbles = state.runs[1].analysis->gaps->bubbles;
  for (uint32_t i = 0; i < bubbles.size(); ++i)
    if (bubbles[i].kind == trace::BubbleKind::stall) gui.bench().act(ui::action::SelectBubble{dual, i, false});
  picture(gui, "bubble");
  gui.bench().act(ui::action::SelectEvent{dual, 20, false});
  gui.bench().act(ui::action::SetShow{{.path = true}});
  gui.bench().act(ui::action::SetMeasure{ui::Extent{145223, 220000}});
  picture(gui, "kernel");
  gui.bench().act(ui::action::SetAlign{{.by = ui::AlignBy::kernel, .kernel = std::string(state.runs[1].run->trace->name_of(state.runs[1].run->trace->events[20]))}});
  picture(gui, "aligned");
  gui.bench().act(ui::action::SetAlign{{}});
  gui.bench().act(ui::action::SetShow{{}});
  gui.run([&](ImGuiTestContext* ctx) { ctx->MouseMoveToPos({1000, 238}); ctx->Yield(60); });
  picture(gui, "tooltip");
  std::snprintf(gui.bench().memory().search, sizeof gui.bench().memory().search, "gemm");
  gui.bench().act(ui::action::Search{"gemm"});
  picture(gui, "search");
  gui.bench().act(ui::action::ShowHelp{true});
  picture(gui, "help");
  gui.bench().act(ui::action::ShowHelp{false});
  gui.bench().memory().palette_open = true;
  gui.run([&](ImGuiTestContext* ctx) { ctx->Yield(3); ctx->KeyChars("th"); ctx->Yield(3); });
  picture(gui, "palette");
}

TEST_CASE("pictures of the live engine", "[.pictures]") {
  const TempFolder folder;
  Gui gui({.width = 1600, .height = 1000, .engine = true, .db = folder / "runs.db"});
  shorten(gui.state());
  gui.run([&](ImGuiTestContext* ctx) {
    front(ctx, gui.bench(), "Live");
    if (!until(ctx, "welcome", [&] { return gui.state().session.connected; })) return;
    click(ctx, "Session", "Start engine");
    ctx->Yield(3);
  });
  picture(gui, "loading");
  const auto steps = [&](int64_t n) {
    gui.run([&](ImGuiTestContext* ctx) {
      until(ctx, "steps", [&] { return !gui.state().session.steps.empty() && gui.state().session.steps.back().index >= n; });
    });
  };
  steps(60);
  gui.run([&](ImGuiTestContext* ctx) { ctx->ItemClick("//Toggles/cat_skip/cat_skip"); });
  steps(120);
  picture(gui, "live");
  gui.bench().act(ui::action::SetTheme{ui::ThemeName::light});
  picture(gui, "live-light");
  gui.bench().act(ui::action::SetTheme{ui::ThemeName::dark});
  gui.run([&](ImGuiTestContext* ctx) { ctx->ItemClick("//Toggles/cat_skip/A\\/B"); ctx->Yield(30); });
  picture(gui, "ab-under-way");
  gui.run([&](ImGuiTestContext* ctx) { until(ctx, "the A/B", [&] { return gui.state().session.last_ab != nullptr; }); });
  picture(gui, "ab-done");
}

TEST_CASE("pictures of what a click on a switch's name shows", "[.pictures][switches]") {
  for (const auto& [width, height, theme, name] : {std::tuple{1600, 1000, ui::ThemeName::dark, "dark"}, std::tuple{1280, 720, ui::ThemeName::light, "light"}, std::tuple{800, 600, ui::ThemeName::dark, "small"}}) {
    Gui gui({.width = width, .height = height, .engine = true});
    gui.show_samples();
    gui.bench().act(ui::action::SetTheme{theme});
    gui.run([&](ImGuiTestContext* ctx) { until(ctx, "welcome", [&] { return gui.state().session.connected; }); });
    for (const char* key : {"cat_skip", "x_scale", "rope_update", "head_gates", "index_layout", "logits_init", "streams", "kv_dtype", "launch"}) {
      gui.run([&](ImGuiTestContext* ctx) {
        ctx->ItemClick((std::string("//Toggles/") + key + "/##about " + key).c_str());
        const trace::ToggleKey k = trace::toggle_key(key).value();
        if (!trace::unavailable(k, gui.state().draft.model, "cpu"))
          until(ctx, "the plan", [&] { return gui.state().session.sketches.contains(k) && gui.state().session.sketches.at(k).sketch; });
        ctx->Yield(4);
      });
      picture(gui, std::string("switch-") + key + "-" + name);
      gui.run([&](ImGuiTestContext* ctx) { ctx->KeyPress(ImGuiKey_Escape); ctx->Yield(3); });
    }
  }
}

TEST_CASE("pictures of every panel in both themes, and of what opens over them", "[.pictures][panels]") {
  const TempFolder folder;
  Gui gui({.width = 1600, .height = 1000, .engine = true, .db = folder / "runs.db"});
  gui.run([&](ImGuiTestContext* ctx) { until(ctx, "welcome", [&] { return gui.state().session.connected; }); });
  for (const char* panel : {"Compare", "Kernels", "Live", "Store", "Log"}) {
    ui::focus_panel(gui.bench().memory(), panel);
    picture(gui, std::string("empty-") + panel);
  }
  gui.show_samples();
  for (size_t i = 0; i < 3; ++i) gui.bench().act(ui::action::SaveRun{gui.state().runs[i].key}), gui.settle();
  for (const trace::Run& r : gui.state().store.runs) gui.bench().act(ui::action::TagStored{r.id, "glm-5.1, layer"});
  gui.bench().act(ui::action::StarStored{gui.state().store.runs.front().id, true});
  gui.bench().act(ui::action::NoteStored{gui.state().store.runs.front().id, "the one with a join after every fork"});
  gui.bench().act(ui::action::OpenFiles{{folder / "absent.json"}});
  gui.settle();
  const auto open_and_take = [&](const std::string& name, const Script& script) {
    gui.run(script);
    picture(gui, name);
    gui.run([](ImGuiTestContext* ctx) { ctx->KeyPress(ImGuiKey_Escape), ctx->Yield(2), ctx->KeyPress(ImGuiKey_Escape), ctx->Yield(2); });
  };
  for (const auto& [theme, name] : {std::pair{ui::ThemeName::dark, std::string("dark")}, std::pair{ui::ThemeName::light, std::string("light")}}) {
    gui.bench().act(ui::action::SetTheme{theme});
    for (const char* panel : {"Bubbles", "Compare", "Kernels", "Store", "Log"}) {
      ui::focus_panel(gui.bench().memory(), panel);
      picture(gui, std::string("panel-") + panel + "-" + name);
    }
    ui::focus_panel(gui.bench().memory(), "Kernels");
    gui.bench().memory().kernel_side = ui::KernelSide::runs;
    picture(gui, "panel-Kernels-runs-" + name);
    gui.bench().memory().kernel_side = ui::KernelSide::roofline;
    open_and_take("connect-" + name, [](ImGuiTestContext* ctx) { click(ctx, "Session", "###machine"), ctx->Yield(3); });
    open_and_take("show-menu-" + name, [](ImGuiTestContext* ctx) { click(ctx, "Timeline", "Show"), ctx->Yield(3); });
    open_and_take("align-menu-" + name, [](ImGuiTestContext* ctx) { click(ctx, "Timeline", "###align"), ctx->Yield(3); });
    open_and_take("file-menu-" + name, [](ImGuiTestContext* ctx) { ctx->ItemClick("//##top/##MenuBar/File"), ctx->Yield(3); });
    open_and_take("open-dialog-" + name, [](ImGuiTestContext* ctx) { ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_O), ctx->Yield(3); });
    open_and_take("export-dialog-" + name, [](ImGuiTestContext* ctx) { ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_E), ctx->Yield(3); });
    open_and_take("about-" + name, [&](ImGuiTestContext* ctx) { gui.bench().act(ui::action::ShowAbout{true}), ctx->Yield(3); });
    open_and_take("help-" + name, [&](ImGuiTestContext* ctx) { gui.bench().act(ui::action::ShowHelp{true}), ctx->Yield(3); });
    open_and_take("palette-" + name, [&](ImGuiTestContext* ctx) { gui.bench().memory().palette_open = true, ctx->Yield(3); });
  }
}

TEST_CASE("pictures of the whole window from small to large", "[.pictures][sizes]") {
  for (const auto& [width, height] : {std::pair{800, 600}, std::pair{1280, 720}, std::pair{2560, 1440}}) {
    Gui gui({.width = width, .height = height});
    gui.show_samples();
    for (const auto& [theme, name] : {std::pair{ui::ThemeName::dark, "dark"}, std::pair{ui::ThemeName::light, "light"}}) {
      gui.bench().act(ui::action::SetTheme{theme});
      for (const char* panel : {"Bubbles", "Compare", "Kernels"}) {
        ui::focus_panel(gui.bench().memory(), panel);
        picture(gui, std::to_string(width) + "-" + panel + "-" + name);
      }
    }
  }
}

TEST_CASE("pictures of a large trace in its first half", "[.pictures]") {
  for (const auto& [theme, name] : {std::pair{ui::ThemeName::dark, "counting-dark"}, std::pair{ui::ThemeName::light, "counting-light"}}) {
    Gui gui({.width = 1600, .height = 1000});
    gui.bench().act(ui::action::SetTheme{theme});
    gui.settle();
    gui.bench().show({*ui::synthetic_run(400'000, 6)}, 0);
    gui.bench().act(ui::action::FocusPanel{"Kernels"});
    while (!gui.state().runs[0].analysis) gui.bench().poll();
    const char* folder = std::getenv("DS_PICTURES");
    for (int i = 0; i < 3; ++i) gui.window().frame();   // without polling: it stays in its first half
    const auto done = app::write_png(gui.window().picture(), (folder ? std::string(folder) + "/" : std::string()) + name + ".png");
    if (!done.ok()) FAIL(done.error().line());
    gui.settle();
  }
}

}  // namespace tests
