// Greedy token: the index of the largest logit of each row, the lowest of equals.
#pragma once
#include "kernels/op.h"

namespace kernels {

struct ArgmaxArgs {
  const float* logits = nullptr;  // [M, V]
  int32_t* out = nullptr;         // [M]
  int64_t M = 0, V = 0;
};

DS_OP(ArgmaxArgs)

}  // namespace kernels
