// Bound by the weights: N x K bytes are streamed once whatever M is. Activations are dequantised
// once into M x K floats (first- or second-level cache). Two workers split N.
#include "kernels/gemm_fp8.h"
#include "kernels/simd_rows.h"

namespace kernels::cpu {

template <int W>
DS_INLINE void gemm_fp8(const GemmFp8Args& a, Part part) {
  float* x = scratch(0, a.M * a.K);
  float* row = scratch(1, a.K);
  float* scaled = scratch(2, a.M * a.K);
  for (int64_t m = 0; m < a.M; ++m) dequantise_row<W>(a.x, m, a.M, a.K, x + m * a.K);
  const auto [begin, end] = part.of(a.N, 16);
  fp8_product<W>(
      a.w, a.w_scales, a.K, begin, end, a.M, [&](int64_t m) { return x + m * a.K; }, scaled, row,
      [&](int64_t m, int64_t n, float y) { a.out[m * a.out_stride + n] = to_bf16(y); });
}

DS_CPU_OP(GemmFp8Args, gemm_fp8)

}  // namespace kernels::cpu
