#include "kernels/query_scale.h"
#include "kernels/reference.h"

namespace kernels {

Status check(const QueryScaleArgs& a) {
  return Check("query_scale")
      .shape({{"M", a.M}, {"H", a.H}, {"width", a.width}, {"columns", a.columns}})
      .need(a.M >= 0 && a.H > 0 && a.width > 0, "sizes must be positive")
      .need(a.columns > 0 && a.columns <= a.width, "more columns than a head has")
      .need(a.stride >= a.H * a.width, "the stride is less than its heads")
      .need(a.format == Format::e4m3 || a.format == Format::bf16, "q must be e4m3 or bf16")
      .need(a.original_positions > 0, "original_positions must be positive")
      .need(a.M == 0 || (a.q && a.positions), "null tensor")
      .status();
}

Cost cost(const QueryScaleArgs& a) {
  const int64_t n = a.M * a.H * a.columns;
  return {n * 2 * size_of(a.format) + a.M * 4, n};
}

std::vector<Tensor> outputs(const QueryScaleArgs& a) {
  Tensor t = cube("q_cat", a.format, a.q, a.M, a.H, a.columns, a.stride, a.width);
  t.in_place = true;
  return {t};
}

std::vector<Expected> reference::run(const QueryScaleArgs& a) {
  const Tensor q = outputs(a)[0];
  Expected out;
  for (int64_t i = 0; i < q.count(); ++i) {
    const double spans = std::floor(static_cast<double>(a.positions[i / (a.H * a.columns)]) /
                                    static_cast<double>(a.original_positions));
    double v = value_at(q, i) * (1 + double{a.beta} * std::log1p(spans));
    if (a.format == Format::e4m3) v = std::clamp(v, -double{kE4m3Max}, double{kE4m3Max});
    out.add(v, std::fabs(v) * 4 * kFloatStep);
  }
  return {out};
}

}  // namespace kernels
