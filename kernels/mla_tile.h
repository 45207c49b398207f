// One tile of 64 cached rows against the heads of a token, for the sparse and the dense partial:
// the running softmax, probabilities rounded to the cache's format, and their weighing of the rows.
#pragma once
#include "kernels/simd_rows.h"
#include "kernels/sparse_mla.h"

namespace kernels::cpu {

constexpr int kTile = static_cast<int>(kSparseTile);

template <int W>
DS_INLINE void widen(const void* data, Format format, int64_t at, int64_t n, float* to) {
  if (format == Format::e4m3)
    decode_exact<W>(static_cast<const E4m3*>(data) + at, n, to);
  else
    decode(static_cast<const Bf16*>(data) + at, n, to);
}

// scores[h][j] = q[h] . rows[j] x scale of the first `count` rows, -inf behind them.
template <int W>
DS_INLINE void score_tile(const float* q, const float* rows, int64_t count, int64_t heads,
                          int64_t width, float scale, float* scores) {
  for (int64_t j = 0; j < count; ++j) {
    times_row<W>(q, heads, width, rows + j * width,
                 [&](int64_t h, float s) { scores[h * kTile + j] = s * scale; });
  }
  for (int64_t h = 0; h < heads; ++h)
    std::fill(scores + h * kTile + count, scores + (h + 1) * kTile, -INFINITY);
}

// Sums of a split over its tiles, a row a head.
struct SplitSums {
  float *acc, *maximum, *sum, *shrink;

  SplitSums(int slot, int64_t heads, int64_t latent) {
    acc = scratch(slot, heads * (latent + 3));
    maximum = acc + heads * latent, sum = maximum + heads, shrink = sum + heads;
    std::fill(acc, maximum, 0.0f);
    std::fill(maximum, sum, -INFINITY);
    std::fill(sum, shrink, 0.0f);
  }
};

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

// acc[h][d] = acc[h][d] x shrink[h] + sum_j p[h][j] rows[j][d] for N heads; as many columns at a
// time as registers hold.
template <int W, int N>
DS_INLINE void weigh(float* acc, const float* shrink, const float* p, const float* rows,
                     int64_t count, int64_t latent, int64_t width) {
  constexpr int kPieces = W == 16 || N == 1 ? 2 : 1;
  for (int64_t d = 0; d < latent; d += kPieces * kLanes) {
    Lanes<W> sums[N * kPieces];
#pragma GCC unroll 8
    for (auto& s : sums) s = zero<W>();
    for (int64_t j = 0; j < count; ++j) {
#pragma GCC unroll 2
      for (int piece = 0; piece < kPieces; ++piece) {
        const Lanes<W> v = load<W>(rows + j * width + d + piece * kLanes);
#pragma GCC unroll 4
        for (int i = 0; i < N; ++i) multiply_add<W>(sums[i * kPieces + piece], p[i * kTile + j], v);
      }
    }
#pragma GCC unroll 4
    for (int i = 0; i < N; ++i) {
#pragma GCC unroll 2
      for (int piece = 0; piece < kPieces; ++piece) {
        float* to = acc + i * latent + d + piece * kLanes;
        Lanes<W>& s = sums[i * kPieces + piece];
        multiply_add<W>(s, shrink[i], load<W>(to));
        store<W>(to, s);
      }
    }
  }
}

// Adds a scored tile of `count` rows to the sums.
template <int W>
DS_INLINE void add_tile(const SplitSums& s, Format format, float* p, const float* rows,
                        int64_t count, int64_t heads, int64_t latent, int64_t width) {
  for (int64_t h = 0; h < heads; ++h)
    s.shrink[h] = soften(p + h * kTile, format, s.maximum[h], s.sum[h]);
  int64_t h = 0;
  for (; h + 4 <= heads; h += 4)
    weigh<W, 4>(s.acc + h * latent, s.shrink + h, p + h * kTile, rows, count, latent, width);
  for (; h < heads; ++h)
    weigh<W, 1>(s.acc + h * latent, s.shrink + h, p + h * kTile, rows, count, latent, width);
}

// One head's partial output and LSE.
DS_INLINE void finish_split(const SplitSums& s, Format format, int64_t h, int64_t latent, Bf16* out,
                            float* lse) {
  const float unit = format == Format::e4m3 ? kE4m3Max : 1.0f, sum = s.sum[h];
  // 0 when all is masked, NaN stays NaN
  const float norm = sum > 0 ? 1.0f / (sum * unit) : sum;
  *lse = sum == 0.0f ? kNoLse : std::log2(sum) + s.maximum[h];
  for (int64_t d = 0; d < latent; ++d) out[d] = to_bf16(s.acc[h * latent + d] * norm);
}

}  // namespace kernels::cpu
