// LayerNorm with weight and bias: the indexer's k_norm. out = bf16((x - mean) / sqrt(var + eps) * w
// + b). Source: DeepSeek-V3.2's indexer (eps 1e-6).
#pragma once
#include "kernels/op.h"

namespace kernels {

struct LayerNormArgs {
  const Bf16* x = nullptr;  // [M, D], rows x_stride apart
  int64_t x_stride = 0;
  const Bf16* weight = nullptr;  // [D]
  const Bf16* bias = nullptr;    // [D]
  Bf16* out = nullptr;           // [M, D]
  float eps = 1e-6f;
  int64_t M = 0, D = 0;  // D % 16 == 0
};

DS_OP(LayerNormArgs)

}  // namespace kernels
