// The window as people get it: GLFW, an X server (Xvfb), OpenGL. The same story as offscreen.
#include <catch2/catch_test_macros.hpp>

#include <filesystem>
#include <utility>

#include "imgui_internal.h"

#include "app/window/glfw_window.h"
#include "app/window/window.h"
#include "tests/support/temp_folder.h"
#include "tests/window/driver.h"
#include "tests/window/live_story.h"
#include "tests/window/xvfb.h"
#include "ui/theme.h"

namespace tests {

TEST_CASE("the real window on an X server: flip, record, store, reopen, quit by key", "[slow]") {
  const TempFolder folder;
  const Xvfb server;
  std::string why;
  CHECK(app::display_available(&why));
  CHECK(why.empty());

  app::Dialogs::force_drawn(true);
  app::Workbench::Parts parts;
  parts.remember = false;
  parts.engine = app::local_engine();
  parts.store = app::local_store(folder / "runs.db");
  Driver driver;
  bool told = false, passed = false, broke_off = false;
  app::WindowHooks hooks;
  hooks.shown = [&](app::Workbench& bench) {
    driver.after_frame();
    if (told && driver.done()) {   // the script did not reach its end: the window must not stay
      broke_off = true;
      bench.act(ui::action::Quit{});
    }
    return true;
  };
  hooks.closing = [&] { driver.stop(); };
  app::WindowRequest request;
  // Small: what Xvfb and llvmpipe do with the pixels takes nearly all of the time.
  request.width = 1000;
  request.height = 640;
  const auto done = app::run_glfw_window(request, std::move(parts), [&](app::Workbench& bench) {
    shorten(bench.state());
    driver.start();
    driver.queue([&](ImGuiTestContext* ctx) {
      flip_record_reopen(ctx, bench);
      passed = !ctx->IsError();
      ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Q);
      until(ctx, "Ctrl+Q to be heard", [&] { return bench.quit(); });
    });
    told = true;
  }, hooks);
  if (!done.ok()) FAIL(done.error().line());
  INFO(driver.problem());
  CHECK(passed);
  CHECK_FALSE(broke_off);   // Ctrl+Q ended it
}

TEST_CASE("theme, text size, closed panels and the layout are kept under XDG from one start to the next, and reset", "[slow]") {
  const TempFolder folder;
  const Xvfb server;
  const char* before = getenv("XDG_CONFIG_HOME");
  const std::string kept = before ? before : "";
  setenv("XDG_CONFIG_HOME", std::string(folder / "config").c_str(), 1);
  app::Dialogs::force_drawn(true);
  // One start of the program: the settings are read, the script runs, the window closes.
  const auto start = [](const Script& script) {
    app::Workbench::Parts parts;
    parts.settings = app::load_settings();
    Driver driver;
    bool told = false, ended = false;
    app::WindowHooks hooks;
    hooks.shown = [&](app::Workbench& bench) {
      driver.after_frame();
      if (told && driver.done() && !std::exchange(ended, true)) bench.act(ui::action::Quit{});
      return true;
    };
    hooks.closing = [&] { driver.stop(); };
    app::WindowRequest request;
    request.width = 800;
    request.height = 600;
    const auto done = app::run_glfw_window(request, std::move(parts), [&](app::Workbench&) {
      driver.start();
      driver.queue(script);
      told = true;
    }, hooks);
    if (!done.ok()) FAIL(done.error().line());
    if (const std::string problem = driver.problem(); !problem.empty()) FAIL(problem);
  };
  const auto menu = [](ImGuiTestContext* ctx, const char* path) {
    ctx->SetRef("//##top");
    ctx->MenuClick(path);
    ctx->SetRef("");
    ctx->Yield(3);
  };
  start([&](ImGuiTestContext* ctx) {
    menu(ctx, "View/Light theme");
    menu(ctx, "View/Live");
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Equal);
    ctx->UndockWindow("Log");
    ctx->Yield(3);
    ImGui::SaveIniSettingsToDisk(ImGui::GetIO().IniFilename);
  });
  const app::Settings settings = app::load_settings();
  CHECK(settings.theme == ui::ThemeName::light);
  CHECK(settings.font_scale > 1.05f);
  CHECK(settings.closed_panels == std::vector<std::string>{"Live"});
  CHECK(std::filesystem::exists(folder / "config/decodescope/layout.ini"));
  start([&](ImGuiTestContext* ctx) {
    ctx->Yield(4);
    IM_CHECK(ui::theme().name == ui::ThemeName::light);
    IM_CHECK(ctx->GetWindowByRef("//Log")->DockNode == nullptr);
    IM_CHECK(ctx->GetWindowByRef("//Kernels")->DockNode != nullptr);
    menu(ctx, "View/Reset layout");
    ctx->Yield(3);
    IM_CHECK(ctx->GetWindowByRef("//Log")->DockNode != nullptr);
  });
  if (before) setenv("XDG_CONFIG_HOME", kept.c_str(), 1);
  else unsetenv("XDG_CONFIG_HOME");
}

TEST_CASE("without a display the window says so") {
  const char* before = getenv("DISPLAY");
  const std::string kept = before ? before : "";
  unsetenv("DISPLAY");
  std::string why;
  CHECK_FALSE(app::display_available(&why));
  CHECK(why == "no display: DISPLAY is not set");
  setenv("DISPLAY", ":7999", 1);
  CHECK_FALSE(app::display_available(&why));
  CHECK(why.starts_with("no display: "));
  if (before) setenv("DISPLAY", kept.c_str(), 1);
  else unsetenv("DISPLAY");
}

}  // namespace tests
