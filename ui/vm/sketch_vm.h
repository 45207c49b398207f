// The plan sketch of a switch as it is drawn: whose buffers change hands and how, the launches of a layer with what
// went and what came, and the invariants with their results. Pure.
#pragma once
#include <string>
#include <vector>

#include "trace/ab.h"
#include "trace/plan_sketch.h"
#include "ui/vm/pipeline.h"

namespace ui {

// What a buffer is in one arm.
enum class BufferRole : uint8_t {
  absent,     // no launch of the layer touches it
  allocated,  // written by the launch that computes it
  copied,     // written by a launch that only moves what another buffer holds
  filled,     // written once with a constant, beside who computes it
  viewed,     // read where it lies by who reads a copy of it in the other arm
  cache       // outlives the step
};

struct SketchBufferVm {
  BufferRole role = BufferRole::absent;
  std::string size;      // "36.9 kB e4m3"
  double share = 0;      // of the largest buffer of the sketch
  std::string by;        // "written by rope_cat_store", "copied by concat"
  std::string to;        // "read by sparse_partial"
  bool operator==(const SketchBufferVm&) const = default;
};
struct SketchRowVm {
  std::string name;
  SketchBufferVm before, after;
};
struct SketchLaunchVm {
  std::string name;
  trace::Category category = trace::Category::other;
  int side = 0;                        // -1 = only before, +1 = only after
  int stream_before = -1, stream_after = -1;
  bool joins = false;                  // after: waits for another stream
};
struct SketchVm {
  std::string where;                   // "layer 1 of 4, the same change in 4"
  std::string before, after;           // values of the switch
  std::vector<SketchRowVm> buffers;    // whose use differs
  std::vector<SketchLaunchVm> pipeline;
  bool lanes = false;                  // the launches lie on more than one stream
  std::vector<std::string> forms;      // "index_k_store: writes row, pages of 64 -> writes preshuffle, pages of 64"
  std::string launches;                // "95 -> 91 launches a step"
  std::string problem;                 // why there is none
};
SketchVm sketch_vm(const trace::PlanSketch&);
// The same launches with only `context` common ones around each change; what is left out is one named "…".
std::vector<SketchLaunchVm> around_changes(const std::vector<SketchLaunchVm>&, size_t context);

enum class Held : uint8_t { yes, no, open };
struct InvariantVm {
  Held held = Held::open;
  std::string what, result;
};
// `ab`: the last A/B of this switch on this machine, null if there was none. `sketch`: null while it is not there.
std::vector<InvariantVm> invariants(trace::ToggleKey, const trace::AbResult* ab, const trace::PlanSketch* sketch);

}  // namespace ui
