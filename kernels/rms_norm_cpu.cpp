// A row at a time: one pass to add and square (16 accumulators), one to scale and quantise. A row
// of tiny's hidden size is 4 KB of floats, so both passes run from the first-level cache.
#include "kernels/rms_norm.h"
#include "kernels/simd.h"

namespace kernels::cpu {

template <int W>
DS_INLINE void norm_row(const RmsNormArgs& a, int64_t m, float* h) {
  decode(a.x + m * a.x_stride, a.D, h);
  if (a.residual) {
    const Bf16* r = a.residual + m * a.D;
    for (int64_t d = 0; d < a.D; ++d) h[d] = to_float(to_bf16(h[d] + to_float(r[d])));
  }
  if (a.residual_out) encode(h, a.D, a.residual_out + m * a.D);
  const float scale = 1.0f / std::sqrt(dot<W>(h, h, a.D) / static_cast<float>(a.D) + a.eps);
  for (int64_t d = 0; d < a.D; ++d) h[d] = h[d] * scale * to_float(a.weight[d]);
  if (a.out) encode(h, a.D, a.out + m * a.D);
  if (a.quant.values) quantise_row(h, a.D, m, a.M, a.quant);
}

template <int W>
DS_INLINE void rms_norm(const RmsNormArgs& a, Part part) {
  float* h = scratch(0, a.D);
  const auto [begin, end] = part.of(a.M);
  for (int64_t m = begin; m < end; ++m) norm_row<W>(a, m, h);
}

template <int W>
DS_INLINE void qk_norm(const QkNormArgs& a, Part part) {
  rms_norm<W>(a.q, part);
  rms_norm<W>(a.kv, part);
}

DS_CPU_OP(RmsNormArgs, rms_norm)
DS_CPU_OP(QkNormArgs, qk_norm)

}  // namespace kernels::cpu
