// Finds decode steps and the repeating layer inside them. Steps: steps.h. Within a step L is the count shared by most
// kernel names; names with count L in one cyclic order define the period (period.h); fewer than two repeats: the file
// is one window; kernels that do not follow are prologue, epilogue or of a layer class. Coverage below 70 %: the rule
// abstains and says so. Where the recorder knows the model layer of its kernels (Detail::layer), that is used instead.
//
// Windows are half-open and cut at the ends of the anchor, so the gap before a layer's first kernel belongs to it:
// prologue + layers + epilogue = step, to the nanosecond. Events that run across a cut are clipped.
// Thread rule: pure functions of a const Trace.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trace/window.h"

namespace trace {

struct LayerWindows {
  int layers = 0;                     // in a step; 0 = the rule abstained
  int steps = 0;
  std::string rule;                   // in words, with its evidence, or why it abstained
  double coverage = 0;                // share of the steps' kernels that follow the period
  uint32_t anchor_name = 0;           // StringId of the kernel whose ends cut the windows
  std::vector<Window> step_windows;
  struct Step {
    Window prologue, epilogue;        // prologue + layers + epilogue = step, to the nanosecond
    std::vector<Window> layers;
    std::vector<int> layer_class;     // equal numbers = the same kernels (names and counts); by first appearance
  };
  std::vector<Step> detail;           // one per step
};

LayerWindows find_layers(const Trace&, uint32_t device);
LayerWindows find_layers(const Trace&, const DeviceEvents&);

// The recorded layer whose wall is closest to the median wall, among the layers of the most frequent class in all
// steps (the earliest of equal ones): a layer that ran, to be compared with another; never an average. None without
// layers.
std::optional<Window> medoid_layer(const LayerWindows&);
// The same among steps.
std::optional<Window> medoid_step(const LayerWindows&);

}  // namespace trace
