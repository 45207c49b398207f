// Bound by the weights of the experts that have rows, each streamed once for all its rows. Two
// workers split the output columns, so a column's sum over experts stays with one worker and in one
// order.
#include "kernels/moe_gemm.h"
#include "kernels/simd_mx.h"

namespace kernels::cpu {

template <int W>
DS_INLINE void activation_rows(const ExpertInput& x, int64_t rows, int64_t k, float* to) {
  for (int64_t r = 0; r < rows; ++r) {
    float* out = to + r * k;
    switch (x.format) {
      case WeightFormat::fp8:
        dequantise_row<W>({static_cast<const E4m3*>(x.values), static_cast<const float*>(x.scales)},
                          r, rows, k, out);
        break;
      case WeightFormat::mxfp4:
        decode_mx_row<W>(
            {static_cast<const uint8_t*>(x.values), static_cast<const uint8_t*>(x.scales)}, r, rows,
            k, out);
        break;
      case WeightFormat::bf16:
        decode(static_cast<const Bf16*>(x.values) + r * k, k, out);
        break;
    }
  }
}

// Of one expert.
static int64_t most_rows(const ExpertRows& e) {
  int32_t most = 0;
  for (int64_t i = 0; i < e.E && e.M > 0; ++i)
    most = std::max(most, e.offsets[i + 1] - e.offsets[i]);
  return most;
}

// Rows [begin, end) of an expert's weights against its T rows of activations x(t): put(t, n, y).
// `gathered` holds T x k floats: an expert's rows lie apart.
template <int W, class X, class Put>
DS_INLINE void of_expert(const ExpertWeights& w, int64_t expert, int64_t N, int64_t k,
                         int64_t begin, int64_t end, int64_t T, const X& x, float* gathered,
                         float* row, const Put& put) {
  const int64_t first = expert * N * k;
  if (w.format == WeightFormat::fp8) {
    return fp8_product<W>(
        static_cast<const E4m3*>(w.values) + first,
        static_cast<const float*>(w.scales) + expert * (N / kGroup) * (k / kGroup), k, begin, end,
        T, x, gathered, row, put);
  }
  for (int64_t t = 0; t < T; ++t)
    std::memcpy(gathered + t * k, x(t), static_cast<size_t>(k) * sizeof(float));
  if (w.format == WeightFormat::bf16) {
    return product<W>(Bf16Rows{static_cast<const Bf16*>(w.values)}, first, k, k, begin, end, T,
                      gathered, row, put);
  }
  product<W>(MxRows{static_cast<const uint8_t*>(w.values), static_cast<const uint8_t*>(w.scales)},
             first, k, k, begin, end, T, gathered, row, put);
}

template <int W>
DS_INLINE void moe_gate_up(const MoeGateUpArgs& a, Part part) {
  const ExpertRows& e = a.experts;
  float* x = scratch(0, e.M * a.K);
  float* row = scratch(1, a.K);
  float* gathered = scratch(2, most_rows(e) * a.K);
  activation_rows<W>(a.x, e.M, a.K, x);
  const auto [begin, end] = part.of(a.N, 16);
  for (int64_t expert = 0; expert < e.E && e.M > 0; ++expert) {
    const int32_t* rows = e.rows + e.offsets[expert];
    of_expert<W>(
        a.w, expert, a.N, a.K, begin, end, e.offsets[expert + 1] - e.offsets[expert],
        [&](int64_t t) { return x + rows[t] / e.k * a.K; }, gathered, row,
        [&](int64_t t, int64_t n, float y) { a.out[rows[t] * a.N + n] = y; });
  }
}

// Sums over experts are kept in fp32 until every expert has added its share.
template <int W>
DS_INLINE void moe_down(const MoeDownArgs& a, Part part) {
  const ExpertRows& e = a.experts;
  const auto [begin, end] = part.of(a.N, 16);
  const int64_t columns = end - begin;
  float* x = scratch(0, e.M * e.k * a.K);
  float* row = scratch(1, a.K);
  float* gathered = scratch(2, most_rows(e) * a.K);
  float* acc = scratch(3, e.M * columns);
  activation_rows<W>(a.x, e.M * e.k, a.K, x);
  std::fill(acc, acc + e.M * columns, 0.0f);
  for (int64_t expert = 0; expert < e.E && e.M > 0; ++expert) {
    const int32_t* rows = e.rows + e.offsets[expert];
    of_expert<W>(
        a.w, expert, a.N, a.K, begin, end, e.offsets[expert + 1] - e.offsets[expert],
        [&](int64_t t) { return x + rows[t] * a.K; }, gathered, row,
        [&, from = begin](int64_t t, int64_t n, float y) {
          acc[rows[t] / e.k * columns + n - from] += a.weights[rows[t]] * y;
        });
  }
  for (int64_t m = 0; m < e.M; ++m) {
    for (int64_t n = 0; n < columns; ++n) {
      Bf16& out = a.out[m * a.N + begin + n];
      out = to_bf16(to_float(out) + acc[m * columns + n]);
    }
  }
}

DS_CPU_OP(MoeGateUpArgs, moe_gate_up)
DS_CPU_OP(MoeDownArgs, moe_down)

}  // namespace kernels::cpu
