// Copies a strided (M, H, D) view into another: the clones and copies back around the indexer's
// RoPE that rope_update=guarded skips. Source: the four copies before sglang #22232.
#pragma once
#include "kernels/layout.h"

namespace kernels {

struct StridedCopyArgs {
  const void* in = nullptr;  // [M, H, D]
  void* out = nullptr;       // [M, H, D], no overlap with `in`
  Format format = Format::bf16;
  int64_t in_stride = 0, in_head_stride = 0, out_stride = 0, out_head_stride = 0;  // elements
  int64_t M = 0, H = 1, D = 0;
};

DS_OP(StridedCopyArgs)

}  // namespace kernels
