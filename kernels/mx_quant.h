// MXFP4 quantisation of rows that may be strided over heads: the attention output before an MXFP4
// o_proj (transpose to (token, head, v), flatten, quantise in one launch) and the inputs of MXFP4
// experts. Scales in the layout asked for.
//   one e8m0 scale per 32: exponent of amax, its mantissa rounded to one bit, minus 2
//   value = e2m1(x / scale), nearest even, saturating at 6
// Source: aiter's dynamic MXFP4 quantisation and its fused flatten form.
#pragma once
#include "kernels/layout.h"

namespace kernels {

struct MxQuantArgs {
  const Bf16* x = nullptr;  // [M, H, D], strides below, columns contiguous
  int64_t x_stride = 0, x_head_stride = 0;
  MxOut out;                    // [M, H*D/2] and [M, H*D/32]
  int64_t M = 0, H = 1, D = 0;  // H*D % 32 == 0, D % 16 == 0
};

DS_OP(MxQuantArgs)

}  // namespace kernels
