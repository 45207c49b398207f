#include "kernels/formats.h"
#include "kernels/layer_norm.h"
#include "kernels/reference.h"

namespace kernels {

Status check(const LayerNormArgs& a) {
  return Check("layer_norm")
      .shape({{"M", a.M}, {"D", a.D}, {"x_stride", a.x_stride}})
      .need(a.M >= 0 && a.D > 0 && a.D % 16 == 0, "D must be a positive multiple of 16")
      .need(a.x_stride >= a.D, "x_stride is less than D")
      .need(a.M == 0 || (a.x && a.weight && a.bias && a.out), "null tensor")
      .status();
}

Cost cost(const LayerNormArgs& a) {
  return {a.M * a.D * 4 + a.D * 4, a.M * a.D * 7};
}

std::vector<Tensor> outputs(const LayerNormArgs& a) {
  return {matrix("norm", Format::bf16, a.out, a.M, a.D, a.D)};
}

std::vector<Expected> reference::run(const LayerNormArgs& a) {
  Expected out;
  const auto n = static_cast<double>(a.D);
  for (int64_t m = 0; m < a.M; ++m) {
    const Bf16* x = a.x + m * a.x_stride;
    Sum mean, squares;
    for (int64_t d = 0; d < a.D; ++d) mean.add(to_float(x[d]) / n);
    for (int64_t d = 0; d < a.D; ++d) squares.add(std::pow(to_float(x[d]) - mean.value, 2));
    const double scale = 1 / std::sqrt(squares.value / n + double{a.eps});
    for (int64_t d = 0; d < a.D; ++d) {
      const double centred = to_float(x[d]) - mean.value, w = to_float(a.weight[d]),
                   b = to_float(a.bias[d]);
      // The mean's error hits every element alike; squares are positive, so theirs stays relative.
      const double slack =
          std::fabs(scale * w) * (mean.slack() + std::fabs(centred) * squares.slack() /
                                                     std::max(squares.value, 1e-30)) +
          (std::fabs(centred * scale * w) + std::fabs(b)) * 8 * kFloatStep;
      out.add(centred * scale * w + b, slack);
    }
  }
  return {out};
}

}  // namespace kernels
