// MXFP4 GEMM: out[m, n] = bf16( sum_k x[m, k] xs[m, k/32] w[n, k] ws[n, k/32] ), both operands e2m1
// with e8m0 scales, fp32 accumulation. The layout of the activation scales is a tag on them; this
// variant reads one layout and refuses the other. Source: aiter's a4w4 GEMM behind its fused
// flatten quantisation, which writes the scales by column.
#pragma once
#include "kernels/layout.h"

namespace kernels {

struct GemmMxArgs {
  MxIn x;  // [M, K], scales tagged
  ScaleLayout reads = ScaleLayout::column;
  const uint8_t* w = nullptr;         // [N, K/2]
  const uint8_t* w_scales = nullptr;  // [N, K/32]
  Bf16* out = nullptr;                // [M, N], rows out_stride apart
  int64_t out_stride = 0;
  int64_t M = 0, N = 0, K = 0;  // K % 32 == 0
};

DS_OP(GemmMxArgs)

}  // namespace kernels
