// A decode run as a collector would see it, for tests of steps and layers.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "tests/support/random_trace.h"

namespace tests {

struct DecodeShape {
  int steps = 1, layers = 6;
  std::vector<std::string> layer{"norm", "qkv", "attention", "o_proj", "reduce"};   // on the main stream, in order
  std::vector<std::string> side;        // on a side stream beside the layer's second kernel
  // More kernels of a layer, after its second one: a class of layers.
  std::function<std::vector<std::string>(int layer)> extra = [](int) { return std::vector<std::string>{}; };
  std::vector<std::string> prologue{"embed"}, epilogue{"final_norm", "lm_head"};
  bool graphs = true;                   // one launch a step; else every kernel has its own
  bool step_numbers = false;
  int64_t kernel_ns = 4000, gap_ns = 1, step_gap_ns = 50000;
};
std::vector<Act> decode_acts(const DecodeShape&);

}  // namespace tests
