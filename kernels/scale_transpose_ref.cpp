#include "kernels/formats.h"
#include "kernels/scale_transpose.h"

namespace kernels {

Status check(const ScaleTransposeArgs& a) {
  return Check("scale_transpose")
      .shape({{"M", a.M}, {"G", a.G}})
      .need(a.M >= 0 && a.G > 0, "sizes must be positive")
      .need(a.from != a.to, "both sides have the same layout")
      .need(a.in != a.out || a.M == 0, "not in place")
      .need(a.M == 0 || (a.in && a.out), "null tensor")
      .status();
}

Cost cost(const ScaleTransposeArgs& a) {
  return {a.M * a.G * 8, 0};
}

std::vector<Tensor> outputs(const ScaleTransposeArgs& a) {
  return {scales_of("scale", {nullptr, a.out, a.to}, a.M, a.G * kGroup)};
}

std::vector<Expected> reference::run(const ScaleTransposeArgs& a) {
  Expected scale;
  for (int64_t m = 0; m < a.M; ++m) {
    for (int64_t g = 0; g < a.G; ++g) {
      scale.add(a.from == ScaleLayout::row ? a.in[m * a.G + g] : a.in[g * a.M + m], 0);
    }
  }
  return {scale};
}

}  // namespace kernels
