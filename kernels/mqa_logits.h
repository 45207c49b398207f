// Index logits over the paged cache:
//   logit[b, n, t] = sum_h gate[b, n, h] x relu( (q[b, n, h, :] . key[t, :]) x key_scale[t] )     t
//   < length[b, n]
// Keys are read once a sequence for all its next_n tokens. Columns at and past the length are not
// written: a consumer must be bounded by the length. Reads one index layout; the other is refused.
// Source: DeepSeek-V3.2's lightning indexer; paged form of DeepGEMM and of aiter's gluon kernel.
#pragma once
#include "kernels/layout.h"

namespace kernels {

struct MqaLogitsArgs {
  const E4m3* q = nullptr;       // [B, next_n, H, 128]
  const float* gates = nullptr;  // [B, next_n, H]: q scale, softmax and head scale folded in
  IndexCache cache;
  IndexLayout reads = IndexLayout::row;
  const int32_t* block_table = nullptr;  // [B, table_stride] pages
  int64_t table_stride = 0;
  const int32_t* lengths = nullptr;  // [B, next_n], each at most S
  float* logits = nullptr;           // [B, next_n, S]
  int64_t S = 0;                     // width of the table in tokens
  int64_t B = 0, next_n = 1, H = 0;
};

DS_OP(MqaLogitsArgs)

}  // namespace kernels
