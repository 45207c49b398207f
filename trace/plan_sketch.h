// What a switch does to a decode step: the same step planned with the switch's first value and with another. Made by
// the engine from two of its plans (engine/plan_sketch.h), drawn by the window (ui/vm/sketch_vm.h). Plain values that
// travel as messages; nothing here was run or measured.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "trace/category.h"
#include "trace/run.h"

namespace trace {

struct PlannedLaunch {
  std::string label;                       // "x_scale_copy q_b"; one of a kind in its layer
  std::string kernel;                      // key of kernels/ops.h: "scale_transpose"
  Category category = Category::other;
  int stream = 0;
  std::vector<std::string> reads, writes;  // buffers of the step, in the order of their use
  std::vector<int> waits;                  // launches of other streams, index into the arm's
  std::string form;                        // layouts and formats among its arguments: "writes scales by column"; may be empty
  int64_t bytes = 0;                       // moved, by the op's model
  bool operator==(const PlannedLaunch&) const = default;
};

struct PlannedBuffer {
  std::string name, format;
  int64_t bytes = 0;
  bool cache = false;                      // outlives the step; else of its arena
  bool operator==(const PlannedBuffer&) const = default;
};

struct PlanArm {
  std::string value;                       // of the switch: "off"
  std::vector<PlannedLaunch> launches;     // of the layer shown
  std::vector<PlannedBuffer> buffers;      // that these touch
  int step_launches = 0, host_launches = 0;  // of the whole step; by the host: 1 where it is replayed as a graph
  bool operator==(const PlanArm&) const = default;
};

// An invariant that both plans were held to.
struct PlanCheck {
  std::string what, result;
  bool ok = false;
  bool operator==(const PlanCheck&) const = default;
};

struct PlanSketch {
  ToggleKey key{};
  RunSpec spec;                            // as it was asked for
  int layer = -1, layers = 0, layers_changed = 0;
  PlanArm a, b;
  std::vector<PlanCheck> checks;
  std::string problem;                     // why there is nothing to show; empty = there is
  bool operator==(const PlanSketch&) const = default;
};

}  // namespace trace
