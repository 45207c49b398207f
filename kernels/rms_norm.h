// RMSNorm with an optional residual add before it and an optional 1x128 fp8 quantisation after it,
// one launch.
//   h = bf16(x + residual)          written to residual_out; without a residual h = x
//   y = h / sqrt(mean(h^2) + eps) * weight
//   out = bf16(y)                   when asked for
//   quant = e4m3(y / s), s = max(amax, 1e-10) / 448 a group of 128, not rounded to a power of two
// Source: the fused norm + group quantisation of the GLM-5 decode trace (sglang on gfx950, aiter).
#pragma once
#include "kernels/layout.h"

namespace kernels {

struct RmsNormArgs {
  const Bf16* x = nullptr;  // [M, D], rows x_stride apart
  int64_t x_stride = 0;
  const Bf16* residual = nullptr;  // [M, D] contiguous or null
  Bf16* residual_out = nullptr;    // [M, D], may be `residual`; null: not kept
  const Bf16* weight = nullptr;    // [D]
  Bf16* out = nullptr;             // [M, D] or null
  QuantOut quant;                  // [M, D] or null; D % 128 == 0 then
  float eps = 1e-6f;
  int64_t M = 0, D = 0;  // D % 16 == 0
};

// Two norms of one GEMM's output in one launch: q_a (quantised, and bf16 for the indexer) and kv_a.
struct QkNormArgs {
  RmsNormArgs q, kv;
};

DS_OP(RmsNormArgs)
DS_OP(QkNormArgs)

}  // namespace kernels
