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

inline constexpr int kFewSplits = 64, kMostSplits = 128;
inline constexpr int kFewGroups = 4, kManyGroups = 16;  // of threads, each with its share of the splits
inline constexpr int kManyColumns = 128;                // of a block, of many splits
inline constexpr int kCombineLoads = 8;                 // splits under way a thread

// The splits' parts of the whole, by a wave of which every lane holds a split or two; past the splits: -inf.
template <int kEach>
GPU_DEVICE void combine_shares(float (&lse)[kEach]) {
  float top = lse[0];
  for (int i = 1; i < kEach; ++i) top = larger(top, lse[i]);
  top = group_max<kWave>(top);
  float total = 0;
  for (int i = 0; i < kEach; ++i) total += lse[i] = exp2f(lse[i] - top);
  total = group_sum<kWave>(total);
  for (int i = 0; i < kEach; ++i) lse[i] = lse[i] / total;
}

// Columns begin to end of a block's (token, head): eight a thread of its group's splits, then the groups in order. The first
// partials and the weights are asked for together.
template <int kMost, int kGroups>
GPU_DEVICE void combine_columns(const SparseCombineArgs& a, int begin, int end) {
  constexpr int kEach = kMost / kWave;
  auto* share = reinterpret_cast<float*>(lds());
  auto* sums = share + kMost;  // [group][columns]
  const auto H = static_cast<uint32_t>(a.H), m = blockIdx.x / H, h = blockIdx.x % H;
  const int splits = static_cast<int>(a.splits), latent = static_cast<int>(a.latent), thread = static_cast<int>(thread_id());
  const int lanes = static_cast<int>(block_threads()) / kGroups, group = thread / lanes;
  const int each = (splits + kGroups - 1) / kGroups, first = group * each;
  const int last = first + each < splits ? first + each : splits;
  const int64_t base = int64_t{m} * splits * H + h;
  const int turns = (each + kCombineLoads - 1) / kCombineLoads;  // for the same columns
  const int all = (end - begin + lanes * 8 - 1) / (lanes * 8) * turns;
  Vec16 part[kCombineLoads];
  const auto load = [&](int d, int g0) {
#pragma unroll
    for (int i = 0; i < kCombineLoads; ++i)
      part[i] = d < end && g0 + i < last ? *reinterpret_cast<const Vec16*>(a.partial + (base + int64_t{g0 + i} * H) * latent + d)
                                            : Vec16{};
  };
  float lse[kEach];
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int g = i * kWave + lane_id();
    lse[i] = g < splits ? a.lse[base + int64_t{g} * H] : -INFINITY;
  }
  load(begin + thread % lanes * 8, first);
  combine_shares(lse);
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    if (wave_id() == 0) share[i * kWave + lane_id()] = lse[i];
  }
  barrier();
  Eight o = {};
  for (int n = 0, turn = 0, d = begin + thread % lanes * 8; n < all; ++n) {
    const int g0 = first + turn * kCombineLoads;
#pragma unroll
    for (int i = 0; i < kCombineLoads; ++i) {
      if (g0 + i >= last) continue;
      const Eight e = eight_bf16(part[i]);
#pragma unroll
      for (int k = 0; k < 8; ++k) o.v[k] += share[g0 + i] * e.v[k];
    }
    if (++turn == turns) {
      for (int i = 0; i < 8 && d < end; ++i) sums[group * (end - begin) + d - begin + i] = o.v[i];
      turn = 0, d += lanes * 8, o = {};
    }
    if (n + 1 < all) load(d, first + turn * kCombineLoads);
  }
  barrier();
  for (int d = thread * 2; d < end - begin; d += static_cast<int>(block_threads()) * 2) {
    float two[2] = {sums[d], sums[d + 1]};
    for (int i = 1; i < kGroups; ++i) two[0] += sums[i * (end - begin) + d], two[1] += sums[i * (end - begin) + d + 1];
    *reinterpret_cast<uint32_t*>(a.out + int64_t{blockIdx.x} * latent + begin + d) = two_bf16(two[0], two[1]);
  }
}
GPU_DEVICE void sparse_combine(const SparseCombineArgs& a) {
  combine_columns<kFewSplits, kFewGroups>(a, 0, static_cast<int>(a.latent));
}
// Few tokens of a long context: there are blocks to spare for the columns, and no thread has more than a turn of loads.
GPU_DEVICE void sparse_combine_many(const SparseCombineArgs& a) {
  const int begin = static_cast<int>(blockIdx.y) * kManyColumns, latent = static_cast<int>(a.latent);
  combine_columns<kMostSplits, kManyGroups>(a, begin, begin + kManyColumns < latent ? begin + kManyColumns : latent);
}
// A wave a (token, head), for those many that need no more: neighbouring columns a lane, splits in order. No lane waits for
// another wave.
GPU_DEVICE void sparse_combine_rows(const SparseCombineArgs& a) {
  constexpr int kEach = kFewSplits / kWave;
  const int64_t row = int64_t{blockIdx.x} * block_waves() + wave_id();
  if (row >= a.M * a.H) return;  // whole waves
  const int64_t m = row / a.H, base = m * a.splits * a.H + row % a.H;
  const int splits = static_cast<int>(a.splits), latent = static_cast<int>(a.latent);
  const auto part_at = [&](int g, int d) {
    return g < splits && d < latent ? *reinterpret_cast<const Vec16*>(a.partial + (base + int64_t{g} * a.H) * latent + d) : Vec16{};
  };
  float lse[kEach];
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int g = i * kWave + lane_id();
    lse[i] = g < splits ? a.lse[base + int64_t{g} * a.H] : -INFINITY;
  }
  bool shared = false;
  for (int d0 = 0; d0 < latent; d0 += kWave * 16) {  // two vectors a lane
    const int d[2] = {d0 + lane_id() * 8, d0 + kWave * 8 + lane_id() * 8};
    Eight o[2] = {};
    for (int g0 = 0; g0 < splits; g0 += kCombineLoads) {
      Vec16 part[kCombineLoads][2];
#pragma unroll
      for (int i = 0; i < kCombineLoads; ++i) part[i][0] = part_at(g0 + i, d[0]), part[i][1] = part_at(g0 + i, d[1]);
      if (!shared) combine_shares(lse), shared = true;  // behind the first loads
#pragma unroll
      for (int i = 0; i < kCombineLoads; ++i) {
        const int g = g0 + i;
        float share = wave_from(lse[0], g % kWave);
        if constexpr (kEach > 1) {
          if (g >= kWave) share = wave_from(lse[kEach - 1], g % kWave);
        }
        if (g >= splits) break;
#pragma unroll
        for (int v = 0; v < 2; ++v) {
          const Eight e = eight_bf16(part[i][v]);
#pragma unroll
          for (int k = 0; k < 8; ++k) o[v].v[k] += share * e.v[k];
        }
      }
    }
#pragma unroll
    for (int v = 0; v < 2; ++v) {
      if (d[v] < latent) store8(a.out + row * latent + d[v], o[v]);
    }
  }
}

inline constexpr int64_t kCombineRows = 1024;  // (token, head) pairs from which a wave each keeps the device busy
inline Launch launch(const SparseCombineArgs& a, const Traits&) {
  if (a.latent % 8 != 0 || !gpu::aligned(a.partial, 16) || !gpu::aligned(a.out, 16))
    return gpu::refused("sparse_combine: rows must be 16-byte aligned on a GPU");
  if (a.splits > kMostSplits) return gpu::refused("sparse_combine: more than 128 splits on a GPU");
  if (a.splits > kFewSplits)
    return gpu::blocks(Kernel::sparse_combine_many, a.M * a.H, gpu::divide_up(a.latent, kManyColumns), 256,
                       (kMostSplits + kManyGroups * kManyColumns) * 4);
  if (a.M * a.H >= kCombineRows) return gpu::blocks(Kernel::sparse_combine_rows, gpu::divide_up(a.M * a.H, 128 / kWave), 1, 128, 0);
  return gpu::blocks(Kernel::sparse_combine, a.M * a.H, 1, 256,
                     (kFewSplits + kFewGroups * a.latent) * 4);
}

}  // namespace kernels::GPU_NS
