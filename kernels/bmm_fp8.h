// Batched fp8 matmul, a batch a head: absorb (q_nope x w_kc) and v (o_lat x w_vc).
//   out[m, h, n] = bf16( w_scale x sum_k xq[m, h, k] w[h, n, k] ), xq = e4m3 of x with one scale a
//   token, head and 128 columns (the last group may be shorter), quantised on the fly; weights with
//   ONE scale a tensor
// Input and output go through strides, so (heads, M, n) and (M, heads, n) are the same launch.
// Source: aiter's batched a8w8 GEMM with per-token group prequant, as in the GLM-5 decode trace.
#pragma once
#include "kernels/op.h"

namespace kernels {

struct BmmFp8Args {
  const Bf16* x = nullptr;  // [M, H, K]
  int64_t x_stride = 0, x_head_stride = 0;
  const E4m3* w = nullptr;  // [H, N, K]
  float w_scale = 1;
  Bf16* out = nullptr;  // [M, H, N]
  int64_t out_stride = 0, out_head_stride = 0;
  int64_t M = 0, H = 0, N = 0, K = 0;  // K % 16 == 0
};

DS_OP(BmmFp8Args)

}  // namespace kernels
