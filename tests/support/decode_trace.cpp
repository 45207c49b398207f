#include "tests/support/decode_trace.h"

namespace tests {

std::vector<Act> decode_acts(const DecodeShape& shape) {
  constexpr int64_t kMain = 7, kSide = 13;
  std::vector<Act> acts;
  int64_t now = 0, launch = 100;
  int step = 0;
  const auto run = [&](const std::string& name, int64_t stream) {
    if (!shape.graphs) ++launch;
    acts.push_back(
        {stream, now, now + shape.kernel_ns, name, launch, shape.step_numbers ? step : -1});
    if (stream == kMain) now += shape.kernel_ns + shape.gap_ns;
  };
  for (; step < shape.steps; ++step) {
    ++launch;
    for (const auto& name : shape.prologue) run(name, kMain);
    for (int layer = 0; layer < shape.layers; ++layer) {
      for (size_t k = 0; k < shape.layer.size(); ++k) {
        if (k == 1)
          for (const auto& name : shape.side) run(name, kSide + layer);
        run(shape.layer[k], kMain);
        if (k == 1)
          for (const auto& name : shape.extra(layer)) run(name, kMain);
      }
    }
    for (const auto& name : shape.epilogue) run(name, kMain);
    now += shape.step_gap_ns;
  }
  return acts;
}

}  // namespace tests
