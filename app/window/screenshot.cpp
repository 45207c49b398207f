#include "app/window/screenshot.h"

#include <imgui.h>
#include <imgui_impl_opengl3.h>

#include <chrono>
#include <thread>

#include "app/window/context.h"
#include "ui/shell.h"
#include "ui/theme.h"

namespace app {

trace::Result<std::unique_ptr<OffscreenWindow>> OffscreenWindow::create(int width, int height,
                                                                        Workbench::Parts parts) {
  auto surface = Offscreen::create(width, height);
  if (!surface.ok()) return surface.error();
  std::unique_ptr<OffscreenWindow> w(new OffscreenWindow);
  w->m_surface = std::move(surface).value();
  w->m_gui = std::make_unique<GuiContext>("");
  ImGui_ImplOpenGL3_Init("#version 330");
  w->m_bench = std::make_unique<Workbench>(std::move(parts));
  return w;
}

OffscreenWindow::~OffscreenWindow() {
  m_bench.reset();
  if (m_gui) ImGui_ImplOpenGL3_Shutdown();
  m_gui.reset();
}

void OffscreenWindow::frame(bool rendered) {
  m_bench->poll();
  const double begin = steady_seconds();
  ImGuiIO& io = ImGui::GetIO();
  io.DisplaySize = {static_cast<float>(m_surface->width()),
                    static_cast<float>(m_surface->height())};
  io.DeltaTime = 1.0f / 60;
  ImGui_ImplOpenGL3_NewFrame();
  ImGui::NewFrame();
  m_bench->frame();
  ImGui::Render();
  m_frame_ms = (steady_seconds() - begin) * 1e3;
  m_bench->state().frame_ms = m_frame_ms;
  if (!rendered) return;
  const ui::Rgb back = ui::theme().colours.background;
  m_surface->begin(static_cast<float>(back.r) / 255, static_cast<float>(back.g) / 255,
                   static_cast<float>(back.b) / 255);
  ImGui_ImplOpenGL3_RenderDrawData(ImGui::GetDrawData());
}

trace::Status take_screenshot(const WindowRequest& request, Workbench::Parts parts,
                              const std::function<void(Workbench&)>& prepare) {
  parts.remember = false;
  if (request.theme == "light") parts.settings.theme = ui::ThemeName::light;
  if (request.theme == "dark") parts.settings.theme = ui::ThemeName::dark;
  auto window = OffscreenWindow::create(request.width, request.height, std::move(parts));
  if (!window.ok()) return window.error();
  OffscreenWindow& w = **window;
  prepare(w.bench());
  constexpr double kPatience_s = 300;
  const double begin = steady_seconds();
  w.frame();
  while (!w.bench().settled() && steady_seconds() - begin < kPatience_s) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    w.frame();
  }
  for (const ui::Notice& n : w.bench().state().notices) {
    if (n.kind == ui::NoticeKind::error) return trace::Error{n.text, ""};
  }
  // What was worth a notice while loading is no part of the picture.
  for (ui::Notice& n : w.bench().state().notices) n.dismissed = true;
  for (int i = 0; i < 6; ++i) w.frame();  // docking, tab focus and column widths settle
  return write_png(w.picture(), request.screenshot);
}

}  // namespace app
