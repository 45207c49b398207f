// Around the attention: RoPE, concatenation and KV store; the merge of split partials.
#pragma once
#include "kernels/gpu/gpu.h"
#include "kernels/gpu/rules.h"
#include "kernels/rope.h"

namespace kernels::GPU_NS {

using gpu::Kernel;
using gpu::Launch;
using gpu::Traits;

GPU_DEVICE void put(const KvCache& c, void* out, int64_t at, float v) {
  if (c.format == Format::e4m3)
    static_cast<E4m3*>(out)[at].bits = static_cast<uint8_t>(pack_e4m3(v, 0, 0, 0));
  else
    static_cast<Bf16*>(out)[at] = to_bf16(v);
}

// One row [ nope | rotated pe ] / scale, by one block.
GPU_DEVICE void cat_row(const RopeCatStoreArgs& a, const Bf16* nope, const Bf16* pe, int64_t m,
                        float scale, void* out, int64_t at) {
  const KvCache& c = a.cache;
  for (int64_t d = thread_id() * 8; d < c.latent; d += block_threads() * 8) {
    Eight x = load8(nope + d);
    if (c.format == Format::e4m3) {
      store8(static_cast<E4m3*>(out) + at + d, x, scale);
    } else {
      for (float& v : x.v) v /= scale;
      store8(static_cast<Bf16*>(out) + at + d, x);
    }
  }
  const int64_t pairs = c.rope / 2, angle = int64_t{a.positions[m]} * pairs;
  for (int64_t i = thread_id(); i < pairs; i += block_threads()) {
    const RopePair p = rope_pair(a.style, i, c.rope);
    const float u = to_float(pe[p.a]), v = to_float(pe[p.b]), cs = to_float(a.table.cos[angle + i]),
                sn = to_float(a.table.sin[angle + i]);
    put(c, out, at + c.latent + p.a, (u * cs - v * sn) / scale);
    put(c, out, at + c.latent + p.b, (v * cs + u * sn) / scale);
  }
}

// blockIdx.x: a head, or behind the last one the key.
GPU_DEVICE void rope_cat_store(const RopeCatStoreArgs& a) {
  const int64_t h = blockIdx.x, m = blockIdx.y, width = a.cache.latent + a.cache.rope;
  if (h < a.H) {
    cat_row(a, a.q_nope + m * a.q_nope_stride + h * a.q_nope_head_stride,
            a.q_pe + m * a.q_pe_stride + h * a.q_pe_head_stride, m, 1.0f, a.q_out,
            m * a.q_out_stride + h * width);
  } else if (a.slots[m] >= 0) {
    cat_row(a, a.k_nope + m * a.k_nope_stride, a.k_pe + m * a.k_pe_stride, m, a.k_scale,
            a.cache.data, a.slots[m] * width);
  }
}
inline Launch launch(const RopeCatStoreArgs& a, const Traits&) {
  if (!gpu::multiples({a.cache.latent, a.cache.width(), a.q_out_stride, a.q_nope_stride, a.q_nope_head_stride,
                       a.k_nope_stride},
                      8) ||
      !gpu::aligned(a.q_nope, 16) || !gpu::aligned(a.k_nope, 16) || !gpu::aligned(a.q_out, 16) ||
      !gpu::aligned(a.cache.data, 16))
    return gpu::refused("rope_cat_store: rows must be 16-byte aligned on a GPU");
  return gpu::blocks(Kernel::rope_cat_store, a.M ? a.H + 1 : 0, a.M, 128, 0);
}

GPU_DEVICE void query_scale(const QueryScaleArgs& a) {
  const int64_t i = global_id();
  if (i >= a.M * a.H * a.columns) return;
  const int64_t m = i / (a.H * a.columns), h = i / a.columns % a.H, c = i % a.columns;
  const auto spans = static_cast<float>(a.positions[m] / a.original_positions);
  const float scale = 1.0f + a.beta * logf(1.0f + spans);
  const int64_t at = m * a.stride + h * a.width + c;
  if (a.format == Format::e4m3) {
    auto& q = static_cast<E4m3*>(a.q)[at];
    q.bits = static_cast<uint8_t>(pack_e4m3(to_float(q) * scale, 0, 0, 0));
  } else {
    auto& q = static_cast<Bf16*>(a.q)[at];
    q = to_bf16(to_float(q) * scale);
  }
}
inline Launch launch(const QueryScaleArgs& a, const Traits&) {
  return gpu::over(Kernel::query_scale, a.M * a.H * a.columns);
}

inline constexpr int64_t kMostSplits = 64;
inline constexpr int kCombineGroups = 4;  // of threads, each a quarter of the splits

// A block a (token, head): weights once, then eight columns a thread; the quarters' sums are added in order.
GPU_DEVICE void sparse_combine(const SparseCombineArgs& a) {
  auto* weight = reinterpret_cast<float*>(lds());
  auto* sums = weight + kMostSplits;  // [group][latent]
  const int64_t row = blockIdx.x, m = row / a.H, h = row % a.H;
  const float* lse = a.lse + m * a.splits * a.H + h;
  for (int64_t g = thread_id(); g < a.splits; g += block_threads()) weight[g] = lse[g * a.H];
  barrier();
  float top = weight[0], total = 0;
  for (int64_t g = 1; g < a.splits; ++g) top = larger(top, weight[g]);
  for (int64_t g = 0; g < a.splits; ++g) total += exp2f(weight[g] - top);
  const int64_t lanes = block_threads() / kCombineGroups, group = thread_id() / lanes;
  const int64_t each = (a.splits + kCombineGroups - 1) / kCombineGroups, first = group * each;
  const int64_t last = first + each < a.splits ? first + each : a.splits;
  for (int64_t d = thread_id() % lanes * 8; d < a.latent; d += lanes * 8) {
    Eight o = {};
#pragma unroll 8
    for (int64_t g = first; g < last; ++g) {
      const float share = exp2f(weight[g] - top) / total;
      const Eight part = load8(a.partial + ((m * a.splits + g) * a.H + h) * a.latent + d);
      for (int i = 0; i < 8; ++i) o.v[i] += share * part.v[i];
    }
    for (int i = 0; i < 8; ++i) sums[group * a.latent + d + i] = o.v[i];
  }
  barrier();
  for (int64_t d = thread_id(); d < a.latent; d += block_threads()) {
    float o = sums[d];
    for (int i = 1; i < kCombineGroups; ++i) o += sums[i * a.latent + d];
    a.out[row * a.latent + d] = to_bf16(o);
  }
}
inline Launch launch(const SparseCombineArgs& a, const Traits&) {
  if (a.latent % 8 != 0 || !gpu::aligned(a.partial, 16) || !gpu::aligned(a.out, 16))
    return gpu::refused("sparse_combine: rows must be 16-byte aligned on a GPU");
  if (a.splits > kMostSplits) return gpu::refused("sparse_combine: more than 64 splits on a GPU");
  return gpu::blocks(Kernel::sparse_combine, a.M * a.H, 1, 256,
                     (kMostSplits + kCombineGroups * a.latent) * 4);
}

}  // namespace kernels::GPU_NS
