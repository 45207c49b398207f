#include "kernels/layer_norm.h"
#include "kernels/simd.h"

namespace kernels::cpu {

template <int W>
DS_INLINE float row_sum(const float* x, int64_t n) {
  Lanes<W> acc = zero<W>(), one;
  for (auto& r : one.r) r = zero<W>().r[0] + 1.0f;
  for (int64_t i = 0; i < n; i += kLanes) multiply_add<W>(acc, load<W>(x + i), one);
  return sum<W>(acc);
}

template <int W>
DS_INLINE void layer_norm(const LayerNormArgs& a, Part part) {
  float* x = scratch(0, a.D);
  const auto [begin, end] = part.of(a.M);
  const auto n = static_cast<float>(a.D);
  for (int64_t m = begin; m < end; ++m) {
    decode(a.x + m * a.x_stride, a.D, x);
    const float mean = row_sum<W>(x, a.D) / n;
    for (int64_t d = 0; d < a.D; ++d) x[d] -= mean;
    const float scale = 1.0f / std::sqrt(dot<W>(x, x, a.D) / n + a.eps);
    for (int64_t d = 0; d < a.D; ++d)
      x[d] = x[d] * scale * to_float(a.weight[d]) + to_float(a.bias[d]);
    encode(x, a.D, a.out + m * a.D);
  }
}

DS_CPU_OP(LayerNormArgs, layer_norm)

}  // namespace kernels::cpu
