#include "kernels/silu_mul.h"
#include "kernels/simd.h"

namespace kernels::cpu {

template <int W>
DS_INLINE void silu_mul(const SiluMulArgs& a, Part part) {
  float* x = scratch(0, 2 * a.n);
  const auto [begin, end] = part.of(a.R);
  for (int64_t r = begin; r < end; ++r) {
    if (a.format == Format::f32)
      std::memcpy(x, static_cast<const float*>(a.x) + r * 2 * a.n, static_cast<size_t>(a.n) * 8);
    else
      decode(static_cast<const Bf16*>(a.x) + r * 2 * a.n, 2 * a.n, x);
    for (int64_t i = 0; i < a.n; ++i)
      x[i] = x[i] / (1.0f + fast_exp2(x[i] * -1.44269504f)) * x[a.n + i];
    encode(x, a.n, a.out + r * a.n);
  }
}

DS_CPU_OP(SiluMulArgs, silu_mul)

}  // namespace kernels::cpu
