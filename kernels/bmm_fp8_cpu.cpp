// H x N x K weight bytes streamed once; a head's activations are quantised and widened once. Two
// workers split the H x N output rows; a worker redoes the M x K quantisation of each head it
// touches, which is N times less work.
#include "kernels/bmm_fp8.h"
#include "kernels/simd.h"

namespace kernels::cpu {

DS_INLINE void quantise_and_widen(const Bf16* x, int64_t k, float* to) {
  E4m3 codes[kGroup];
  decode(x, k, to);
  for (int64_t g = 0; g < k; g += kGroup) {
    const int64_t n = std::min<int64_t>(kGroup, k - g);
    const float scale = activation_scale(largest_magnitude(to + g, n));
    encode(to + g, n, scale, codes);
    decode_exact(codes, n, to + g);
    for (int64_t i = 0; i < n; ++i) to[g + i] *= scale;
  }
}

template <int W>
DS_INLINE void bmm_fp8(const BmmFp8Args& a, Part part) {
  float* x = scratch(0, a.M * a.K);
  float* row = scratch(1, a.K);
  const auto [begin, end] = part.of(a.H * a.N, 16);
  for (int64_t i = begin; i < end; ++i) {
    const int64_t h = i / a.N, n = i % a.N;
    if (i == begin || n == 0) {
      for (int64_t m = 0; m < a.M; ++m)
        quantise_and_widen(a.x + m * a.x_stride + h * a.x_head_stride, a.K, x + m * a.K);
    }
    decode(a.w + i * a.K, a.K, 1.0f, row);
    Bf16* out = a.out + h * a.out_head_stride + n;
    int64_t m = 0;
    for (; m + 4 <= a.M; m += 4) {
      const float* tokens[4] = {x + m * a.K, x + (m + 1) * a.K, x + (m + 2) * a.K,
                                x + (m + 3) * a.K};
      float y[4];
      dot4<W>(tokens, row, a.K, y);
      for (int64_t j = 0; j < 4; ++j) out[(m + j) * a.out_stride] = to_bf16(y[j] * a.w_scale);
    }
    for (; m < a.M; ++m) out[m * a.out_stride] = to_bf16(dot<W>(x + m * a.K, row, a.K) * a.w_scale);
  }
}

DS_CPU_OP(BmmFp8Args, bmm_fp8)

}  // namespace kernels::cpu
