// A sequence reads each of its rows once for next_n x H heads; a tile of 64 rows is widened into
// floats once (147 KB, second-level cache). Two workers split the B x G (sequence, split) pairs.
#include "kernels/dense_mla.h"
#include "kernels/mla_tile.h"

namespace kernels::cpu {

template <int W>
DS_INLINE void dense_of(const DensePartialArgs& a, int64_t b, int64_t g, const float* q) {
  const KvCache& c = a.cache;
  const int64_t width = c.width(), heads = a.next_n * a.H;
  const int32_t* lengths = a.lengths + b * a.next_n;
  const int64_t longest = *std::max_element(lengths, lengths + a.next_n);
  const int64_t tiles = (longest + kTile - 1) / kTile;
  float* rows = scratch(1, kTile * width);
  float* p = scratch(2, heads * kTile);
  const SplitSums sums(3, heads, c.latent);
  for (int64_t tile = tiles * g / a.splits; tile < tiles * (g + 1) / a.splits; ++tile) {
    const int64_t first = tile * kTile, count = std::min<int64_t>(kTile, longest - first);
    const int32_t* slots = a.slot_table + b * a.slot_stride + first;
    for (int64_t j = 0; j < count; ++j)
      widen<W>(c.data, c.format, slots[j] * width, width, rows + j * width);
    score_tile<W>(q, rows, count, heads, width, a.scale * 1.44269504f, p);
    for (int64_t h = 0; h < heads; ++h) {
      const int64_t seen = std::clamp<int64_t>(lengths[h / a.H] - first, 0, count);
      std::fill(p + h * kTile + seen, p + h * kTile + count, -INFINITY);
    }
    add_tile<W>(sums, c.format, p, rows, count, heads, c.latent, width);
  }
  for (int64_t h = 0; h < heads; ++h) {
    const int64_t at = ((b * a.next_n + h / a.H) * a.splits + g) * a.H + h % a.H;
    finish_split(sums, c.format, h, c.latent, a.out + at * c.latent, a.lse + at);
  }
}

template <int W>
DS_INLINE void dense_partial(const DensePartialArgs& a, Part part) {
  const int64_t n = a.next_n * a.H * a.cache.width();
  float* q = scratch(0, n);
  const auto [begin, end] = part.of(a.B * a.splits);
  for (int64_t i = begin; i < end; ++i) {
    const int64_t b = i / a.splits, g = i % a.splits;
    if (i == begin || g == 0) widen<W>(a.q, a.q_format, b * n, n, q);
    dense_of<W>(a, b, g, q);
  }
}

DS_CPU_OP(DensePartialArgs, dense_partial)

}  // namespace kernels::cpu
