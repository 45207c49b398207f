#include "kernels/concat.h"

namespace kernels {

Status check(const ConcatArgs& a) {
  return Check("concat")
      .shape({{"M", a.M}, {"H", a.H}, {"a", a.a_columns}, {"b", a.b_columns}})
      .need(a.M >= 0 && a.H > 0 && a.a_columns > 0 && a.b_columns > 0, "sizes must be positive")
      .need(a.H == 1 || (a.a_head_stride >= a.a_columns && a.b_head_stride >= a.b_columns),
            "a head stride is less than its row")
      .need(a.M == 0 || (a.a && a.b && a.out), "null tensor")
      .status();
}

Cost cost(const ConcatArgs& a) {
  return {2 * a.M * a.H * (a.a_columns + a.b_columns) * size_of(a.format), 0};
}

std::vector<Tensor> outputs(const ConcatArgs& a) {
  const int64_t columns = a.a_columns + a.b_columns;
  return {matrix("q_all", a.format, a.out, a.M * a.H, columns, columns)};
}

std::vector<Expected> reference::run(const ConcatArgs& a) {
  const Tensor left = cube("a", a.format, a.a, a.M, a.H, a.a_columns, a.a_stride, a.a_head_stride);
  const Tensor right = cube("b", a.format, a.b, a.M, a.H, a.b_columns, a.b_stride, a.b_head_stride);
  Expected out;
  for (int64_t row = 0; row < a.M * a.H; ++row) {
    for (int64_t i = 0; i < a.a_columns; ++i) out.add(value_at(left, row * a.a_columns + i), 0);
    for (int64_t i = 0; i < a.b_columns; ++i) out.add(value_at(right, row * a.b_columns + i), 0);
  }
  return {out};
}

}  // namespace kernels
