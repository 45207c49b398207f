#include "kernels/formats.h"
#include "kernels/moe_gemm.h"
#include "kernels/reference.h"

namespace kernels {
namespace {

Check check_experts(std::string_view op, const ExpertRows& e, const QuantIn& x, int64_t N,
                    int64_t K) {
  Check c(op);
  c.shape({{"M", e.M}, {"k", e.k}, {"E", e.E}, {"N", N}, {"K", K}})
      .need(e.M >= 0 && e.k > 0 && e.E > 0, "sizes must be positive")
      .need(N > 0 && N % kGroup == 0 && K > 0 && K % kGroup == 0,
            "N and K must be multiples of 128")
      .need(x.layout == ScaleLayout::row, "row-major access to column-major activation scales")
      .need(e.M == 0 || (x.values && x.scales && e.rows && e.offsets), "null tensor");
  return c;
}

// The weights read are those of experts with rows, which only the launch knows: counted as if rows
// were spread.
Cost weight_cost(const ExpertRows& e, int64_t N, int64_t K) {
  const int64_t touched = std::min(e.E, e.M * e.k);
  return {touched * (N * K + N / kGroup * (K / kGroup) * 4), 2 * e.M * e.k * N * K};
}

double activation(const QuantIn& x, int64_t r, int64_t k, int64_t K) {
  return double{to_float(x.values[r * K + k])} * x.scales[r * (K / kGroup) + k / kGroup];
}

double weight(const E4m3* w, const float* scales, int64_t expert, int64_t n, int64_t k, int64_t N,
              int64_t K) {
  return double{to_float(w[(expert * N + n) * K + k])} *
         scales[(expert * (N / kGroup) + n / kGroup) * (K / kGroup) + k / kGroup];
}

std::vector<int64_t> expert_of_rows(const ExpertRows& e) {
  std::vector<int64_t> expert(static_cast<size_t>(e.M * e.k));
  for (int64_t i = 0; i < e.E; ++i) {
    for (int32_t j = e.offsets[i]; j < e.offsets[i + 1]; ++j)
      expert[static_cast<size_t>(e.rows[j])] = i;
  }
  return expert;
}

}  // namespace

Status check(const MoeGateUpArgs& a) {
  return check_experts("moe_gate_up", a.experts, a.x, a.N, a.K)
      .need(a.experts.M == 0 || (a.w && a.w_scales && a.out), "null tensor")
      .status();
}

Status check(const MoeDownArgs& a) {
  return check_experts("moe_down", a.experts, a.x, a.N, a.K)
      .need(a.experts.M == 0 || (a.w && a.w_scales && a.weights && a.out), "null tensor")
      .status();
}

Cost cost(const MoeGateUpArgs& a) {
  Cost c = weight_cost(a.experts, a.N, a.K);
  c.bytes += a.experts.M * (a.K + a.K / kGroup * 4) + a.experts.M * a.experts.k * (a.N * 4 + 4);
  return c;
}

Cost cost(const MoeDownArgs& a) {
  Cost c = weight_cost(a.experts, a.N, a.K);
  c.bytes += a.experts.M * a.experts.k * (a.K + a.K / kGroup * 4 + 8) + a.experts.M * a.N * 4;
  return c;
}

std::vector<Tensor> outputs(const MoeGateUpArgs& a) {
  return {matrix("gate_up", Format::f32, a.out, a.experts.M * a.experts.k, a.N, a.N)};
}

std::vector<Tensor> outputs(const MoeDownArgs& a) {
  Tensor t = matrix("moe_out", Format::bf16, a.out, a.experts.M, a.N, a.N);
  t.in_place = true;
  return {t};
}

std::vector<Expected> reference::run(const MoeGateUpArgs& a) {
  Expected out;
  const std::vector<int64_t> expert = expert_of_rows(a.experts);
  for (int64_t r = 0; r < a.experts.M * a.experts.k; ++r) {
    const int64_t e = expert[static_cast<size_t>(r)];
    for (int64_t n = 0; n < a.N; ++n) {
      Sum sum;
      for (int64_t k = 0; k < a.K; ++k) {
        sum.add(activation(a.x, r / a.experts.k, k, a.K) *
                weight(a.w, a.w_scales, e, n, k, a.N, a.K));
      }
      out.add(sum.value, sum.slack());
    }
  }
  return {out};
}

std::vector<Expected> reference::run(const MoeDownArgs& a) {
  Expected out;
  const std::vector<int64_t> expert = expert_of_rows(a.experts);
  for (int64_t m = 0; m < a.experts.M; ++m) {
    for (int64_t n = 0; n < a.N; ++n) {
      Sum sum;
      for (int64_t r = m * a.experts.k; r < (m + 1) * a.experts.k; ++r) {
        for (int64_t k = 0; k < a.K; ++k) {
          sum.add(a.weights[r] * activation(a.x, r, k, a.K) *
                  weight(a.w, a.w_scales, expert[static_cast<size_t>(r)], n, k, a.N, a.K));
        }
      }
      out.add(to_float(a.out[m * a.N + n]) + sum.value, sum.slack());
    }
  }
  return {out};
}

}  // namespace kernels
