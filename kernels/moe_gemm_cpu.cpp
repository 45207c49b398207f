// Bound by the weights of the experts that have rows, each streamed once for all its rows, four
// rows at a time. Two workers split the output columns, so a column's sum over experts stays with
// one worker and in one order.
#include "kernels/moe_gemm.h"
#include "kernels/simd.h"

namespace kernels::cpu {

DS_INLINE void decode_row(const E4m3* w, const float* scales, int64_t k, float* to) {
  for (int64_t g = 0; g < k / kGroup; ++g)
    decode(w + g * kGroup, kGroup, scales[g], to + g * kGroup);
}

template <int W>
DS_INLINE void moe_gate_up(const MoeGateUpArgs& a, Part part) {
  const ExpertRows& e = a.experts;
  float* x = scratch(0, e.M * a.K);
  float* row = scratch(1, a.K);
  for (int64_t m = 0; m < e.M; ++m) dequantise_row(a.x, m, e.M, a.K, x + m * a.K);
  const auto [begin, end] = part.of(a.N, 16);
  const int64_t groups = a.K / kGroup;
  for (int64_t expert = 0; expert < e.E; ++expert) {
    const int32_t first = e.offsets[expert], last = e.offsets[expert + 1];
    for (int64_t n = begin; n < end && first < last; ++n) {
      const int64_t at = expert * a.N + n;
      decode_row(a.w + at * a.K, a.w_scales + (expert * (a.N / kGroup) + n / kGroup) * groups, a.K,
                 row);
      int32_t i = first;
      for (; i + 4 <= last; i += 4) {
        const float* four[4];
        float y[4];
        for (int j = 0; j < 4; ++j) four[j] = x + e.rows[i + j] / e.k * a.K;
        dot4<W>(four, row, a.K, y);
        for (int j = 0; j < 4; ++j) a.out[e.rows[i + j] * a.N + n] = y[j];
      }
      for (; i < last; ++i)
        a.out[e.rows[i] * a.N + n] = dot<W>(x + e.rows[i] / e.k * a.K, row, a.K);
    }
  }
}

// The columns [n, n + columns) of all tokens, sums kept in fp32 until every expert has added its
// share.
template <int W>
DS_INLINE void down_columns(const MoeDownArgs& a, const float* x, int64_t n0, int64_t columns,
                            float* row, float* acc) {
  const ExpertRows& e = a.experts;
  std::fill(acc, acc + e.M * columns, 0.0f);
  for (int64_t expert = 0; expert < e.E; ++expert) {
    const int32_t first = e.offsets[expert], last = e.offsets[expert + 1];
    for (int64_t n = n0; n < n0 + columns && first < last; ++n) {
      const int64_t at = expert * a.N + n;
      decode_row(a.w + at * a.K,
                 a.w_scales + (expert * (a.N / kGroup) + n / kGroup) * (a.K / kGroup), a.K, row);
      int32_t i = first;
      for (; i + 4 <= last; i += 4) {
        const float* four[4];
        float y[4];
        for (int j = 0; j < 4; ++j) four[j] = x + e.rows[i + j] * a.K;
        dot4<W>(four, row, a.K, y);
        for (int j = 0; j < 4; ++j)
          acc[e.rows[i + j] / e.k * columns + n - n0] += a.weights[e.rows[i + j]] * y[j];
      }
      for (; i < last; ++i) {
        acc[e.rows[i] / e.k * columns + n - n0] +=
            a.weights[e.rows[i]] * dot<W>(x + e.rows[i] * a.K, row, a.K);
      }
    }
  }
  for (int64_t m = 0; m < e.M; ++m) {
    for (int64_t n = 0; n < columns; ++n) {
      Bf16& out = a.out[m * a.N + n0 + n];
      out = to_bf16(to_float(out) + acc[m * columns + n]);
    }
  }
}

template <int W>
DS_INLINE void moe_down(const MoeDownArgs& a, Part part) {
  constexpr int64_t kColumns = 64;
  const int64_t rows = a.experts.M * a.experts.k;
  float* x = scratch(0, rows * a.K);
  float* row = scratch(1, a.K);
  float* acc = scratch(2, a.experts.M * kColumns);
  for (int64_t r = 0; r < rows; ++r) dequantise_row(a.x, r, rows, a.K, x + r * a.K);
  const auto [begin, end] = part.of(a.N, 16);
  for (int64_t n = begin; n < end; n += kColumns) {
    down_columns<W>(a, x, n, std::min(kColumns, end - n), row, acc);
  }
}

DS_CPU_OP(MoeGateUpArgs, moe_gate_up)
DS_CPU_OP(MoeDownArgs, moe_down)

}  // namespace kernels::cpu
