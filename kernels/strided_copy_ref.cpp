#include "kernels/strided_copy.h"

namespace kernels {

Status check(const StridedCopyArgs& a) {
  return Check("strided_copy")
      .shape({{"M", a.M}, {"H", a.H}, {"D", a.D}})
      .need(a.M >= 0 && a.H > 0 && a.D > 0, "sizes must be positive")
      .need(a.H == 1 || (a.in_head_stride >= a.D && a.out_head_stride >= a.D),
            "a head stride is less than D")
      .need(a.M <= 1 || (a.in_stride >= a.D && a.out_stride >= a.D), "a stride is less than D")
      .need(a.M == 0 || (a.in && a.out), "null tensor")
      .need(a.M == 0 || a.in != a.out, "source and destination are the same")
      .status();
}

Cost cost(const StridedCopyArgs& a) {
  return {2 * a.M * a.H * a.D * size_of(a.format), 0};
}

std::vector<Tensor> outputs(const StridedCopyArgs& a) {
  return {cube("copy", a.format, a.out, a.M, a.H, a.D, a.out_stride, a.out_head_stride)};
}

std::vector<Expected> reference::run(const StridedCopyArgs& a) {
  const Tensor in = cube("in", a.format, a.in, a.M, a.H, a.D, a.in_stride, a.in_head_stride);
  Expected out;
  for (int64_t i = 0; i < in.count(); ++i) out.add(value_at(in, i), 0);
  return {out};
}

}  // namespace kernels
