// RoPE on the first `rope` of 128 dims of the indexer's q (all heads) and k, one launch, in place
// or into other buffers.
//   interleaved: pairs (2i, 2i+1); half_split: pairs (i, i + rope/2)
//   (a, b) -> (a cos - b sin, b cos + a sin), bf16 tables, fp32 arithmetic
// Source: GLM-5 (interleaved) and DeepSeek-V3.2 (half-split) indexers.
#pragma once
#include "kernels/layout.h"

namespace kernels {

struct RopeTable {
  const Bf16* cos = nullptr;  // [positions, rope/2]
  const Bf16* sin = nullptr;
  int64_t positions = 0;
};

struct IndexRopeArgs {
  const Bf16* q = nullptr;  // [M, H, rope], strides below
  int64_t q_stride = 0, q_head_stride = 0;
  const Bf16* k = nullptr;  // [M, rope], rows k_stride apart
  int64_t k_stride = 0;
  // Where the rotated values go: the same view (in place), or one that does not overlap it.
  Bf16* q_out = nullptr;
  int64_t q_out_stride = 0, q_out_head_stride = 0;
  Bf16* k_out = nullptr;
  int64_t k_out_stride = 0;
  RopeTable table;
  const int32_t* positions = nullptr;  // [M], each in [0, table.positions)
  RopeStyle style = RopeStyle::interleaved;
  int64_t M = 0, H = 0, rope = 64;  // H = 0: the K-only path
};

DS_OP(IndexRopeArgs)

}  // namespace kernels
