#include "tests/window/driver.h"

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <utility>
#include <thread>

#include "imgui_internal.h"
#include "imgui_te_internal.h"

#include "app/samples.h"
#include "ui/shell.h"
#include "ui/timeline_draw.h"

namespace tests {
namespace {

constexpr double kPatience_s = 300;

}  // namespace

Driver::Driver() = default;

Driver::~Driver() {
  if (m_engine) ImGuiTestEngine_DestroyContext(m_engine);
}

void Driver::start() {
  m_engine = ImGuiTestEngine_CreateContext();
  ImGuiTestEngineIO& io = ImGuiTestEngine_GetIO(m_engine);
  io.ConfigSavedSettings = false;
  io.ConfigRunSpeed = ImGuiTestRunSpeed_Fast;
  io.ConfigVerboseLevel = ImGuiTestVerboseLevel_Warning;
  io.ConfigVerboseLevelOnError = ImGuiTestVerboseLevel_Info;
  io.ConfigNoThrottle = true;
  io.ConfigMouseDrawCursor = false;
  io.ConfigRestoreFocusAfterTests = false;   // what a script brings forward stays there
  // Loaded machines are slow; ctest has the last word.
  io.ConfigWatchdogWarning = io.ConfigWatchdogKillTest = io.ConfigWatchdogKillApp = FLT_MAX;
  ImGui::GetIO().ConfigDebugHighlightIdConflicts = true;
  ImGuiTestEngine_Start(m_engine, ImGui::GetCurrentContext());
  m_test = ImGuiTestEngine_RegisterTest(m_engine, "window", "script", __FILE__, __LINE__);
  m_test->UserData = this;
  m_test->TestFunc = [](ImGuiTestContext* ctx) { static_cast<Driver*>(ctx->Test->UserData)->m_script(ctx); };
}

void Driver::stop() {
  if (m_engine) ImGuiTestEngine_Stop(m_engine);
}

void Driver::queue(Script script) {
  m_script = std::move(script);
  ImGuiTestEngine_QueueTest(m_engine, m_test, ImGuiTestRunFlags_RunFromCommandLine);
}

bool Driver::done() const { return ImGuiTestEngine_IsTestQueueEmpty(m_engine) && !ImGuiTestEngine_GetIO(m_engine).IsRunningTests; }

void Driver::after_frame() {
  ImGuiTestEngine_PostSwap(m_engine);
  // Two items with one id: a click on one may do what the other says.
  if (const ImGuiContext& g = *GImGui; g.DebugDrawIdConflictsCount > 1) m_conflict = g.DebugDrawIdConflictsId;
}

std::string Driver::problem() {
  if (m_conflict != 0) {
    char id[16];
    std::snprintf(id, sizeof id, "0x%08X", std::exchange(m_conflict, 0));
    return std::string("two items share the id ") + id;
  }
  if (m_test->Output.Status == ImGuiTestStatus_Success) return {};
  ImGuiTextBuffer log;
  m_test->Output.Log.ExtractLinesForVerboseLevels(ImGuiTestVerboseLevel_Silent, ImGuiTestVerboseLevel_Info, &log);
  return std::string("the script failed\n") + log.c_str();
}

Gui::Gui(const Options& options) {
  app::Dialogs::force_drawn(true);
  app::Workbench::Parts parts;
  parts.remember = false;
  if (options.engine) parts.engine = app::local_engine();
  if (!options.db.empty()) parts.store = app::local_store(options.db);
  auto window = app::OffscreenWindow::create(options.width, options.height, std::move(parts));
  if (!window.ok()) FAIL(window.error().line());
  m_window = std::move(window).value();
  m_driver.start();
  settle();
}

Gui::~Gui() {
  m_driver.stop();
  m_window.reset();
}

void Gui::run(const Script& script) {
  m_driver.queue(script);
  // Most of a frame's time is llvmpipe's: a few of them are enough to see that rendering works.
  constexpr int kRenderedEvery = 12;
  for (int frame = 0; !m_driver.done(); ++frame) {
    m_window->frame(frame % kRenderedEvery == 0);
    m_driver.after_frame();
  }
  if (const std::string problem = m_driver.problem(); !problem.empty()) {
    m_window->frame();
    const std::string picture = "failed-window.png";
    if (app::write_png(m_window->picture(), picture).ok()) UNSCOPED_INFO("the window then: " << picture);
    FAIL(problem);
  }
}

void Gui::settle() {
  m_window->frame(false);
  while (!bench().settled()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    m_window->frame(false);
  }
  m_window->frame();   // the one that a picture is of
}

void Gui::show_samples() {
  auto layers = app::published_layers();
  if (!layers.ok()) FAIL(layers.error().line());
  bench().show(std::move(layers).value(), 1);
  settle();
}

ImVec2 bar_middle(ImGuiTestContext* ctx, ui::RunKey key, trace::EventId event) {
  const ImGuiTestItemInfo info = ctx->ItemInfo(ui::bar_item_id(key, event));
  return info.RectFull.GetCenter();
}

bool until(ImGuiTestContext* ctx, const char* what, const std::function<bool()>& holds) {
  const double begin = app::steady_seconds();
  while (!holds()) {
    if (ctx->IsError()) return false;
    if (app::steady_seconds() - begin > kPatience_s) {
      IM_ERRORF("waited in vain for: %s", what);
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));   // the engine needs the processor
    ctx->Yield();
  }
  return true;
}

ImGuiID item(ImGuiTestContext* ctx, const char* window, const std::string& label) {
  const std::string path = std::string("//") + window + "/**/" + label;
  return ctx->ItemInfo(path.c_str()).ID;
}

void click(ImGuiTestContext* ctx, const char* window, const std::string& label, ImGuiMouseButton button) {
  const ImGuiID id = item(ctx, window, label);
  if (id) ctx->ItemClick(id, button);
}

void front(ImGuiTestContext* ctx, app::Workbench& bench, const char* panel) {
  ui::focus_panel(bench.memory(), panel);
  ctx->Yield(3);
}

}  // namespace tests
