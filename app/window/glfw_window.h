// A window on a display: GLFW, OpenGL 3.3, ImGui's backends. The only code with GLFW in it.
#pragma once
#include <string>

#include "app/cli.h"
#include "app/window/workbench.h"
#include "trace/result.h"

namespace app {

// What a test needs to drive the window as a person does.
struct WindowHooks {
  std::function<bool(Workbench&)> shown;  // after each frame; true = another one at once
  std::function<void()> closing;          // before the ImGui context ends
};

// Runs until the user closes it. `prepare` is called once the workbench stands. error: no window.
trace::Status run_glfw_window(const WindowRequest&, Workbench::Parts,
                              const std::function<void(Workbench&)>& prepare,
                              const WindowHooks& = {});
bool glfw_display(std::string* why);

}  // namespace app
