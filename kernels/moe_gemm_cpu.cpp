// Bound by the weights of the experts that have rows, each streamed once for all its rows, four
// rows at a time. Two workers split the output columns, so a column's sum over experts stays with
// one worker and in one order.
#include "kernels/moe_gemm.h"
#include "kernels/simd_mx.h"

namespace kernels::cpu {

// Row n of an expert's weights as floats (MXFP4: in simd_mx.h's order, as are the activations).
DS_INLINE void weight_row(const ExpertWeights& w, int64_t expert, int64_t n, int64_t N, int64_t k,
                          float* to) {
  const int64_t row = expert * N + n;
  switch (w.format) {
    case WeightFormat::fp8: {
      const float* scales =
          static_cast<const float*>(w.scales) + (expert * (N / kGroup) + n / kGroup) * (k / kGroup);
      const E4m3* values = static_cast<const E4m3*>(w.values) + row * k;
      for (int64_t g = 0; g < k / kGroup; ++g)
        decode(values + g * kGroup, kGroup, scales[g], to + g * kGroup);
      return;
    }
    case WeightFormat::mxfp4:
      return decode_mx(static_cast<const uint8_t*>(w.values) + row * k / 2,
                       static_cast<const uint8_t*>(w.scales) + row * k / kMxGroup, 1, k, to);
    case WeightFormat::bf16:
      return decode(static_cast<const Bf16*>(w.values) + row * k, k, to);
  }
}

DS_INLINE void activation_rows(const ExpertInput& x, int64_t rows, int64_t k, float* to) {
  for (int64_t r = 0; r < rows; ++r) {
    float* out = to + r * k;
    switch (x.format) {
      case WeightFormat::fp8:
        dequantise_row({static_cast<const E4m3*>(x.values), static_cast<const float*>(x.scales)}, r,
                       rows, k, out);
        break;
      case WeightFormat::mxfp4:
        decode_mx_row(
            {static_cast<const uint8_t*>(x.values), static_cast<const uint8_t*>(x.scales)}, r, rows,
            k, out);
        break;
      case WeightFormat::bf16:
        decode(static_cast<const Bf16*>(x.values) + r * k, k, out);
        break;
    }
  }
}

template <int W>
DS_INLINE void moe_gate_up(const MoeGateUpArgs& a, Part part) {
  const ExpertRows& e = a.experts;
  float* x = scratch(0, e.M * a.K);
  float* row = scratch(1, a.K);
  activation_rows(a.x, e.M, a.K, x);
  const auto [begin, end] = part.of(a.N, 16);
  for (int64_t expert = 0; expert < e.E; ++expert) {
    const int32_t first = e.offsets[expert], last = e.offsets[expert + 1];
    for (int64_t n = begin; n < end && first < last; ++n) {
      weight_row(a.w, expert, n, a.N, a.K, row);
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
      weight_row(a.w, expert, n, a.N, a.K, row);
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
  activation_rows(a.x, rows, a.K, x);
  const auto [begin, end] = part.of(a.N, 16);
  for (int64_t n = begin; n < end; n += kColumns) {
    down_columns<W>(a, x, n, std::min(kColumns, end - n), row, acc);
  }
}

DS_CPU_OP(MoeGateUpArgs, moe_gate_up)
DS_CPU_OP(MoeDownArgs, moe_down)

}  // namespace kernels::cpu
