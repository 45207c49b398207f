// Bound by the weights: N x K bytes are streamed once whatever M is. Activations are dequantised
// once into M x K floats (first- or second-level cache); each weight row is decoded into a float
// row (K x 4 bytes, first level) and multiplied with all tokens, four at a time. Two workers split
// N.
#include "kernels/gemm_fp8.h"
#include "kernels/simd.h"

namespace kernels::cpu {

template <int W>
DS_INLINE void gemm_fp8(const GemmFp8Args& a, Part part) {
  float* x = scratch(0, a.M * a.K);
  float* row = scratch(1, a.K);
  for (int64_t m = 0; m < a.M; ++m) dequantise_row(a.x, m, a.M, a.K, x + m * a.K);
  const auto [begin, end] = part.of(a.N, 16);
  for (int64_t n = begin; n < end; ++n) {
    const float* scales = a.w_scales + n / kGroup * (a.K / kGroup);
    for (int64_t g = 0; g < a.K / kGroup; ++g) {
      decode(a.w + n * a.K + g * kGroup, kGroup, scales[g], row + g * kGroup);
    }
    times_row<W>(x, a.M, a.K, row,
                 [&](int64_t m, float y) { a.out[m * a.out_stride + n] = to_bf16(y); });
  }
}

DS_CPU_OP(GemmFp8Args, gemm_fp8)

}  // namespace kernels::cpu
