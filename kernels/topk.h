// Top-k of each row of index logits, exact, as KV slots in ascending order of position; ties go to
// the lowest position. A row of at most k valid columns takes them all without reading a score. The
// rest is -1. Source: sglang's top-k transform (which is atomic in order and arbitrary in ties;
// ours is neither).
#pragma once
#include "kernels/op.h"

namespace kernels {

struct TopkArgs {
  const float* logits = nullptr;  // [B * next_n, S], columns at and past the length are garbage
  int64_t S = 0;
  const int32_t* lengths = nullptr;     // [B * next_n]
  const int32_t* slot_table = nullptr;  // [B, slot_stride]: KV slot of each position
  int64_t slot_stride = 0;
  int32_t* slots = nullptr;  // [B * next_n, k]
  int64_t B = 0, next_n = 1, k = 0;
};

DS_OP(TopkArgs)

}  // namespace kernels
