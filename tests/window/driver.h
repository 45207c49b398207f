// The test engine of Dear ImGui around the program's own workbench: scripts move a mouse and press keys, frame by
// frame, in the very code that ships. A script waits for conditions, never for time.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "imgui.h"
#include "imgui_te_context.h"
#include "imgui_te_engine.h"

#include "app/window/screenshot.h"
#include "app/window/workbench.h"

namespace tests {

using Script = std::function<void(ImGuiTestContext*)>;

// Attached to the ImGui context that is current when start() is called. Outlives that context; stop() comes before
// the context's end.
class Driver {
 public:
  Driver();
  ~Driver();
  void start();
  void stop();
  void queue(Script);
  bool done() const;       // nothing is queued and nothing runs
  void after_frame();      // once the frame is shown
  std::string problem();   // of the last script: what went wrong, with its log; empty = it passed

 private:
  ImGuiTestEngine* m_engine = nullptr;
  ImGuiTest* m_test = nullptr;
  Script m_script;
  ImGuiID m_conflict = 0;
};

// A workbench drawn offscreen (EGL surfaceless) with a driver. Catch2 fails the test when a script does.
class Gui {
 public:
  struct Options {
    int width = 1280, height = 800;
    bool engine = false;   // a live engine in this process
    std::string db;        // empty = no store
  };
  Gui() : Gui(Options{}) {}
  explicit Gui(const Options&);
  ~Gui();
  void run(const Script&);
  void settle();           // until imports and analyses are done
  void show_samples();     // the published layers; the two-stream one is runs[1]
  app::Workbench& bench() { return m_window->bench(); }
  ui::AppState& state() { return m_window->bench().state(); }
  app::OffscreenWindow& window() { return *m_window; }

 private:
  Driver m_driver;
  std::unique_ptr<app::OffscreenWindow> m_window;
};

// --- pieces of scripts; all give up the script with an error when what they look for never comes
// Frames until it holds; `what` is said when it does not within five minutes.
bool until(ImGuiTestContext*, const char* what, const std::function<bool()>&);
// The id of the item that carries this label, in this window or any of its children; 0 with an error if there is none.
ImGuiID item(ImGuiTestContext*, const char* window, const std::string& label);
void click(ImGuiTestContext*, const char* window, const std::string& label, ImGuiMouseButton = 0);
// Middle of a bar of the timeline; an error if it is not drawn.
ImVec2 bar_middle(ImGuiTestContext*, ui::RunKey, trace::EventId);
// Brings a docked panel forward.
void front(ImGuiTestContext*, app::Workbench&, const char* panel);

}  // namespace tests
