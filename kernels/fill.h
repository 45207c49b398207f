// Fills n elements with one value: index logits with -inf (logits_init=full), the MoE output with
// 0. A kernel of its own and never a memset, so that every recorder sees it.
#pragma once
#include "kernels/op.h"

namespace kernels {

struct FillArgs {
  void* out = nullptr;
  Format format = Format::f32;  // f32 or bf16
  float value = 0;
  int64_t n = 0;
};

DS_OP(FillArgs)

}  // namespace kernels
