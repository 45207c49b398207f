#include "kernels/formats.h"
#include "kernels/gemm_bf16.h"
#include "kernels/reference.h"

namespace kernels {

Status check(const GemmBf16Args& a) {
  return Check("gemm_bf16")
      .shape({{"M", a.M},
              {"N", a.N},
              {"K", a.K},
              {"splits", a.splits},
              {"x_stride", a.x_stride},
              {"out_stride", a.out_stride}})
      .need(a.M >= 0 && a.N > 0 && a.K > 0 && a.splits > 0, "sizes must be positive")
      .need(a.splits > 0 && a.K % (16 * a.splits) == 0, "K must be a multiple of 16 x splits")
      .need(a.x_stride >= a.K && a.out_stride >= a.N, "a stride is less than its row")
      .need(a.x_format == Format::bf16 || a.x_format == Format::f32, "x must be bf16 or f32")
      .need(a.out_format == Format::bf16 || a.out_format == Format::f32, "out must be bf16 or f32")
      .need(a.splits == 1 || a.out_format == Format::f32, "split sums are f32")
      .need(a.M == 0 || (a.x && a.w && a.out), "null tensor")
      .status();
}

Cost cost(const GemmBf16Args& a) {
  return {
      a.N * a.K * 2 + a.M * (a.K * size_of(a.x_format) + a.splits * a.N * size_of(a.out_format)),
      2 * a.M * a.N * a.K};
}

std::vector<Tensor> outputs(const GemmBf16Args& a) {
  return {matrix("out", a.out_format, a.out, a.splits * a.M, a.N, a.out_stride)};
}

std::vector<Expected> reference::run(const GemmBf16Args& a) {
  const Tensor x = matrix("x", a.x_format, a.x, a.M, a.K, a.x_stride);
  Expected out;
  const int64_t k = a.K / a.splits;
  for (int64_t s = 0; s < a.splits; ++s) {
    for (int64_t m = 0; m < a.M; ++m) {
      for (int64_t n = 0; n < a.N; ++n) {
        Sum sum;
        for (int64_t i = s * k; i < (s + 1) * k; ++i)
          sum.add(value_at(x, m * a.K + i) * to_float(a.w[n * a.K + i]));
        out.add(sum.value, sum.slack());
      }
    }
  }
  return {out};
}

Status check(const SplitReduceArgs& a) {
  return Check("split_reduce")
      .shape({{"n", a.n}, {"splits", a.splits}})
      .need(a.n >= 0 && a.splits > 0, "sizes must be positive")
      .need(a.n == 0 || (a.parts && a.out), "null tensor")
      .status();
}

Cost cost(const SplitReduceArgs& a) {
  return {(a.splits + 1) * a.n * 4, (a.splits - 1) * a.n};
}

std::vector<Tensor> outputs(const SplitReduceArgs& a) {
  return {matrix("out", Format::f32, a.out, 1, a.n, a.n)};
}

std::vector<Expected> reference::run(const SplitReduceArgs& a) {
  Expected out;
  for (int64_t i = 0; i < a.n; ++i) {
    Sum sum;
    for (int64_t s = 0; s < a.splits; ++s) sum.add(a.parts[s * a.n + i]);
    out.add(sum.value, sum.slack());
  }
  return {out};
}

}  // namespace kernels
