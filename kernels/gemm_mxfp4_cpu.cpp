// N x K / 2 weight bytes streamed once; activations are widened once into M x K floats. Two workers
// split N.
#include "kernels/gemm_mxfp4.h"
#include "kernels/simd_mx.h"

namespace kernels::cpu {

template <int W>
DS_INLINE void gemm_mxfp4(const GemmMxArgs& a, Part part) {
  float* x = scratch(0, a.M * a.K);
  float* row = scratch(1, a.K);
  for (int64_t m = 0; m < a.M; ++m) decode_mx_row<W>(a.x, m, a.M, a.K, x + m * a.K);
  const auto [begin, end] = part.of(a.N, 16);
  product<W>(MxRows{a.w, a.w_scales}, 0, a.K, a.K, begin, end, a.M, x, row,
             [&](int64_t m, int64_t n, float y) { a.out[m * a.out_stride + n] = to_bf16(y); });
}

DS_CPU_OP(GemmMxArgs, gemm_mxfp4)

}  // namespace kernels::cpu
