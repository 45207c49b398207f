// A token reads topk rows once for all heads: 2 H (576 + 512) flops a row of 576 bytes, 15 flops a
// byte at 4 heads. A tile of 64 rows is widened once into floats (147 KB, second-level cache),
// scored against all heads, and weighed four heads at a time so that a row's load serves four sums.
// Two workers split the M x G (token, split) pairs.
#include "kernels/simd.h"
#include "kernels/sparse_mla.h"

namespace kernels::cpu {

constexpr int kTile = static_cast<int>(kSparseTile);

DS_INLINE void widen(const void* data, Format format, int64_t at, int64_t n, float* to) {
  if (format == Format::e4m3)
    decode_exact(static_cast<const E4m3*>(data) + at, n, to);
  else
    decode(static_cast<const Bf16*>(data) + at, n, to);
}

// scores[h][j] = q[h] . rows[j] x scale, -inf where slot j is masked.
template <int W>
DS_INLINE void score_tile(const float* q, const float* rows, const int32_t* slots, int64_t heads,
                          int64_t width, float scale, float* scores) {
  for (int64_t j = 0; j < kTile; ++j) {
    int64_t h = 0;
    for (; h + 4 <= heads; h += 4) {
      const float* four[4] = {q + h * width, q + (h + 1) * width, q + (h + 2) * width,
                              q + (h + 3) * width};
      float s[4];
      dot4<W>(four, rows + j * width, width, s);
      for (int64_t i = 0; i < 4; ++i) scores[(h + i) * kTile + j] = s[i] * scale;
    }
    for (; h < heads; ++h)
      scores[h * kTile + j] = dot<W>(q + h * width, rows + j * width, width) * scale;
    if (slots[j] >= 0) continue;
    for (h = 0; h < heads; ++h) scores[h * kTile + j] = -INFINITY;
  }
}

// Turns a head's scores into rounded probabilities and returns what the sums so far shrink by.
DS_INLINE float soften(float* p, Format format, float& maximum, float& sum) {
  float top = maximum;
  for (int j = 0; j < kTile; ++j) top = p[j] > top ? p[j] : top;
  if (top == -INFINITY) {
    for (int j = 0; j < kTile; ++j) p[j] = 0;
    return 1;
  }
  for (int j = 0; j < kTile; ++j) p[j] = fast_exp2(p[j] - top);
  float total = 0;
  for (int j = 0; j < kTile; ++j) total += p[j];
  if (format == Format::e4m3) {
    for (int j = 0; j < kTile; ++j) p[j] = to_float(to_e4m3(p[j] * kE4m3Max));
  } else {
    for (int j = 0; j < kTile; ++j) p[j] = to_float(to_bf16(p[j]));
  }
  const float shrink = fast_exp2(maximum - top);  // 0 at the first tile
  sum = sum * shrink + total;
  maximum = top;
  return shrink;
}

// acc[h][d] = acc[h][d] x shrink[h] + sum_j p[h][j] rows[j][d] for N heads, 32 columns at a time.
template <int W, int N>
DS_INLINE void weigh(float* acc, const float* shrink, const float* p, const float* rows,
                     int64_t latent, int64_t width) {
  for (int64_t d = 0; d < latent; d += 2 * kLanes) {
    Lanes<W> left[N], right[N];
#pragma GCC unroll 4
    for (int i = 0; i < N; ++i) left[i] = right[i] = zero<W>();
    for (int64_t j = 0; j < kTile; ++j) {
      const Lanes<W> a = load<W>(rows + j * width + d), b = load<W>(rows + j * width + d + kLanes);
#pragma GCC unroll 4
      for (int i = 0; i < N; ++i) {
        multiply_add<W>(left[i], p[i * kTile + j], a);
        multiply_add<W>(right[i], p[i * kTile + j], b);
      }
    }
#pragma GCC unroll 4
    for (int i = 0; i < N; ++i) {
      float* to = acc + i * latent + d;
      multiply_add<W>(left[i], shrink[i], load<W>(to));
      multiply_add<W>(right[i], shrink[i], load<W>(to + kLanes));
      store<W>(to, left[i]);
      store<W>(to + kLanes, right[i]);
    }
  }
}

template <int W>
DS_INLINE void partial_of(const SparsePartialArgs& a, int64_t m, int64_t g, const float* q) {
  const KvCache& c = a.cache;
  const int64_t width = c.width(), count = a.topk / a.splits;
  float* rows = scratch(1, kTile * width);
  float* p = scratch(2, a.H * kTile);
  float* acc = scratch(3, a.H * (c.latent + 3));
  float *maximum = acc + a.H * c.latent, *sum = maximum + a.H, *shrink = sum + a.H;
  std::fill(acc, maximum, 0.0f);
  std::fill(maximum, sum, -INFINITY);
  std::fill(sum, shrink, 0.0f);
  for (int64_t first = g * count; first < (g + 1) * count; first += kTile) {
    const int32_t* slots = a.slots + m * a.topk + first;
    for (int64_t j = 0; j < kTile; ++j) {
      widen(c.data, c.format, std::max(slots[j], 0) * width, width, rows + j * width);
    }
    score_tile<W>(q, rows, slots, a.H, width, a.scale * 1.44269504f, p);
    for (int64_t h = 0; h < a.H; ++h)
      shrink[h] = soften(p + h * kTile, c.format, maximum[h], sum[h]);
    int64_t h = 0;
    for (; h + 4 <= a.H; h += 4)
      weigh<W, 4>(acc + h * c.latent, shrink + h, p + h * kTile, rows, c.latent, width);
    for (; h < a.H; ++h)
      weigh<W, 1>(acc + h * c.latent, shrink + h, p + h * kTile, rows, c.latent, width);
  }
  const float unit = c.format == Format::e4m3 ? kE4m3Max : 1.0f;
  for (int64_t h = 0; h < a.H; ++h) {
    const int64_t at = (m * a.splits + g) * a.H + h;
    const float norm =
        sum[h] > 0 ? 1.0f / (sum[h] * unit) : sum[h];  // 0 when all is masked, NaN stays NaN
    a.lse[at] = sum[h] == 0.0f ? kNoLse : std::log2(sum[h]) + maximum[h];
    for (int64_t d = 0; d < c.latent; ++d)
      a.out[at * c.latent + d] = to_bf16(acc[h * c.latent + d] * norm);
  }
}

template <int W>
DS_INLINE void sparse_partial(const SparsePartialArgs& a, Part part) {
  float* q = scratch(0, a.H * a.cache.width());
  const auto [begin, end] = part.of(a.M * a.splits);
  for (int64_t i = begin; i < end; ++i) {
    const int64_t m = i / a.splits, g = i % a.splits, n = a.H * a.cache.width();
    if (i == begin || g == 0) widen(a.q, a.q_format, m * n, n, q);
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
