#include "kernels/formats.h"
#include "kernels/moe_gemm.h"
#include "kernels/reference.h"

namespace kernels {
namespace {

Check check_experts(std::string_view op, const ExpertRows& e, const ExpertInput& x,
                    const ExpertWeights& w, int64_t N, int64_t K) {
  Check c(op);
  c.shape({{"M", e.M}, {"k", e.k}, {"E", e.E}, {"N", N}, {"K", K}})
      .need(e.M >= 0 && e.k > 0 && e.E > 0, "sizes must be positive")
      .need(N > 0 && N % kGroup == 0 && K > 0 && K % kGroup == 0,
            "N and K must be multiples of 128")
      .need(x.layout == ScaleLayout::row, "row-major access to column-major activation scales")
      .need(x.format == w.format, "activations and weights differ in format")
      .need(e.M == 0 || (x.values && w.values && e.rows && e.offsets), "null tensor")
      .need(e.M == 0 || x.format == WeightFormat::bf16 || (x.scales && w.scales), "null scales");
  return c;
}

int64_t scale_bytes(WeightFormat f, int64_t rows, int64_t K, int64_t rows_a_scale) {
  return f == WeightFormat::fp8     ? rows / rows_a_scale * (K / kGroup) * 4
         : f == WeightFormat::mxfp4 ? rows * (K / kMxGroup)
                                    : 0;
}

int64_t value_bytes(WeightFormat f, int64_t n) {
  return f == WeightFormat::fp8 ? n : f == WeightFormat::mxfp4 ? n / 2 : n * 2;
}

int64_t input_bytes(const ExpertInput& x, int64_t rows, int64_t K) {
  return value_bytes(x.format, rows * K) + scale_bytes(x.format, rows, K, 1);
}

// The weights read are those of experts with rows, which only the launch knows: counted as if rows
// were spread.
Cost weight_cost(const ExpertRows& e, WeightFormat f, int64_t N, int64_t K) {
  const int64_t touched = std::min(e.E, e.M * e.k);
  return {touched * (value_bytes(f, N * K) + scale_bytes(f, N, K, kGroup)), 2 * e.M * e.k * N * K};
}

// The same by the offsets, which are there once the rows have been sorted.
Cost routed(Cost c, const ExpertRows& e, WeightFormat f, int64_t N, int64_t K) {
  int64_t used = 0;
  for (int64_t i = 0; i < e.E; ++i) used += e.offsets[i] < e.offsets[i + 1];
  c.bytes += (used - std::min(e.E, e.M * e.k)) * (value_bytes(f, N * K) + scale_bytes(f, N, K, kGroup));
  return c;
}

double activation(const ExpertInput& x, int64_t r, int64_t k, int64_t K) {
  switch (x.format) {
    case WeightFormat::fp8:
      return double{to_float(static_cast<const E4m3*>(x.values)[r * K + k])} *
             static_cast<const float*>(x.scales)[r * (K / kGroup) + k / kGroup];
    case WeightFormat::mxfp4:
      return mx_value(static_cast<const uint8_t*>(x.values) + r * K / 2, k,
                      static_cast<const uint8_t*>(x.scales)[r * (K / kMxGroup) + k / kMxGroup]);
    case WeightFormat::bf16:
      return to_float(static_cast<const Bf16*>(x.values)[r * K + k]);
  }
  return 0;
}

double weight(const ExpertWeights& w, int64_t expert, int64_t n, int64_t k, int64_t N, int64_t K) {
  const int64_t row = expert * N + n;
  if (w.format != WeightFormat::fp8) return activation({w.format, w.values, w.scales}, row, k, K);
  return double{to_float(static_cast<const E4m3*>(w.values)[row * K + k])} *
         static_cast<const float*>(
             w.scales)[(expert * (N / kGroup) + n / kGroup) * (K / kGroup) + k / kGroup];
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
  return check_experts("moe_gate_up", a.experts, a.x, a.w, a.N, a.K)
      .need(a.experts.M == 0 || a.out, "null tensor")
      .status();
}

Status check(const MoeDownArgs& a) {
  return check_experts("moe_down", a.experts, a.x, a.w, a.N, a.K)
      .need(a.experts.M == 0 || (a.weights && a.out), "null tensor")
      .status();
}

Cost cost(const MoeGateUpArgs& a) {
  const ExpertRows& e = a.experts;
  Cost c = weight_cost(e, a.w.format, a.N, a.K);
  c.bytes += input_bytes(a.x, e.M, a.K) + e.M * e.k * (a.N * 4 + 4);
  return c;
}

Cost routed_cost(const MoeGateUpArgs& a) {
  return routed(cost(a), a.experts, a.w.format, a.N, a.K);
}

Cost routed_cost(const MoeDownArgs& a) {
  return routed(cost(a), a.experts, a.w.format, a.N, a.K);
}

Cost cost(const MoeDownArgs& a) {
  const ExpertRows& e = a.experts;
  Cost c = weight_cost(e, a.w.format, a.N, a.K);
  c.bytes += input_bytes(a.x, e.M * e.k, a.K) + e.M * e.k * 8 + e.M * a.N * 4;
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
        sum.add(activation(a.x, r / a.experts.k, k, a.K) * weight(a.w, e, n, k, a.N, a.K));
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
                  weight(a.w, expert[static_cast<size_t>(r)], n, k, a.N, a.K));
        }
      }
      out.add(to_float(a.out[m * a.N + n]) + sum.value, sum.slack());
    }
  }
  return {out};
}

}  // namespace kernels
