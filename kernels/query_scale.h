// Scales the first `columns` of each head of q_cat in place, by the token's position:
//   q[m, h, c] *= 1 + beta x ln(1 + floor(position[m] / original_positions))     c < columns
// The rope columns behind them stay. Nothing may read q_cat unscaled after it.
// Source: the "llama 4 scaling" of DeepSeek-architecture checkpoints, done in place since sglang
// #24125.
#pragma once
#include "kernels/op.h"

namespace kernels {

struct QueryScaleArgs {
  void* q = nullptr;             // [M, H, width], tokens `stride` apart
  Format format = Format::bf16;  // bf16 or e4m3
  int64_t stride = 0;
  const int32_t* positions = nullptr;  // [M]
  float beta = 0;
  int64_t original_positions = 1;
  int64_t M = 0, H = 0, width = 0, columns = 0;
};

DS_OP(QueryScaleArgs)

}  // namespace kernels
