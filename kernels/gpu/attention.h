// Absorbed MLA over cached rows, sparse (chosen slots) and dense (all positions), split over K: a block takes
// one split and some heads of one row group, four waves. K and V are read once from memory; bound by the rows' 576
// or 1152 bytes up to some 16 heads. Two bodies, by the width of a wave.
#pragma once
#include "kernels/gpu/mla_group.h"
#include "kernels/gpu/rules.h"
#if GPU_WAVE == 32
#include "kernels/gpu/mla_hopper.h"
#include "kernels/gpu/mla_wave32.h"
#else
#include "kernels/gpu/mla_wave64.h"
#endif

namespace kernels::GPU_NS {

using gpu::Kernel;
using gpu::Launch;
using gpu::Traits;

inline constexpr float kLog2E = 1.44269504f;

template <int kSize, int kHeads>
GPU_DEVICE void sparse_mla(const SparsePartialArgs& a) {
  const auto splits = static_cast<uint32_t>(a.splits);  // a division of 64 bits takes a hundred instructions
  const int64_t m = blockIdx.x / splits, split = blockIdx.x % splits, tiles = static_cast<uint32_t>(a.topk / kMlaTile) / splits;
  MlaGroup g;
  g.q = static_cast<const uint8_t*>(a.q) + m * a.H * (a.cache.latent + a.cache.rope) * kSize;
  g.cache = a.cache;
  g.slots = a.slots + m * a.topk;
  g.count = a.topk;
  g.lengths = nullptr;
  g.heads = a.H, g.per_token = a.H, g.head0 = int64_t{blockIdx.y} * kHeads;
  g.first = split * tiles, g.last = g.first + tiles, g.stages = mla_stages(tiles);
  g.scale = a.scale * kLog2E;
  mla_partial<kSize, kHeads>(g, a.out, a.lse, [&](int64_t h) { return (m * a.splits + split) * a.H + h; });
}
GPU_DEVICE void sparse_mla_fp8_8(const SparsePartialArgs& a) { sparse_mla<1, 8>(a); }
GPU_DEVICE void sparse_mla_fp8_16(const SparsePartialArgs& a) { sparse_mla<1, 16>(a); }
GPU_DEVICE void sparse_mla_fp8_32(const SparsePartialArgs& a) { sparse_mla<1, 32>(a); }
GPU_DEVICE void sparse_mla_bf16_8(const SparsePartialArgs& a) { sparse_mla<2, 8>(a); }
GPU_DEVICE void sparse_mla_bf16_16(const SparsePartialArgs& a) { sparse_mla<2, 16>(a); }
GPU_DEVICE void sparse_mla_bf16_32(const SparsePartialArgs& a) { sparse_mla<2, 32>(a); }

template <int kSize, int kHeads>
GPU_DEVICE void dense_mla(const DensePartialArgs& a) {
  const auto splits = static_cast<uint32_t>(a.splits);
  const int64_t b = blockIdx.x / splits, split = blockIdx.x % splits;
  const int32_t* lengths = a.lengths + b * a.next_n;
  int64_t longest = 0;
  for (int64_t n = 0; n < a.next_n; ++n) longest = lengths[n] > longest ? lengths[n] : longest;
  const auto tiles = static_cast<uint32_t>((longest + kMlaTile - 1) / kMlaTile);
  MlaGroup g;
  g.q = static_cast<const uint8_t*>(a.q) + b * a.next_n * a.H * (a.cache.latent + a.cache.rope) * kSize;
  g.cache = a.cache;
  g.slots = a.slot_table + b * a.slot_stride;
  g.count = longest;
  g.lengths = lengths;
  g.heads = a.next_n * a.H, g.per_token = a.H, g.head0 = int64_t{blockIdx.y} * kHeads;
  const auto part = static_cast<uint32_t>(split);
  g.first = tiles * part / splits, g.last = tiles * (part + 1) / splits, g.stages = 2;
  g.scale = a.scale * kLog2E;
  mla_partial<kSize, kHeads>(g, a.out, a.lse, [&](int64_t h) {
    const auto H = static_cast<uint32_t>(a.H), n = static_cast<uint32_t>(h) / H;
    return ((b * a.next_n + n) * a.splits + split) * a.H + (h - int64_t{n} * H);
  });
}
GPU_DEVICE void dense_mla_fp8_8(const DensePartialArgs& a) { dense_mla<1, 8>(a); }
GPU_DEVICE void dense_mla_fp8_16(const DensePartialArgs& a) { dense_mla<1, 16>(a); }
GPU_DEVICE void dense_mla_fp8_32(const DensePartialArgs& a) { dense_mla<1, 32>(a); }
GPU_DEVICE void dense_mla_bf16_8(const DensePartialArgs& a) { dense_mla<2, 8>(a); }
GPU_DEVICE void dense_mla_bf16_16(const DensePartialArgs& a) { dense_mla<2, 16>(a); }
GPU_DEVICE void dense_mla_bf16_32(const DensePartialArgs& a) { dense_mla<2, 32>(a); }

// `eight`: the op's kernel of up to eight heads; those of 16 and of 32 stand behind it.
inline Launch mla_launch(const char* op, Kernel eight, const KvCache& c, const void* q, int64_t blocks, int64_t heads,
                         int64_t stages, const Traits& traits) {
  const int64_t size = size_of(c.format), group = c.format == Format::e4m3 ? 64 : 32;
  if (c.latent % group != 0 || c.latent > 512 || c.width() * size % 16 != 0 || !gpu::aligned(q, 16) ||
      !gpu::aligned(c.data, 16))
    return gpu::refused(std::string(op) + ": the latent must be a multiple of " + std::to_string(group) +
                        " and at most 512, rows 16-byte aligned");
  const int64_t each = mla_heads(heads, blocks, traits.units);
  const auto kernel = static_cast<Kernel>(static_cast<int>(eight) + (each == 8 ? 0 : each == 16 ? 1 : 2));
  return gpu::blocks(kernel, blocks, gpu::divide_up(heads, each), kMlaThreads, mla_lds_bytes(c, each, stages));
}
inline Launch launch(const SparsePartialArgs& a, const Traits& traits) {
#if GPU_WAVE == 32
  if (traits.matrix_copies && mla64_fits(a) && gpu::aligned(a.q, 16) && gpu::aligned(a.cache.data, 16) && gpu::aligned(a.out, 16))
    return gpu::blocks(Kernel::sparse_mla_fp8_64, std::min<int64_t>(a.M * a.splits * (a.H / kMla64Heads), traits.units), 1, kMla64Threads, kMla64Bytes);
#endif
  return mla_launch("sparse_mla", a.cache.format == Format::e4m3 ? Kernel::sparse_mla_fp8_8 : Kernel::sparse_mla_bf16_8,
                    a.cache, a.q, a.M * a.splits, a.H, mla_stages(a.topk / kMlaTile / a.splits), traits);
}
inline Launch launch(const DensePartialArgs& a, const Traits& traits) {
  return mla_launch("dense_mla", a.cache.format == Format::e4m3 ? Kernel::dense_mla_fp8_8 : Kernel::dense_mla_bf16_8,
                    a.cache, a.q, a.B * a.splits, a.next_n * a.H, 2, traits);
}

}  // namespace kernels::GPU_NS
