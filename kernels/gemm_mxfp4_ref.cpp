#include "kernels/formats.h"
#include "kernels/gemm_mxfp4.h"
#include "kernels/reference.h"

namespace kernels {

Status check(const GemmMxArgs& a) {
  return Check("gemm_mxfp4")
      .shape({{"M", a.M}, {"N", a.N}, {"K", a.K}, {"out_stride", a.out_stride}})
      .need(a.M >= 0 && a.N > 0, "sizes must be positive")
      .need(a.K > 0 && a.K % kMxGroup == 0, "K must be a multiple of 32")
      .need(a.out_stride >= a.N, "out_stride is less than N")
      .need(a.x.layout == a.reads, a.x.layout == ScaleLayout::row
                                       ? "column-major access to row-major activation scales"
                                       : "row-major access to column-major activation scales")
      .need(a.M == 0 || (a.x.values && a.x.scales && a.w && a.w_scales && a.out), "null tensor")
      .status();
}

Cost cost(const GemmMxArgs& a) {
  return {(a.N + a.M) * (a.K / 2 + a.K / kMxGroup) + a.M * a.N * 2, 2 * a.M * a.N * a.K};
}

std::vector<Tensor> outputs(const GemmMxArgs& a) {
  return {matrix("out", Format::bf16, a.out, a.M, a.N, a.out_stride)};
}

std::vector<Expected> reference::run(const GemmMxArgs& a) {
  Expected out;
  const int64_t groups = a.K / kMxGroup;
  for (int64_t m = 0; m < a.M; ++m) {
    for (int64_t n = 0; n < a.N; ++n) {
      Sum sum;
      for (int64_t k = 0; k < a.K; ++k) {
        const uint8_t xs = a.x.scales[scale_offset(a.x.layout, a.M, groups, m, k / kMxGroup)];
        sum.add(mx_value(a.x.values + m * a.K / 2, k, xs) *
                mx_value(a.w + n * a.K / 2, k, a.w_scales[n * groups + k / kMxGroup]));
      }
      out.add(sum.value, sum.slack());
    }
  }
  return {out};
}

}  // namespace kernels
