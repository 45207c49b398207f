// A token reads topk rows once for all heads: 2 H (576 + 512) flops a row of 576 bytes, 15 flops a
// byte at 4 heads. A tile of 64 rows is widened once into floats (147 KB, second-level cache),
// scored against all heads, and weighed four heads at a time so that a row's load serves four sums.
// Two workers split the M x G (token, split) pairs.
#include "kernels/mla_tile.h"

namespace kernels::cpu {

template <int W>
DS_INLINE void partial_of(const SparsePartialArgs& a, int64_t m, int64_t g, const float* q) {
  const KvCache& c = a.cache;
  const int64_t width = c.width(), slots_a_split = a.topk / a.splits;
  float* rows = scratch(1, kTile * width);
  float* p = scratch(2, a.H * kTile);
  const SplitSums sums(3, a.H, c.latent);
  for (int64_t first = g * slots_a_split; first < (g + 1) * slots_a_split; first += kTile) {
    const int32_t* slots = a.slots + m * a.topk + first;
    for (int64_t j = 0; j < kTile; ++j) {
      widen<W>(c.data, c.format, std::max(slots[j], 0) * width, width, rows + j * width);
    }
    score_tile<W>(q, rows, kTile, a.H, width, a.scale * 1.44269504f, p);
    for (int64_t j = 0; j < kTile; ++j) {
      for (int64_t h = 0; h < a.H && slots[j] < 0; ++h) p[h * kTile + j] = -INFINITY;
    }
    add_tile<W>(sums, c.format, p, rows, kTile, a.H, c.latent, width);
  }
  for (int64_t h = 0; h < a.H; ++h) {
    const int64_t at = (m * a.splits + g) * a.H + h;
    finish_split(sums, c.format, h, c.latent, a.out + at * c.latent, a.lse + at);
  }
}

template <int W>
DS_INLINE void sparse_partial(const SparsePartialArgs& a, Part part) {
  float* q = scratch(0, a.H * a.cache.width());
  const auto [begin, end] = part.of(a.M * a.splits);
  for (int64_t i = begin; i < end; ++i) {
    const int64_t m = i / a.splits, g = i % a.splits, n = a.H * a.cache.width();
    if (i == begin || g == 0) widen<W>(a.q, a.q_format, m * n, n, q);
    partial_of<W>(a, m, g, q);
  }
}

template <int W>
DS_INLINE void sparse_combine(const SparseCombineArgs& a, Part part) {
  float* weight = scratch(0, a.splits);
  float* o = scratch(1, a.latent);
  const auto [begin, end] = part.of(a.M * a.H);
  for (int64_t i = begin; i < end; ++i) {
    const int64_t m = i / a.H, h = i % a.H;
    const float* lse = a.lse + m * a.splits * a.H + h;
    float top = lse[0], total = 0;
    for (int64_t g = 1; g < a.splits; ++g) top = std::max(top, lse[g * a.H]);
    for (int64_t g = 0; g < a.splits; ++g) total += weight[g] = fast_exp2(lse[g * a.H] - top);
    for (int64_t g = 0; g < a.splits; ++g) weight[g] /= total;
    std::fill(o, o + a.latent, 0.0f);
    for (int64_t g = 0; g < a.splits; ++g) {
      const Bf16* partial = a.partial + ((m * a.splits + g) * a.H + h) * a.latent;
      for (int64_t d = 0; d < a.latent; ++d) o[d] += weight[g] * to_float(partial[d]);
    }
    encode(o, a.latent, a.out + i * a.latent);
  }
}

DS_CPU_OP(SparsePartialArgs, sparse_partial)
DS_CPU_OP(SparseCombineArgs, sparse_combine)

}  // namespace kernels::cpu
