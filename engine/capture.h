// What every op of a step wrote, in logical order: comparable between plans whose layouts, page
// sizes or streams differ.
#pragma once
#include <string>
#include <vector>

#include "engine/arm.h"

namespace engine {

// Memory as it comes: what is written over at once is not set to 0 first.
template <class T>
struct AsItComes : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = AsItComes<U>;
  };
  template <class U>
  void construct(U* p) noexcept {
    ::new (static_cast<void*>(p)) U;
  }
};
using LogicalBytes = std::vector<uint8_t, AsItComes<uint8_t>>;

// By op of the plan, then by output tensor: its bytes.
using StepImage = std::vector<std::vector<std::vector<uint8_t>>>;

// Poisons the arm's buffers, runs the step as it would run live (both queues when it has two) and
// copies each op's outputs before anything can overwrite them.
StepImage capture_step(Model&, Arm&);

// The content of the caches at every slot that the sequences have used, this step's included, slot
// by slot and layer by layer, without layout.
LogicalBytes logical_bytes(const Model&, const Caches&);
// The first byte of theirs that differs from `bytes`, of the same sequences; -1: none does. They are looked at piece by
// piece: a full-size model's are tens of GiB.
int64_t first_difference(const Model&, const Caches&, const LogicalBytes& bytes);

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
