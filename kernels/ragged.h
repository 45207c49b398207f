// Index scores and top-k of prefill. The keys of a chunk's sequences have been gathered from the
// paged cache, one sequence behind the other (index_store.h, gather): row m of the chunk scores
// keys [begin[m], end[m]) of them, its own sequence's up to its own token, so the scores are
// causal.
//   logit[m, t] = sum_h gate[m, h] x relu( (q[m, h, :] . key[t, :]) x key_scale[t] )
//   begin[m] <= t < end[m], in column t - begin[m] (own) or t (all) of row m; other columns are not
//   written
//   top-k: as topk.h, over a row's own columns; slots are those that the keys were gathered from
// Both carry tags: that of the keys (a gather writes rows; a reader of tiles is refused) and that
// of the scores' columns. The same key and query give the same score as in the paged form, bit by
// bit. Source: DeepGEMM's fp8_mqa_logits (ks, ke; full and compressed columns), sglang's ragged
// top-k.
#pragma once
#include "kernels/layout.h"

namespace kernels {

// [T, 128] keys and their scales, as a gather wrote them.
struct GatheredKeys {
  const E4m3* keys = nullptr;
  const float* scales = nullptr;
  IndexLayout layout = IndexLayout::row;
  int64_t T = 0;
};

enum class ScoreColumns : uint8_t { own, all };

struct RaggedScores {
  float* values = nullptr;  // [M, S]
  int64_t S = 0;
  ScoreColumns columns = ScoreColumns::own;
};

struct RaggedLogitsArgs {
  const E4m3* q = nullptr;       // [M, H, 128]
  const float* gates = nullptr;  // [M, H]: q scale, softmax and head scale folded in
  GatheredKeys keys;
  IndexLayout reads = IndexLayout::row;
  const int32_t *begin = nullptr, *end = nullptr;  // [M]
  RaggedScores out;
  int64_t M = 0, H = 0;
};

struct RaggedTopkArgs {
  RaggedScores scores;
  ScoreColumns reads = ScoreColumns::own;
  const int32_t *begin = nullptr, *end = nullptr;  // [M]
  const int32_t* gathered = nullptr;               // [T]: KV slot of each gathered key
  int32_t* slots = nullptr;                        // [M, k]
  int64_t M = 0, T = 0, k = 0;
};

DS_OP(RaggedLogitsArgs)
DS_OP(RaggedTopkArgs)

}  // namespace kernels
