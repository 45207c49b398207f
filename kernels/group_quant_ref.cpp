#include "kernels/formats.h"
#include "kernels/group_quant.h"
#include "kernels/reference.h"

namespace kernels {

Status check(const GroupQuantArgs& a) {
  return Check("group_quant")
      .shape({{"M", a.M},
              {"H", a.H},
              {"D", a.D},
              {"x_stride", a.x_stride},
              {"x_head_stride", a.x_head_stride}})
      .need(a.M >= 0 && a.H > 0 && a.D > 0 && a.D % 16 == 0, "D must be a positive multiple of 16")
      .need(a.H * a.D % kGroup == 0, "a row must be a multiple of 128")
      .need(a.M <= 1 || a.x_stride >= a.D, "x_stride is less than D")
      .need(a.H == 1 || a.x_head_stride >= a.D, "x_head_stride is less than D")
      .need(a.M == 0 || (a.x && a.out.values && a.out.scales), "null tensor")
      .status();
}

Cost cost(const GroupQuantArgs& a) {
  const int64_t n = a.M * a.H * a.D;
  return {n * 3 + n / kGroup * 4, n * 2};
}

std::vector<Tensor> outputs(const GroupQuantArgs& a) {
  return {values_of("quant", a.out, a.M, a.H * a.D), scales_of("scale", a.out, a.M, a.H * a.D)};
}

std::vector<Expected> reference::run(const GroupQuantArgs& a) {
  Expected values, scales;
  const auto x = [&a](int64_t m, int64_t column) {
    return double{to_float(a.x[m * a.x_stride + column / a.D * a.x_head_stride + column % a.D])};
  };
  for (int64_t m = 0; m < a.M; ++m) {
    for (int64_t g = 0; g < a.H * a.D; g += kGroup) {
      double amax = 0;
      for (int64_t i = g; i < g + kGroup; ++i) amax = std::max(amax, std::fabs(x(m, i)));
      const double scale = std::max(amax, double{kQuantFloor}) / kE4m3Max;
      scales.add(scale, scale * kFloatStep);
      for (int64_t i = g; i < g + kGroup; ++i) {
        const double v = x(m, i) / scale;
        values.add(v, std::fabs(v) * 3 * kFloatStep);
      }
    }
  }
  return {values, scales};
}

}  // namespace kernels
