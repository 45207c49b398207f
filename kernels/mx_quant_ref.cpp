#include "kernels/formats.h"
#include "kernels/mx_quant.h"

namespace kernels {

Status check(const MxQuantArgs& a) {
  return Check("mx_quant")
      .shape({{"M", a.M},
              {"H", a.H},
              {"D", a.D},
              {"x_stride", a.x_stride},
              {"x_head_stride", a.x_head_stride}})
      .need(a.M >= 0 && a.H > 0 && a.D > 0 && a.D % 16 == 0, "D must be a positive multiple of 16")
      .need(a.H * a.D % kMxGroup == 0, "a row must be a multiple of 32")
      .need(a.M <= 1 || a.x_stride >= a.D, "x_stride is less than D")
      .need(a.H == 1 || a.x_head_stride >= a.D, "x_head_stride is less than D")
      .need(a.M == 0 || (a.x && a.out.values && a.out.scales), "null tensor")
      .status();
}

Cost cost(const MxQuantArgs& a) {
  const int64_t n = a.M * a.H * a.D;
  return {n * 2 + n / 2 + n / kMxGroup, n * 2};
}

std::vector<Tensor> outputs(const MxQuantArgs& a) {
  const int64_t k = a.H * a.D, groups = k / kMxGroup;
  Tensor scales = matrix("scale", Format::u8, a.out.scales, a.M, groups,
                         a.out.layout == ScaleLayout::row ? groups : 1);
  if (a.out.layout == ScaleLayout::column) scales.stride[1] = a.M;
  return {matrix("quant", Format::u8, a.out.values, a.M, k / 2, k / 2), scales};
}

// By the definition: the scale's exponent from the logarithm, the code by comparing distances.
static double code_of(double v) {
  static constexpr double kValues[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  int best = 0;
  for (int c = 1; c < 8; ++c) {
    const double d = std::fabs(std::fabs(v) - kValues[c]),
                 known = std::fabs(std::fabs(v) - kValues[best]);
    if (d < known || (d == known && c % 2 == 0)) best = c;
  }
  return best + (std::signbit(v) ? 8 : 0);
}

std::vector<Expected> reference::run(const MxQuantArgs& a) {
  Expected values, scales;
  const int64_t k = a.H * a.D;
  for (int64_t m = 0; m < a.M; ++m) {
    for (int64_t g = 0; g < k; g += kMxGroup) {
      double x[kMxGroup], amax = 0;
      for (int64_t i = 0; i < kMxGroup; ++i) {
        const int64_t column = g + i;
        x[i] = to_float(a.x[m * a.x_stride + column / a.D * a.x_head_stride + column % a.D]);
        amax = std::max(amax, std::fabs(x[i]));
      }
      int exponent = -127;
      if (amax > 0) {
        const int e = std::ilogb(amax);
        exponent = std::clamp(e + (std::ldexp(amax, -e) >= 1.75 ? 1 : 0) - 2, -127, 127);
      }
      scales.add(exponent + 127, 0);
      for (int64_t i = 0; i < kMxGroup; i += 2) {
        values.add(
            code_of(std::ldexp(x[i], -exponent)) + 16 * code_of(std::ldexp(x[i + 1], -exponent)),
            0);
      }
    }
  }
  return {values, scales};
}

}  // namespace kernels
