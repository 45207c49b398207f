#include "kernels/index_rope.h"
#include "kernels/reference.h"
#include "kernels/rope.h"

namespace kernels {

Status check(const IndexRopeArgs& a) {
  return Check("index_rope")
      .shape({{"M", a.M},
              {"H", a.H},
              {"rope", a.rope},
              {"q_stride", a.q_stride},
              {"k_stride", a.k_stride}})
      .need(a.M >= 0 && a.H >= 0, "sizes must not be negative")
      .need(a.rope > 0 && a.rope % 16 == 0 && a.rope <= kIndexDim,
            "rope must be a multiple of 16 up to 128")
      .need(a.H <= 1 || (a.q_head_stride >= a.rope && a.q_out_head_stride >= a.rope),
            "q_head_stride is less than rope")
      .need(a.k_stride >= a.rope && a.k_out_stride >= a.rope, "k_stride is less than rope")
      .need(a.M == 0 || (a.k && a.k_out && a.positions && a.table.cos && a.table.sin),
            "null tensor")
      .need(a.M == 0 || a.H == 0 || (a.q && a.q_out), "null query")
      .need(a.q != a.q_out || a.H == 0 ||
                (a.q_stride == a.q_out_stride && a.q_head_stride == a.q_out_head_stride),
            "in place with other strides would overwrite what is still to be read")
      .need(a.k != a.k_out || a.k_stride == a.k_out_stride,
            "in place with other strides would overwrite what is still to be read")
      .status();
}

Cost cost(const IndexRopeArgs& a) {
  return {a.M * (a.H + 1) * a.rope * 4 + a.M * a.rope * 2, a.M * (a.H + 1) * a.rope * 3};
}

std::vector<Tensor> outputs(const IndexRopeArgs& a) {
  Tensor q =
      cube("q", Format::bf16, a.q_out, a.M, a.H, a.rope, a.q_out_stride, a.q_out_head_stride);
  Tensor k = matrix("k", Format::bf16, a.k_out, a.M, a.rope, a.k_out_stride);
  q.in_place = a.q_out == a.q, k.in_place = a.k_out == a.k;
  if (a.H == 0) return {k};
  return {q, k};
}

static void rotated(const Bf16* x, const IndexRopeArgs& a, int64_t m, Expected& out) {
  std::vector<double> y(static_cast<size_t>(a.rope)), slack(y.size());
  for (int64_t i = 0; i < a.rope / 2; ++i) {
    const RopePair p = rope_pair(a.style, i, a.rope);
    const int64_t at = int64_t{a.positions[m]} * (a.rope / 2) + i;
    const double c = to_float(a.table.cos[at]), s = to_float(a.table.sin[at]);
    const double u = to_float(x[p.a]), v = to_float(x[p.b]);
    y[static_cast<size_t>(p.a)] = u * c - v * s;
    y[static_cast<size_t>(p.b)] = v * c + u * s;
    slack[static_cast<size_t>(p.a)] = slack[static_cast<size_t>(p.b)] =
        (std::fabs(u) + std::fabs(v)) * 3 * kFloatStep;
  }
  for (size_t i = 0; i < y.size(); ++i) out.add(y[i], slack[i]);
}

std::vector<Expected> reference::run(const IndexRopeArgs& a) {
  Expected q, k;
  for (int64_t m = 0; m < a.M; ++m) {
    for (int64_t h = 0; h < a.H; ++h) rotated(a.q + m * a.q_stride + h * a.q_head_stride, a, m, q);
    rotated(a.k + m * a.k_stride, a, m, k);
  }
  if (a.H == 0) return {k};
  return {q, k};
}

}  // namespace kernels
