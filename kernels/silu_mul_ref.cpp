#include "kernels/reference.h"
#include "kernels/silu_mul.h"

namespace kernels {

Status check(const SiluMulArgs& a) {
  return Check("silu_mul")
      .shape({{"R", a.R}, {"n", a.n}})
      .need(a.R >= 0 && a.n > 0, "sizes must be positive")
      .need(a.format == Format::f32 || a.format == Format::bf16, "f32 or bf16 only")
      .need(a.R == 0 || (a.x && a.out), "null tensor")
      .status();
}

Cost cost(const SiluMulArgs& a) {
  return {a.R * a.n * (2 * size_of(a.format) + 2), a.R * a.n * 5};
}

std::vector<Tensor> outputs(const SiluMulArgs& a) {
  return {matrix("act", Format::bf16, a.out, a.R, a.n, a.n)};
}

std::vector<Expected> reference::run(const SiluMulArgs& a) {
  const Tensor x = matrix("x", a.format, a.x, a.R, 2 * a.n, 2 * a.n);
  Expected out;
  for (int64_t r = 0; r < a.R; ++r) {
    for (int64_t i = 0; i < a.n; ++i) {
      const double gate = value_at(x, r * 2 * a.n + i), up = value_at(x, r * 2 * a.n + a.n + i);
      const double v = gate / (1 + std::exp(-gate)) * up;
      // Below -127 / log2(e) the fast path's sigmoid stays at 2^-127.
      out.add(v, std::fabs(v) * (8 + 2 * std::fabs(gate)) * kFloatStep +
                     std::fabs(gate * up) * 0x1p-126);
    }
  }
  return {out};
}

}  // namespace kernels
