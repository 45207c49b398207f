// 1x128 fp8 quantisation of rows that may be strided over heads: q_lora for the indexer, the
// attention output (transpose to (token, head, v), flatten, quantise), the MoE and MLP inputs.
// Scales in the layout asked for.
//   s = max(amax, 1e-10) / 448 in fp32, value = e4m3(x / s)
// Source: the dynamic per-group and the fused flatten quantisation of the GLM-5 decode trace
// (aiter).
#pragma once
#include "kernels/layout.h"

namespace kernels {

struct GroupQuantArgs {
  const Bf16* x = nullptr;  // [M, H, D], strides below, columns contiguous
  int64_t x_stride = 0, x_head_stride = 0;
  QuantOut out;                 // [M, H*D] and [M, H*D/128]
  int64_t M = 0, H = 1, D = 0;  // H*D % 128 == 0, D % 16 == 0
};

DS_OP(GroupQuantArgs)

}  // namespace kernels
