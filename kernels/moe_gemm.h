// Grouped fp8 GEMMs over the rows of each expert (kernels/moe_route.h), block-scaled weights, fp32
// accumulation.
//   gate_up: out[r, n] = x[r / k] . w[e(r), n]             out fp32, row r = token * k + slot
//   down:    out[m, n] = bf16( out[m, n] + sum over m's rows, ascending expert, of weight[r] x
//   (x[r] . w[e(r), n]) )
// down adds to what is there: the output is zeroed by a fill before it. No atomics: the order is
// the experts'. Source: CK's MoE block-scale GEMM in the GLM-5 decode trace.
#pragma once
#include "kernels/layout.h"

namespace kernels {

struct ExpertRows {
  const int32_t* rows = nullptr;     // [M * k] in order of expert
  const int32_t* offsets = nullptr;  // [E + 1]
  int64_t M = 0, k = 0, E = 0;
};

struct MoeGateUpArgs {
  QuantIn x;                        // [M, K], row-major scales
  const E4m3* w = nullptr;          // [E, N, K]: N/2 gate rows, then N/2 up rows
  const float* w_scales = nullptr;  // [E, N/128, K/128]
  ExpertRows experts;
  float* out = nullptr;  // [M * k, N]
  int64_t N = 0, K = 0;  // multiples of 128
};

struct MoeDownArgs {
  QuantIn x;                        // [M * k, K], row-major scales
  const E4m3* w = nullptr;          // [E, N, K]
  const float* w_scales = nullptr;  // [E, N/128, K/128]
  ExpertRows experts;
  const float* weights = nullptr;  // [M * k]
  Bf16* out = nullptr;             // [M, N]
  int64_t N = 0, K = 0;
};

DS_OP(MoeGateUpArgs)
DS_OP(MoeDownArgs)

}  // namespace kernels
