// The window rendered into a picture, without a person and without a display.
#pragma once
#include <functional>

#include "app/cli.h"
#include "app/window/offscreen.h"
#include "app/window/workbench.h"

namespace app {

// Owns context, workbench and offscreen surface; frames are drawn one by one. What screenshots and
// GUI tests share.
class OffscreenWindow {
 public:
  // error: no offscreen OpenGL.
  static trace::Result<std::unique_ptr<OffscreenWindow>> create(int width, int height,
                                                                Workbench::Parts);
  ~OffscreenWindow();

  Workbench& bench() { return *m_bench; }
  // Polls and builds one frame, 1/60 s after the one before for ImGui; renders it unless nobody will look.
  void frame(bool rendered = true);
  Picture picture() const { return m_surface->picture(); }
  void finish() const { m_surface->finish(); }         // as a window hands its frame over
  std::string renderer() const { return m_surface->renderer(); }
  double last_frame_ms() const { return m_frame_ms; }  // building the frame, without rendering

 private:
  OffscreenWindow() = default;
  std::unique_ptr<Offscreen> m_surface;
  std::unique_ptr<class GuiContext> m_gui;
  std::unique_ptr<Workbench> m_bench;
  double m_frame_ms = 0;
};

// Opens what the request names, waits until all of it is there, writes request.screenshot.
// error: what could not be opened (the first), or no picture.
trace::Status take_screenshot(const WindowRequest&, Workbench::Parts,
                              const std::function<void(Workbench&)>& prepare);

}  // namespace app
