// RoPE, concatenation and KV store in one launch.
//   q_out[m, h] = [ q_nope[m, h] | rotated q_pe[m, h] ]   cast to the cache's format without a
//   scale; heads contiguous, tokens q_out_stride apart
//   cache[slots[m]] = [ k_nope[m] | rotated k_pe[m] ] / k_scale   cast; a negative slot is skipped
// With H = 0 only the cache is written (filling it from latents). Source: aiter's
// fused_qk_rope_cat_and_cache_mla.
#pragma once
#include "kernels/index_rope.h"

namespace kernels {

// The KV cache of one layer: [slots, latent + rope] without scales, 576 bytes (e4m3) or 1152 (bf16)
// a token.
struct KvCache {
  void* data = nullptr;
  Format format = Format::e4m3;
  int64_t slots = 0;
  int64_t latent = 512, rope = 64;
  int64_t width() const { return latent + rope; }
};

struct RopeCatStoreArgs {
  const Bf16* q_nope = nullptr;  // [M, H, latent]
  int64_t q_nope_stride = 0, q_nope_head_stride = 0;
  const Bf16* q_pe = nullptr;  // [M, H, rope]
  int64_t q_pe_stride = 0, q_pe_head_stride = 0;
  const Bf16* k_nope = nullptr;  // [M, latent]
  int64_t k_nope_stride = 0;
  const Bf16* k_pe =
      nullptr;  // [M, rope], read through its stride: a view of the qkv GEMM's output
  int64_t k_pe_stride = 0;
  RopeTable table;
  const int32_t* positions = nullptr;  // [M]
  const int32_t* slots = nullptr;      // [M]
  RopeStyle style = RopeStyle::interleaved;
  void* q_out = nullptr;     // [M, H, latent + rope] in the cache's format
  int64_t q_out_stride = 0;  // elements, H * (latent + rope) when contiguous
  KvCache cache;
  float k_scale = 1;
  int64_t M = 0, H = 0;
};

DS_OP(RopeCatStoreArgs)

}  // namespace kernels
