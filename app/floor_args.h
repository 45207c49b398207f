// The assumptions of floors as options: on floors, and on export for the report's section.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "trace/floors.h"

namespace CLI {
class App;
}

namespace app {

struct FloorArgs {
  std::string model, kv, routing, hardware;
  std::vector<std::string> set;   // model fields: KEY=VALUE
  std::optional<int> batch, next_n, context, max_context, tp;
  std::optional<double> read_gbps, bf16_tflops, fp8_tflops, fp4_tflops, link_gbps;
};

void add_floor_options(CLI::App&, FloorArgs&);
// error: which option, and what it may be.
trace::Result<trace::FloorRequest> floor_request(const FloorArgs&);

}  // namespace app
