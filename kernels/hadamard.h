// Orthonormal Hadamard transform of 128 dims in place: x <- x H / sqrt(128), H the Sylvester
// matrix. It spreads fp8 error and leaves the index logits mathematically unchanged; writer and
// reader of the cache must both apply it. Source: the two transforms of a GLM-5 layer (q, then k).
#pragma once
#include "kernels/op.h"

namespace kernels {

struct HadamardArgs {
  Bf16* x = nullptr;  // [rows, 128] contiguous
  int64_t rows = 0;
};

DS_OP(HadamardArgs)

}  // namespace kernels
