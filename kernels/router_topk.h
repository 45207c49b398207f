// Router: scores = sigmoid(logits); choice by score + bias, ties to the lowest id; with groups only
// the topk_groups groups with the largest sum of their two best choices take part; weights = scores
// of the chosen, normalised to sum 1 when asked, x scaling. Ids in descending order of choice.
// Source: DeepSeek-V3's noaux_tc (bias in bf16 as on aiter); GLM-5 and Kimi use one group.
#pragma once
#include "kernels/op.h"

namespace kernels {

struct RouterTopkArgs {
  const Bf16* logits = nullptr;  // [M, E]
  const Bf16* bias = nullptr;    // [E], for the choice only
  int32_t* ids = nullptr;        // [M, k]
  float* weights = nullptr;      // [M, k]
  float scaling = 1;
  bool normalise = true;
  int64_t M = 0, E = 0, k = 0, groups = 1, topk_groups = 1;
};

DS_OP(RouterTopkArgs)

}  // namespace kernels
