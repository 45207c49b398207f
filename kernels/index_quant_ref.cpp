#include "kernels/formats.h"
#include "kernels/index_quant.h"
#include "kernels/layout.h"

namespace kernels {

Status check(const IndexQuantArgs& a) {
  return Check("index_quant")
      .shape({{"rows", a.rows}})
      .need(a.rows >= 0, "rows must not be negative")
      .need(a.rows == 0 || (a.x && a.out && a.scales), "null tensor")
      .status();
}

Cost cost(const IndexQuantArgs& a) {
  return {a.rows * (kIndexDim * 3 + 4), a.rows * kIndexDim * 2};
}

std::vector<Tensor> outputs(const IndexQuantArgs& a) {
  return {matrix("quant", Format::e4m3, a.out, a.rows, kIndexDim, kIndexDim),
          matrix("scale", Format::f32, a.scales, a.rows, 1, 1)};
}

std::vector<Expected> reference::run(const IndexQuantArgs& a) {
  Expected values, scales;
  for (int64_t r = 0; r < a.rows; ++r) {
    float amax = 0;
    for (int d = 0; d < kIndexDim; ++d)
      amax = std::max(amax, std::fabs(to_float(a.x[r * kIndexDim + d])));
    const float scale = index_scale(amax);  // a power of two: the quotients below are exact
    scales.add(scale, 0);
    for (int d = 0; d < kIndexDim; ++d)
      values.add(double{to_float(a.x[r * kIndexDim + d])} / scale, 0);
  }
  return {values, scales};
}

}  // namespace kernels
