#include "kernels/formats.h"
#include "kernels/reference.h"
#include "kernels/rms_norm.h"

namespace kernels {

Status check(const RmsNormArgs& a) {
  return Check("rms_norm")
      .shape({{"M", a.M}, {"D", a.D}, {"x_stride", a.x_stride}})
      .need(a.M >= 0 && a.D > 0 && a.D % 16 == 0, "D must be a positive multiple of 16")
      .need(a.x_stride >= a.D, "x_stride is less than D")
      .need(!a.quant.values || a.D % kGroup == 0, "a quantised row must be a multiple of 128")
      .need(!a.quant.values == !a.quant.scales, "values and scales go together")
      .need(a.M == 0 || (a.x && a.weight && (a.out || a.quant.values)), "null tensor")
      .status();
}

Cost cost(const RmsNormArgs& a) {
  const int64_t n = a.M * a.D;
  return {n * 2 * (1 + (a.residual ? 1 : 0) + (a.residual_out ? 1 : 0) + (a.out ? 1 : 0)) +
              (a.quant.values ? n + n / kGroup * 4 : 0) + a.D * 2,
          n * 4};
}

std::vector<Tensor> outputs(const RmsNormArgs& a) {
  std::vector<Tensor> all;
  if (a.residual_out) {
    all.push_back(matrix("residual", Format::bf16, a.residual_out, a.M, a.D, a.D));
    all.back().in_place = a.residual_out == a.residual;
  }
  if (a.out) all.push_back(matrix("norm", Format::bf16, a.out, a.M, a.D, a.D));
  if (a.quant.values) {
    all.push_back(values_of("quant", a.quant, a.M, a.D));
    all.push_back(scales_of("scale", a.quant, a.M, a.D));
  }
  return all;
}

namespace {

// fp32 against double over a row: the squares are positive, so the error of their sum stays
// relative.
double relative_slack(int64_t row) {
  return kFloatStep * (8 + static_cast<double>(row) / 32);
}

void quantised(const std::vector<double>& y, double slack, Expected& values, Expected& scales) {
  for (size_t g = 0; g < y.size(); g += kGroup) {
    double amax = 0;
    for (size_t i = g; i < g + kGroup; ++i) amax = std::max(amax, std::fabs(y[i]));
    const double scale = std::max(amax, double{kQuantFloor}) / kE4m3Max;
    scales.add(scale, scale * slack);
    for (size_t i = g; i < g + kGroup; ++i)
      values.add(y[i] / scale, std::fabs(y[i] / scale) * 3 * slack);
  }
}

}  // namespace

std::vector<Expected> reference::run(const RmsNormArgs& a) {
  Expected residual, norm, values, scales;
  std::vector<double> h(static_cast<size_t>(a.D));
  const double slack = relative_slack(a.D);
  for (int64_t m = 0; m < a.M; ++m) {
    double squares = 0;
    for (int64_t d = 0; d < a.D; ++d) {
      double v = to_float(a.x[m * a.x_stride + d]);
      // The rounding to bf16 is part of the op: the norm is taken of what the next layer will read.
      if (a.residual)
        v = to_float(to_bf16(static_cast<float>(v) + to_float(a.residual[m * a.D + d])));
      residual.add(v, 0);
      h[static_cast<size_t>(d)] = v;
      squares += v * v;
    }
    const double scale = 1 / std::sqrt(squares / static_cast<double>(a.D) + double{a.eps});
    for (int64_t d = 0; d < a.D; ++d) {
      double& y = h[static_cast<size_t>(d)];
      y *= scale * to_float(a.weight[d]);
      norm.add(y, std::fabs(y) * slack);
    }
    if (a.quant.values) quantised(h, slack, values, scales);
  }
  std::vector<Expected> all;
  if (a.residual_out) all.push_back(std::move(residual));
  if (a.out) all.push_back(std::move(norm));
  if (a.quant.values) {
    all.push_back(std::move(values));
    all.push_back(std::move(scales));
  }
  return all;
}

Status check(const QkNormArgs& a) {
  if (Status q = check(a.q); !q.ok()) return q;
  return check(a.kv);
}

Cost cost(const QkNormArgs& a) {
  const Cost q = cost(a.q), kv = cost(a.kv);
  return {q.bytes + kv.bytes, q.flops + kv.flops};
}

std::vector<Tensor> outputs(const QkNormArgs& a) {
  std::vector<Tensor> all = outputs(a.q);
  for (Tensor& t : outputs(a.kv)) {
    t.name = "kv_norm";
    all.push_back(std::move(t));
  }
  return all;
}

std::vector<Expected> reference::run(const QkNormArgs& a) {
  std::vector<Expected> all = run(a.q);
  for (Expected& e : run(a.kv)) all.push_back(std::move(e));
  return all;
}

}  // namespace kernels
