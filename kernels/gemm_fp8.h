// Block-scaled fp8 GEMM: out[m, n] = bf16( sum_k x[m, k] xs[m, k/128] w[n, k] ws[n/128, k/128] ),
// fp32 accumulation. On Hopper, of many tokens (kernels/gpu/gemm_wide.h), by the e4m3 matrix instruction as DeepGEMM has it: each
// group of 128 is summed by the instruction, which cuts its 32 products to some 14 bits of the largest, and scaled and added in
// fp32. That is off by 2^-13 (rms) of the root of the products' sum of squares, a thirteenth of what rounding to bf16 adds;
// references allow such kernels `narrow` beside. The layout of the activation scales is a tag on them; a kernel reads one
// layout and refuses the other (there is one variant for each, as CK reads columns and Triton
// rows). Source: DeepSeek's block-fp8 linears, 128x128 weight blocks.
#pragma once
#include "kernels/layout.h"

namespace kernels {

struct GemmFp8Args {
  QuantIn x;                                // [M, K] e4m3, scales tagged
  ScaleLayout reads = ScaleLayout::column;  // the layout this variant is made for
  const E4m3* w = nullptr;                  // [N, K] row-major
  const float* w_scales = nullptr;          // [ceil(N/128), K/128]
  Bf16* out = nullptr;                      // [M, N], rows out_stride apart
  int64_t out_stride = 0;
  int64_t M = 0, N = 0, K = 0;  // K % 128 == 0
};

DS_OP(GemmFp8Args)

}  // namespace kernels
