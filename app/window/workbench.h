// Workbench: the window without a window. State, engine, store and workers behind one frame():
// poll, draw, reduce, run effects. The GLFW window, the offscreen renderer and the GUI tests drive
// the same one. Thread rule: main thread, with an ImGui context current.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "app/window/dialogs.h"
#include "app/window/links.h"
#include "app/window/settings.h"
#include "app/window/worker.h"
#include "ui/panels.h"

namespace app {

class Workbench {
 public:
  struct Parts {
    std::unique_ptr<EngineLink> engine;  // null: no engine in this window
    std::unique_ptr<StoreLink> store;    // null: no store
    Settings settings;
    bool remember = true;        // write settings back; off for screenshots and tests
    std::function<void()> wake;  // from worker threads: something arrived
  };
  explicit Workbench(Parts);
  ~Workbench();

  // Takes in what engine and workers have; true if anything changed.
  bool poll();
  // Builds one ImGui frame, between NewFrame and Render.
  void frame();
  void act(const ui::Action&);
  // Files that were dropped on the window, at a place of it: into the store over the panels that show it, else onto
  // the timeline.
  void drop(std::vector<std::string> paths, float x, float y);
  // Runs that are there already, as if they had been opened: the samples. `selected`: which of them.
  void show(std::vector<trace::Run>, size_t selected = 0);

  bool quit() const { return m_quit; }
  // Nothing under way but a running engine: a screenshot would show all there is.
  bool settled() const;
  // Something moves by itself (progress, live steps): frames are due without input.
  bool lively() const;
  // Since the last call, something came that a person waits for: a frame is due at once.
  bool urgent() { return std::exchange(m_urgent, false); }

  ui::AppState& state() { return m_state; }
  const ui::AppState& state() const { return m_state; }
  ui::UiMemory& memory() { return m_memory; }

 private:
  friend struct EffectRunner;
  void connect(const std::string& to);
  bool poll_engine();
  void post_to_engine(trace::Request);
  // A call into the engine's link, watched by the probe.
  template <class F>
  auto probed(F&& call);
  void run(const Effects&);
  void update_jobs();
  void save_settings();

  Parts m_parts;
  ui::AppState m_state;
  ui::UiMemory m_memory;
  std::unique_ptr<Worker> m_io,
      m_analysis;  // imports and store; analyses: a live view goes on during an import
  Dialogs m_dialogs;
  bool m_quit = false, m_theme_pending = false, m_urgent = false;
  double m_opened_s = 0;
};

// Seconds on a steady clock.
double steady_seconds();

}  // namespace app
