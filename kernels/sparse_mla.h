// Sparse MLA decode over chosen slots, split-K in two launches.
//   partial: split g of token m takes tiles of 64 slots; score = q . k over latent + rope, masked
//   where slot < 0;
//     p = exp2(score x scale x log2 e - running maximum); e4m3 cache: P = e4m3(448 p), O = P V /
//     448; bf16 cache: P = bf16(p); writes O / sum p in bf16 and LSE = log2(sum p) + maximum (base
//     2; -2^30 where all is masked)
//   combine: o[m, h] = sum_g exp2(lse_g - max) O_g / sum_g exp2(lse_g - max)
// K and V share the row: V is its first `latent` columns. No dequantisation scales.
// Source: sglang's tilelang sparse MLA for gfx950; split rule below as published there for up to 16
// heads.
#pragma once
#include "kernels/rope_cat_store.h"

namespace kernels {

inline constexpr int64_t kSparseTile = 64;
inline constexpr float kNoLse = -1073741824.0f;  // -2^30

// Splits of a top-k of `topk` slots for M tokens of H heads: tiles / inner, inner the largest power
// of two that is at most floor(M x ceil(H / 16) x tiles / 512) and divides the tiles, at least 1.
// For up to 16 heads that is the published rule, whose grid has M x ceil(H / 16) x splits blocks; it
// counts the tokens alone whatever the heads, so that 16 tokens of 128 heads are 4,096 blocks, and
// 67 MB of partials are written and read again.
constexpr int64_t sparse_splits(int64_t M, int64_t H, int64_t topk) {
  const int64_t tiles = topk / kSparseTile, blocks = M * ((H + 15) / 16) * tiles;
  int64_t inner = 1;
  while (inner * 2 <= blocks / 512 && tiles % (inner * 2) == 0) inner *= 2;
  return tiles / inner;
}

struct SparsePartialArgs {
  const void* q = nullptr;         // [M, H, latent + rope] contiguous
  Format q_format = Format::e4m3;  // must be the cache's
  KvCache cache;
  const int32_t* slots = nullptr;  // [M, topk], -1 padded
  int64_t topk = 0;                // a multiple of 64
  int64_t splits = 0;              // G
  float scale = 1;                 // softmax scale
  Bf16* out = nullptr;             // [M, G, H, latent]
  float* lse = nullptr;            // [M, G, H]
  int64_t M = 0, H = 0;
};

struct SparseCombineArgs {
  const Bf16* partial = nullptr;  // [M, G, H, latent]
  const float* lse = nullptr;     // [M, G, H]
  Bf16* out = nullptr;            // [M, H, latent]
  int64_t M = 0, H = 0, splits = 0, latent = 0;
};

DS_OP(SparsePartialArgs)
DS_OP(SparseCombineArgs)

}  // namespace kernels
