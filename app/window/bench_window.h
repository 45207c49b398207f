// What `bench ui` measures beside the timeline's frames: the window as a whole, with a store and an engine.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>

namespace app {

// Everything that `bench ui --json` says. Takes half a minute: a million events are stored and opened, an engine runs.
nlohmann::json bench_window(int64_t events);

}  // namespace app
