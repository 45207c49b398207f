// What every op of a step wrote, in logical order: comparable between plans whose layouts, page
// sizes or streams differ.
#pragma once
#include <string>
#include <vector>

#include "engine/arm.h"

namespace engine {

// By op of the plan, then by output tensor: its bytes.
using StepImage = std::vector<std::vector<std::vector<uint8_t>>>;

// Poisons the arm's buffers, runs the step as it would run live (both queues when it has two) and
// copies each op's outputs before anything can overwrite them.
StepImage capture_step(Model&, Arm&);

// The content of the caches at every slot that the sequences have used, this step's included, slot
// by slot and layer by layer, without layout.
std::vector<uint8_t> logical_bytes(const Model&, const Caches&);

// One comparison of two captured steps.
struct ImageDifference {
  int64_t compared = 0;  // values
  double max_abs = 0;    // of finite values
  std::string first;  // "layer 1 sparse_combine o_lat[17]: 0.25 != 0.5"; empty when all bytes agree
};
// Ops are matched by label; those in one plan only (and outputs whose formats differ) are not
// compared.
ImageDifference compare(const DecodePlan& a, const StepImage& image_a, const DecodePlan& b,
                        const StepImage& image_b);

// Whether both launches write tensors of the same names, formats and sizes.
bool comparable(const kernels::OpArgs&, const kernels::OpArgs&);

// Index by label; -1 where there is none.
int find_op(const DecodePlan&, const std::string& label);

}  // namespace engine
