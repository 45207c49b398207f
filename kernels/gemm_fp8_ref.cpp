#include "kernels/formats.h"
#include "kernels/gemm_fp8.h"
#include "kernels/reference.h"

namespace kernels {

Status check(const GemmFp8Args& a) {
  return Check("gemm_fp8")
      .shape({{"M", a.M}, {"N", a.N}, {"K", a.K}, {"out_stride", a.out_stride}})
      .need(a.M >= 0 && a.N > 0, "sizes must be positive")
      .need(a.K > 0 && a.K % kGroup == 0, "K must be a multiple of 128")
      .need(a.out_stride >= a.N, "out_stride is less than N")
      .need(a.x.layout == a.reads, a.x.layout == ScaleLayout::row
                                       ? "column-major access to row-major activation scales"
                                       : "row-major access to column-major activation scales")
      .need(a.M == 0 || (a.x.values && a.x.scales && a.w && a.w_scales && a.out), "null tensor")
      .status();
}

Cost cost(const GemmFp8Args& a) {
  const int64_t scales = (a.N + kGroup - 1) / kGroup * (a.K / kGroup);
  return {a.N * a.K + scales * 4 + a.M * (a.K + a.K / kGroup * 4 + a.N * 2), 2 * a.M * a.N * a.K};
}

std::vector<Tensor> outputs(const GemmFp8Args& a) {
  return {matrix("out", Format::bf16, a.out, a.M, a.N, a.out_stride)};
}

std::vector<Expected> reference::run(const GemmFp8Args& a) {
  Expected out;
  const int64_t groups = a.K / kGroup;
  for (int64_t m = 0; m < a.M; ++m) {
    for (int64_t n = 0; n < a.N; ++n) {
      Sum sum;
      for (int64_t k = 0; k < a.K; ++k) {
        const double x = double{to_float(a.x.values[m * a.K + k])} *
                         a.x.scales[scale_offset(a.x.layout, a.M, groups, m, k / kGroup)];
        const double w =
            double{to_float(a.w[n * a.K + k])} * a.w_scales[n / kGroup * groups + k / kGroup];
        sum.add(x * w);
      }
      out.add(sum.value, sum.slack());
      out.narrow.push_back(sum.narrow_slack());
    }
  }
  return {out};
}

}  // namespace kernels
