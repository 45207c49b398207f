#include "kernels/bmm.h"
#include "kernels/reference.h"

namespace kernels {

Status check(const BmmArgs& a) {
  return Check("bmm")
      .shape({{"M", a.M},
              {"H", a.H},
              {"N", a.N},
              {"K", a.K},
              {"out_stride", a.out_stride},
              {"out_head_stride", a.out_head_stride}})
      .need(a.M >= 0 && a.H > 0 && a.N > 0, "sizes must be positive")
      .need(a.K > 0 && a.K % 16 == 0, "K must be a multiple of 16")
      .need(a.format != WeightFormat::mxfp4 || a.K % kMxGroup == 0,
            "K must be a multiple of 32 for MXFP4 weights")
      .need(a.H == 1 || (a.x_head_stride >= a.K && a.out_head_stride >= a.N),
            "a head stride is less than its row")
      .need(a.M <= 1 || (a.x_stride >= a.K && a.out_stride >= a.N), "a stride is less than its row")
      .need(a.M == 0 || (a.x && a.w && a.out), "null tensor")
      .need(a.M == 0 || a.format != WeightFormat::mxfp4 || a.w_scales, "MXFP4 weights need scales")
      .status();
}

Cost cost(const BmmArgs& a) {
  const int64_t n = a.H * a.N * a.K;
  const int64_t weights = a.format == WeightFormat::fp8    ? n
                          : a.format == WeightFormat::bf16 ? n * 2
                                                           : n / 2 + n / kMxGroup;
  return {weights + a.M * a.H * (a.K + a.N) * 2, 2 * a.M * n};
}

std::vector<Tensor> outputs(const BmmArgs& a) {
  return {cube("out", Format::bf16, a.out, a.M, a.H, a.N, a.out_stride, a.out_head_stride)};
}

namespace {

// The activations as the op reads them: quantised with their scales, then exact.
std::vector<double> activations(const BmmArgs& a, const Bf16* x) {
  std::vector<double> y;
  const int64_t group = a.format == WeightFormat::mxfp4 ? kMxGroup : kGroup;
  for (int64_t g = 0; g < a.K; g += group) {
    const int64_t end = std::min(g + group, a.K);
    float amax = 0;
    for (int64_t i = g; i < end; ++i) amax = std::max(amax, std::fabs(to_float(x[i])));
    const float fp8 = activation_scale(amax), mx = e8m0_to_float(mx_scale(amax));
    for (int64_t i = g; i < end; ++i) {
      const float v = to_float(x[i]);
      y.push_back(a.format == WeightFormat::fp8    ? double{to_float(to_e4m3(v / fp8))} * fp8
                  : a.format == WeightFormat::bf16 ? double{v}
                                                   : double{e2m1_to_float(to_e2m1(v / mx))} * mx);
    }
  }
  return y;
}

double weight(const BmmArgs& a, int64_t row, int64_t k) {
  switch (a.format) {
    case WeightFormat::fp8:
      return double{to_float(static_cast<const E4m3*>(a.w)[row * a.K + k])} * a.w_scale;
    case WeightFormat::bf16:
      return to_float(static_cast<const Bf16*>(a.w)[row * a.K + k]);
    case WeightFormat::mxfp4:
      return mx_value(static_cast<const uint8_t*>(a.w) + row * a.K / 2, k,
                      a.w_scales[row * (a.K / kMxGroup) + k / kMxGroup]);
  }
  return 0;
}

}  // namespace

std::vector<Expected> reference::run(const BmmArgs& a) {
  Expected out;
  for (int64_t m = 0; m < a.M; ++m) {
    for (int64_t h = 0; h < a.H; ++h) {
      const std::vector<double> x = activations(a, a.x + m * a.x_stride + h * a.x_head_stride);
      for (int64_t n = 0; n < a.N; ++n) {
        Sum sum;
        for (int64_t k = 0; k < a.K; ++k)
          sum.add(x[static_cast<size_t>(k)] * weight(a, h * a.N + n, k));
        out.add(sum.value, sum.slack());
      }
    }
  }
  return {out};
}

}  // namespace kernels
