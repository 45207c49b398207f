// The copy that turns activation scales (M, G) from one layout into the other: what x_scale=copy
// launches before each GEMM that wants column-major scales, and what a row-major GEMM pays behind
// transposed producers. Source: the direct copies before four GEMMs of a GLM-5 layer; sglang
// #24476.
#pragma once
#include "kernels/layout.h"

namespace kernels {

struct ScaleTransposeArgs {
  const float* in = nullptr;  // [M, G] in layout `from`
  float* out = nullptr;       // [M, G] in layout `to`
  ScaleLayout from = ScaleLayout::row, to = ScaleLayout::column;
  int64_t M = 0, G = 0;
};

DS_OP(ScaleTransposeArgs)

}  // namespace kernels
