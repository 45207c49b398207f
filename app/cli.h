// The command line of both programs. decodescope-record passes no window: commands that need one say so.
#pragma once
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace app {

struct WindowRequest {
  std::vector<std::string> open;   // files, or run ids of the store
  std::string db;                  // store; empty = default
  std::string screenshot;          // PNG to write without a person; empty = a live window
  int width = 1600, height = 1000;
  std::string panel;               // bring this one forward
  std::string theme;               // dark | light; empty = as saved
  bool demo = false, compare = false;
};

struct Window {
  // Exit code of the program. Null in decodescope-record.
  std::function<int(const WindowRequest&)> open;
  // Whether a window could be shown here, and why not.
  std::function<bool(std::string* why)> display;
  // Frame times of the timeline over a synthetic trace of so many events: {events, frame_ms, zooms ...}.
  std::function<nlohmann::json(int64_t events)> bench_ui;
};

int run_cli(int argc, char** argv, const Window& window);

}  // namespace app
