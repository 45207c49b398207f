// Batched matmul, a batch a head: absorb (q_nope x w_kc) and v (o_lat x w_vc).
//   out[m, h, n] = bf16( sum_k xq[m, h, k] w[h, n, k] ), fp32 accumulation; by the weights' format
//   fp8    ONE scale for the tensor; xq = e4m3 of x, one scale a token, head and 128 columns (the
//          last group may be shorter)
//   mxfp4  e8m0 scales per 32 of a row; xq = MXFP4 of x, one scale per 32
//   bf16   xq = x
// Activations are quantised on the fly. Input and output go through strides, so (heads, M, n) and
// (M, heads, n) are the same launch. Source: aiter's batched a8w8 GEMM with per-token group
// prequant, as in the GLM-5 decode trace, and its batched a16wfp4 GEMM (Kimi-K2 in MXFP4).
#pragma once
#include "kernels/layout.h"

namespace kernels {

struct BmmArgs {
  const Bf16* x = nullptr;  // [M, H, K]
  int64_t x_stride = 0, x_head_stride = 0;
  WeightFormat format = WeightFormat::fp8;
  const void* w = nullptr;            // [H, N, K]: E4m3, Bf16, or K/2 bytes a row
  float w_scale = 1;                  // fp8
  const uint8_t* w_scales = nullptr;  // mxfp4: [H, N, K/32]
  Bf16* out = nullptr;                // [M, H, N]
  int64_t out_stride = 0, out_head_stride = 0;
  int64_t M = 0, H = 0, N = 0, K = 0;  // K % 16 == 0, mxfp4: K % 32 == 0
};

DS_OP(BmmArgs)

}  // namespace kernels
