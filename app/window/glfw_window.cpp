#include "app/window/glfw_window.h"

#include <imgui.h>
#include <imgui_impl_glfw.h>
#include <imgui_impl_opengl3.h>
#include <imgui_internal.h>
// After the backends: this brings in OpenGL's own header.
#include <GLFW/glfw3.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "app/window/context.h"
#include "app/window/frame_pace.h"
#include "app/window/icon.h"
#include "ui/theme.h"

namespace app {
namespace {

std::string g_glfw_error;

void on_glfw_error(int, const char* text) {
  g_glfw_error = text;
}

struct WindowEvents {
  Workbench* bench = nullptr;
  bool refresh = true;
};

void on_drop(GLFWwindow* window, int count, const char** paths) {
  auto* events = static_cast<WindowEvents*>(glfwGetWindowUserPointer(window));
  double x = 0, y = 0;
  glfwGetCursorPos(window, &x, &y);
  events->bench->drop({paths, paths + count}, static_cast<float>(x), static_cast<float>(y));
  events->refresh = true;
}

void on_refresh(GLFWwindow* window) {
  static_cast<WindowEvents*>(glfwGetWindowUserPointer(window))->refresh = true;
}
void on_resize(GLFWwindow* window, int, int) {
  on_refresh(window);
}

// Where the processor draws, handing the frame over is a part of it; else it is a wait for the display.
bool drawn_by_processor() {
  const auto* name = reinterpret_cast<const char*>(glGetString(GL_RENDERER));
  return name && (std::strstr(name, "llvmpipe") || std::strstr(name, "softpipe") || std::strstr(name, "swrast"));
}

void render(GLFWwindow* window, Workbench& bench, FramePace& pace) {
  const double begin = steady_seconds();
  ImGui_ImplOpenGL3_NewFrame();
  ImGui_ImplGlfw_NewFrame();
  ImGui::NewFrame();
  bench.frame();
  ImGui::Render();
  bench.state().frame_ms =
      (steady_seconds() - begin) * 1e3;  // ours, without the wait for the display
  int width = 0, height = 0;
  glfwGetFramebufferSize(window, &width, &height);
  const ui::Rgb back = ui::theme().colours.background;
  glViewport(0, 0, width, height);
  glClearColor(static_cast<float>(back.r) / 255, static_cast<float>(back.g) / 255,
               static_cast<float>(back.b) / 255, 1);
  glClear(GL_COLOR_BUFFER_BIT);
  ImGui_ImplOpenGL3_RenderDrawData(ImGui::GetDrawData());
  static const bool by_processor = drawn_by_processor();
  const double handed_over = steady_seconds();
  glfwSwapBuffers(window);
  pace.drawn(begin, by_processor ? steady_seconds() : handed_over);
  bench.state().drawing_pct = pace.share_pct();
}

// Sleeps until something happens, then draws a few frames: a paused window costs nothing.
void loop(GLFWwindow* window, Workbench& bench, WindowEvents& events, const WindowHooks& hooks) {
  FramePace pace;
  bool changed = false;   // since the last frame
  while (!glfwWindowShouldClose(window) && !bench.quit()) {
    if (pace.settling())
      glfwPollEvents();
    else
      glfwWaitEventsTimeout(pace.sleep_s(steady_seconds(), changed || bench.lively()));
    changed = bench.poll() || changed;
    if (bench.urgent() || GImGui->InputEventsQueue.Size > 0 || std::exchange(events.refresh, false)) pace.input();
    if (!pace.due(steady_seconds(), changed || bench.lively())) continue;
    changed = false;
    render(window, bench, pace);
    if (hooks.shown && hooks.shown(bench)) pace.input();
  }
}

}  // namespace

namespace {

void set_icon(GLFWwindow* window) {
  std::array<int, 3> sides{16, 32, 64};
  std::array<std::vector<uint8_t>, 3> pixels;
  std::array<GLFWimage, 3> images;
  for (size_t i = 0; i < sides.size(); ++i) {
    pixels[i] = icon_pixels(sides[i]);
    images[i] = {sides[i], sides[i], pixels[i].data()};
  }
  glfwSetWindowIcon(window, static_cast<int>(images.size()), images.data());
}

}  // namespace

bool glfw_display(std::string* why) {
  const char* x11 = std::getenv("DISPLAY");
  if (!x11 || !*x11) {
    if (why) *why = "no display: DISPLAY is not set";
    return false;
  }
  glfwSetErrorCallback(on_glfw_error);
  if (glfwInit()) return true;
  if (why) *why = "no display: " + g_glfw_error;
  return false;
}

trace::Status run_glfw_window(const WindowRequest& request, Workbench::Parts parts,
                              const std::function<void(Workbench&)>& prepare,
                              const WindowHooks& hooks) {
  std::string why;
  if (!glfw_display(&why)) return trace::Error{why, "window"};
  glfwWindowHint(GLFW_CONTEXT_VERSION_MAJOR, 3);
  glfwWindowHint(GLFW_CONTEXT_VERSION_MINOR, 3);
  glfwWindowHint(GLFW_OPENGL_PROFILE, GLFW_OPENGL_CORE_PROFILE);
  // As the .desktop file knows the window by.
  glfwWindowHintString(GLFW_X11_CLASS_NAME, "Decodescope");
  glfwWindowHintString(GLFW_X11_INSTANCE_NAME, "decodescope");
  GLFWwindow* window =
      glfwCreateWindow(request.width, request.height, "Decodescope", nullptr, nullptr);
  if (!window) {
    glfwTerminate();
    return trace::Error{"the window could not be opened: " + g_glfw_error, "OpenGL 3.3"};
  }
  set_icon(window);
  glfwMakeContextCurrent(window);
  glfwSwapInterval(1);
  {
    const std::string folder = config_folder();
    const GuiContext gui(folder.empty() || !parts.remember ? std::string()
                                                           : folder + "/layout.ini");
    parts.wake = [] { glfwPostEmptyEvent(); };
    Workbench bench(std::move(parts));
    WindowEvents events{.bench = &bench};
    glfwSetWindowUserPointer(window, &events);
    glfwSetDropCallback(window, on_drop);
    glfwSetWindowRefreshCallback(window, on_refresh);
    glfwSetFramebufferSizeCallback(window, on_resize);
    ImGui_ImplGlfw_InitForOpenGL(window, true);
    ImGui_ImplOpenGL3_Init("#version 330");
    prepare(bench);
    loop(window, bench, events, hooks);
    if (hooks.closing) hooks.closing();
    ImGui_ImplOpenGL3_Shutdown();
    ImGui_ImplGlfw_Shutdown();
  }
  glfwDestroyWindow(window);
  glfwTerminate();
  return trace::Ok{};
}

}  // namespace app
