// Dense MLA decode over the whole context, split-K: the attention of models without an indexer
// (Kimi-K2). Split g of a sequence takes its share of the tiles of 64 positions; partial sums, LSE
// and rounding are those of sparse_mla.h, and its combine merges them. The cache is addressed token
// by token (page size 1). Rows are read once a sequence for all its next_n tokens; token n sees the
// first length[b, n] positions.
// Source: aiter's mla_decode_fwd (stage 1 and reduce); the split rule below is ours.
#pragma once
#include "kernels/sparse_mla.h"

namespace kernels {

// Splits of sequences of `rows` = next_n x H query rows, of which 16 share a piece of work; in powers of two, at most 128. About
// 128 pieces: a block with its stages of the cache has a multiprocessor to itself; twice as many where sequences are many, whose
// lengths differ.
constexpr int64_t dense_splits(int64_t sequences, int64_t rows) {
  const int64_t groups = sequences * ((rows + 15) / 16), pieces = sequences < 8 ? 128 : 256;
  int64_t splits = 128;
  while (splits > 1 && splits * groups > pieces) splits /= 2;
  return splits;
}

struct DensePartialArgs {
  const void* q = nullptr;         // [B, next_n, H, latent + rope] contiguous
  Format q_format = Format::e4m3;  // must be the cache's
  KvCache cache;
  const int32_t* slot_table = nullptr;  // [B, slot_stride]: slot of each position
  int64_t slot_stride = 0;
  const int32_t* lengths = nullptr;  // [B, next_n], each at least 1
  int64_t splits = 0;                // G
  float scale = 1;                   // softmax scale
  Bf16* out = nullptr;               // [B, next_n, G, H, latent]
  float* lse = nullptr;              // [B, next_n, G, H]
  int64_t B = 0, next_n = 1, H = 0;
};

DS_OP(DensePartialArgs)

}  // namespace kernels
