// bf16-weight GEMM with fp32 accumulation: router, head-gate projection, lm_head, and bf16 linears.
//   out[m, n] = sum_k x[m, k] w[n, k]; with splits > 1 out[s, m, n] sums the s-th part of K and a
//   second launch (split_reduce) adds the parts in order
// x is bf16, or fp32 for the unfused head gates. Source: the bf16 GEMMs of the GLM-5 decode trace.
#pragma once
#include "kernels/op.h"

namespace kernels {

struct GemmBf16Args {
  const void* x = nullptr;  // [M, K] bf16 or f32, rows x_stride apart
  Format x_format = Format::bf16;
  int64_t x_stride = 0;
  const Bf16* w = nullptr;  // [N, K]
  void* out = nullptr;  // [splits, M, N] bf16 or f32; rows out_stride apart, splits M * out_stride
  Format out_format = Format::bf16;
  int64_t out_stride = 0;
  int64_t M = 0, N = 0, K = 0;  // K % (16 * splits) == 0
  int64_t splits = 1;
};

// out[i] = parts[0][i] + parts[1][i] + ..., in this order.
struct SplitReduceArgs {
  const float* parts = nullptr;  // [splits, n]
  float* out = nullptr;          // [n]
  int64_t n = 0, splits = 0;
};

DS_OP(GemmBf16Args)
DS_OP(SplitReduceArgs)

}  // namespace kernels
