// What a GPU can do at most: the ceilings that floors are counted with, each with where it is from.
// Dense figures, without sparsity; link = all links of one GPU, one direction. The H200's memory and arithmetic were
// measured on one (docs/results); the others' are peaks as published, whose sources stand in hardware.cpp. What no page
// was found for says "unconfirmed", here and wherever it is shown. Thread rule: constants.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "trace/result.h"

namespace trace {

// 0 = not known, or the GPU has no such thing: then the next wider format's ceiling stands for it.
struct Ceilings {
  std::string name;        // "MI355X"
  std::string source;        // of memory and arithmetic, in words
  std::string link_source;
  double read_gbps = 0;    // memory, 1e9 bytes a second
  double bf16_tflops = 0, fp8_tflops = 0, fp4_tflops = 0;
  double link_gbps = 0;    // to all peers together
  bool operator==(const Ceilings&) const = default;
};

std::span<const Ceilings> known_ceilings();
// By a part of the device's name, "AMD Instinct MI355X" or "mi355x". error: names those known.
Result<Ceilings> ceilings_of(std::string_view device);

}  // namespace trace
