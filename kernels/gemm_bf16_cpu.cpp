// Bound by the weights, 2 N K bytes streamed once; activations are widened once, split by split.
// Two workers split N.
#include "kernels/gemm_bf16.h"
#include "kernels/simd_rows.h"

namespace kernels::cpu {

DS_INLINE void put(const GemmBf16Args& a, int64_t s, int64_t m, int64_t n, float y) {
  const int64_t at = (s * a.M + m) * a.out_stride + n;
  if (a.out_format == Format::f32)
    static_cast<float*>(a.out)[at] = y;
  else
    static_cast<Bf16*>(a.out)[at] = to_bf16(y);
}

template <int W>
DS_INLINE void gemm_bf16(const GemmBf16Args& a, Part part) {
  const int64_t k = a.K / a.splits;
  float* x = scratch(0, a.M * a.K);  // [splits, M, k]
  float* row = scratch(1, k);
  for (int64_t s = 0; s < a.splits; ++s) {
    for (int64_t m = 0; m < a.M; ++m) {
      const int64_t from = m * a.x_stride + s * k;
      float* to = x + (s * a.M + m) * k;
      if (a.x_format == Format::bf16)
        decode(static_cast<const Bf16*>(a.x) + from, k, to);
      else
        std::memcpy(to, static_cast<const float*>(a.x) + from, static_cast<size_t>(k) * 4);
    }
  }
  const auto [begin, end] = part.of(a.N, 16);
  for (int64_t s = 0; s < a.splits; ++s) {
    product<W>(Bf16Rows{a.w}, s * k, a.K, k, begin, end, a.M, x + s * a.M * k, row,
               [&](int64_t m, int64_t n, float y) { put(a, s, m, n, y); });
  }
}

DS_CPU_OP(GemmBf16Args, gemm_bf16)

void run(const SplitReduceArgs& a, Part part) {
  const auto [begin, end] = part.of(a.n);
  for (int64_t i = begin; i < end; ++i) {
    float sum = a.parts[i];
    for (int64_t s = 1; s < a.splits; ++s) sum += a.parts[s * a.n + i];
    a.out[i] = sum;
  }
}

}  // namespace kernels::cpu
