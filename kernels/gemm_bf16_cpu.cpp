// Bound by the weights, 2 N K bytes streamed once: each row is widened into a float row and
// multiplied with all tokens, four at a time. Two workers split N.
#include "kernels/gemm_bf16.h"
#include "kernels/simd.h"

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
  float* x = scratch(0, a.M * a.K);
  float* row = scratch(1, a.K);
  for (int64_t m = 0; m < a.M; ++m) {
    if (a.x_format == Format::bf16)
      decode(static_cast<const Bf16*>(a.x) + m * a.x_stride, a.K, x + m * a.K);
    else
      std::memcpy(x + m * a.K, static_cast<const float*>(a.x) + m * a.x_stride,
                  static_cast<size_t>(a.K) * 4);
  }
  const int64_t k = a.K / a.splits;
  const auto [begin, end] = part.of(a.N, 16);
  for (int64_t n = begin; n < end; ++n) {
    decode(a.w + n * a.K, a.K, row);
    for (int64_t s = 0; s < a.splits; ++s) {
      const float* from = x + s * k;
      int64_t m = 0;
      for (; m + 4 <= a.M; m += 4) {
        const float* tokens[4] = {from + m * a.K, from + (m + 1) * a.K, from + (m + 2) * a.K,
                                  from + (m + 3) * a.K};
        float y[4];
        dot4<W>(tokens, row + s * k, k, y);
        for (int64_t i = 0; i < 4; ++i) put(a, s, m + i, n, y[i]);
      }
      for (; m < a.M; ++m) put(a, s, m, n, dot<W>(from + m * a.K, row + s * k, k));
    }
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
