#include "kernels/bmm_fp8.h"
#include "kernels/formats.h"
#include "kernels/reference.h"

namespace kernels {

Status check(const BmmFp8Args& a) {
  return Check("bmm_fp8")
      .shape({{"M", a.M},
              {"H", a.H},
              {"N", a.N},
              {"K", a.K},
              {"out_stride", a.out_stride},
              {"out_head_stride", a.out_head_stride}})
      .need(a.M >= 0 && a.H > 0 && a.N > 0, "sizes must be positive")
      .need(a.K > 0 && a.K % 16 == 0, "K must be a multiple of 16")
      .need(a.H == 1 || (a.x_head_stride >= a.K && a.out_head_stride >= a.N),
            "a head stride is less than its row")
      .need(a.M <= 1 || (a.x_stride >= a.K && a.out_stride >= a.N), "a stride is less than its row")
      .need(a.M == 0 || (a.x && a.w && a.out), "null tensor")
      .status();
}

Cost cost(const BmmFp8Args& a) {
  return {a.H * a.N * a.K + a.M * a.H * (a.K + a.N) * 2, 2 * a.M * a.H * a.N * a.K};
}

std::vector<Tensor> outputs(const BmmFp8Args& a) {
  return {cube("out", Format::bf16, a.out, a.M, a.H, a.N, a.out_stride, a.out_head_stride)};
}

// The activations as the op reads them: quantised with fp32 scales, then exact.
static std::vector<double> quantised(const Bf16* x, int64_t k) {
  std::vector<double> y;
  for (int64_t g = 0; g < k; g += kGroup) {
    const int64_t end = std::min<int64_t>(g + kGroup, k);
    float amax = 0;
    for (int64_t i = g; i < end; ++i) amax = std::max(amax, std::fabs(to_float(x[i])));
    const float scale = activation_scale(amax);
    for (int64_t i = g; i < end; ++i)
      y.push_back(double{to_float(to_e4m3(to_float(x[i]) / scale))} * scale);
  }
  return y;
}

std::vector<Expected> reference::run(const BmmFp8Args& a) {
  Expected out;
  for (int64_t m = 0; m < a.M; ++m) {
    for (int64_t h = 0; h < a.H; ++h) {
      const std::vector<double> x = quantised(a.x + m * a.x_stride + h * a.x_head_stride, a.K);
      for (int64_t n = 0; n < a.N; ++n) {
        Sum sum;
        for (int64_t k = 0; k < a.K; ++k) {
          sum.add(x[static_cast<size_t>(k)] * to_float(a.w[(h * a.N + n) * a.K + k]) * a.w_scale);
        }
        out.add(sum.value, sum.slack());
      }
    }
  }
  return {out};
}

}  // namespace kernels
