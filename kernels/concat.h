// out[m, h] = [ a[m, h] | b[m, h] ], contiguous: the rebuild of q_all from two slices of q_cat that
// cat_skip removes. Source: the concat of a GLM-5 decode layer before sglang #24125.
#pragma once
#include "kernels/op.h"

namespace kernels {

struct ConcatArgs {
  const void* a = nullptr;                                 // [M, H, a_columns]
  int64_t a_stride = 0, a_head_stride = 0, a_columns = 0;  // elements
  const void* b = nullptr;                                 // [M, H, b_columns]
  int64_t b_stride = 0, b_head_stride = 0, b_columns = 0;
  void* out = nullptr;  // [M, H, a_columns + b_columns] contiguous, no overlap
  Format format = Format::e4m3;
  int64_t M = 0, H = 0;
};

DS_OP(ConcatArgs)

}  // namespace kernels
