// A window on a display: GLFW, OpenGL 3.3, ImGui's backends. The only code with GLFW in it.
#pragma once
#include <string>

#include "app/cli.h"
#include "app/window/workbench.h"
#include "trace/result.h"

namespace app {

// Runs until the user closes it. `prepare` is called once the workbench stands. error: no window.
trace::Status run_glfw_window(const WindowRequest&, Workbench::Parts,
                              const std::function<void(Workbench&)>& prepare);
bool glfw_display(std::string* why);

}  // namespace app
