#include "kernels/formats.h"
#include "kernels/head_gates.h"
#include "kernels/reference.h"

namespace kernels {

Status check(const HeadGateArgs& a) {
  return Check("head_gates")
      .shape({{"n", a.n}})
      .need(a.n >= 0, "n must not be negative")
      .need(a.n == 0 || (a.projection && a.q_scales && a.out), "null tensor")
      .status();
}

Status check(const ScaleArgs& a) {
  return Check("scale")
      .shape({{"n", a.n}})
      .need(a.n >= 0, "n must not be negative")
      .need(a.n == 0 || (a.in && a.out), "null tensor")
      .status();
}

Status check(const CastArgs& a) {
  return Check("cast")
      .shape({{"n", a.n}})
      .need(a.n >= 0, "n must not be negative")
      .need(a.n == 0 || (a.in && a.out), "null tensor")
      .status();
}

Cost cost(const HeadGateArgs& a) {
  return {a.n * 10, a.n * 3};
}
Cost cost(const ScaleArgs& a) {
  return {a.n * (a.by ? 12 : 8), a.n};
}
Cost cost(const CastArgs& a) {
  return {a.n * 6, 0};
}

std::vector<Tensor> outputs(const HeadGateArgs& a) {
  return {matrix("gates", Format::f32, a.out, 1, a.n, a.n)};
}
std::vector<Tensor> outputs(const CastArgs& a) {
  return {matrix("cast", Format::f32, a.out, 1, a.n, a.n)};
}
std::vector<Tensor> outputs(const ScaleArgs& a) {
  Tensor t = matrix("scaled", Format::f32, a.out, 1, a.n, a.n);
  t.in_place = a.out == a.in;
  return {t};
}

std::vector<Expected> reference::run(const HeadGateArgs& a) {
  Expected out;
  for (int64_t i = 0; i < a.n; ++i) {
    const double v =
        double{to_float(a.projection[i])} * a.head_scale * a.q_scales[i] * a.softmax_scale;
    out.add(v, std::fabs(v) * 4 * kFloatStep);
  }
  return {out};
}

std::vector<Expected> reference::run(const ScaleArgs& a) {
  Expected out;
  for (int64_t i = 0; i < a.n; ++i) out.add(double{a.in[i]} * (a.by ? a.by[i] : a.factor), 0);
  return {out};
}

std::vector<Expected> reference::run(const CastArgs& a) {
  Expected out;
  for (int64_t i = 0; i < a.n; ++i) out.add(to_float(a.in[i]), 0);
  return {out};
}

}  // namespace kernels
