#include "kernels/formats.h"
#include "kernels/hadamard.h"
#include "kernels/layout.h"
#include "kernels/reference.h"

namespace kernels {

Status check(const HadamardArgs& a) {
  return Check("hadamard")
      .shape({{"rows", a.rows}})
      .need(a.rows >= 0, "rows must not be negative")
      .need(a.rows == 0 || a.x, "null tensor")
      .status();
}

Cost cost(const HadamardArgs& a) {
  return {a.rows * kIndexDim * 4, a.rows * kIndexDim * 8};
}

std::vector<Tensor> outputs(const HadamardArgs& a) {
  Tensor x = matrix("x", Format::bf16, a.x, a.rows, kIndexDim, kIndexDim);
  x.in_place = true;
  return {x};
}

std::vector<Expected> reference::run(const HadamardArgs& a) {
  Expected out;
  const double scale = 1 / std::sqrt(double{kIndexDim});
  for (int64_t r = 0; r < a.rows; ++r) {
    for (unsigned j = 0; j < kIndexDim; ++j) {
      Sum sum;
      for (unsigned i = 0; i < kIndexDim; ++i) {
        const double sign = std::popcount(i & j) % 2 ? -1 : 1;  // the Sylvester matrix
        sum.add(sign * to_float(a.x[r * kIndexDim + i]) * scale);
      }
      out.add(sum.value, sum.slack());
    }
  }
  return {out};
}

}  // namespace kernels
