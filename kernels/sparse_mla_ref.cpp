#include "kernels/mla_reference.h"

namespace kernels {

Status check(const SparsePartialArgs& a) {
  return Check("sparse_mla")
      .shape({{"M", a.M},
              {"H", a.H},
              {"topk", a.topk},
              {"splits", a.splits},
              {"latent", a.cache.latent}})
      .need(a.M >= 0 && a.H > 0 && a.splits > 0, "sizes must be positive")
      .need(a.topk > 0 && a.topk % kSparseTile == 0, "top-k must be a multiple of 64")
      .need(a.splits > 0 && a.topk / kSparseTile % a.splits == 0,
            "splits must divide the tiles of the top-k")
      .need(a.cache.latent % 32 == 0 && a.cache.rope % 16 == 0,
            "latent must be a multiple of 32, rope of 16")
      .need(a.q_format == a.cache.format, "query and cache differ in format")
      .need(a.M == 0 || (a.q && a.cache.data && a.slots && a.out && a.lse), "null tensor")
      .status();
}

Status check(const SparseCombineArgs& a) {
  return Check("sparse_combine")
      .shape({{"M", a.M}, {"H", a.H}, {"splits", a.splits}, {"latent", a.latent}})
      .need(a.M >= 0 && a.H > 0 && a.splits > 0 && a.latent > 0, "sizes must be positive")
      .need(a.M == 0 || (a.partial && a.lse && a.out), "null tensor")
      .status();
}

Cost cost(const SparsePartialArgs& a) {
  const int64_t size = size_of(a.cache.format), width = a.cache.width();
  return {a.M * (a.topk * (width * size + 4) + a.H * width * size +
                 a.splits * a.H * (a.cache.latent * 2 + 4)),
          2 * a.M * a.H * a.topk * (width + a.cache.latent)};
}

Cost cost(const SparseCombineArgs& a) {
  return {a.M * a.H * (a.splits * (a.latent * 2 + 4) + a.latent * 2),
          a.M * a.H * a.splits * a.latent * 2};
}

std::vector<Tensor> outputs(const SparsePartialArgs& a) {
  const int64_t rows = a.M * a.splits * a.H;
  return {matrix("partial", Format::bf16, a.out, rows, a.cache.latent, a.cache.latent),
          matrix("lse", Format::f32, a.lse, rows, 1, 1)};
}

std::vector<Tensor> outputs(const SparseCombineArgs& a) {
  return {matrix("o_lat", Format::bf16, a.out, a.M * a.H, a.latent, a.latent)};
}

std::vector<Expected> reference::run(const SparsePartialArgs& a) {
  Expected out, lse;
  const int64_t count = a.topk / a.splits;
  for (int64_t m = 0; m < a.M; ++m) {
    for (int64_t g = 0; g < a.splits; ++g) {
      for (int64_t h = 0; h < a.H; ++h) {
        MlaHead head(a.q, (m * a.H + h) * a.cache.width(), a.cache, a.scale);
        for (int64_t i = g * count; i < (g + 1) * count; i += kSparseTile)
          head.add_tile(a.slots + m * a.topk + i, kSparseTile);
        head.finish(out, lse);
      }
    }
  }
  return {out, lse};
}

std::vector<Expected> reference::run(const SparseCombineArgs& a) {
  Expected out;
  for (int64_t i = 0; i < a.M * a.H; ++i) {
    const int64_t m = i / a.H, h = i % a.H;
    double top = -INFINITY, total = 0;
    for (int64_t g = 0; g < a.splits; ++g)
      top = std::max(top, double{a.lse[(m * a.splits + g) * a.H + h]});
    std::vector<double> weight;
    for (int64_t g = 0; g < a.splits; ++g) {
      weight.push_back(std::exp2(a.lse[(m * a.splits + g) * a.H + h] - top));
      total += weight.back();
    }
    for (int64_t d = 0; d < a.latent; ++d) {
      Sum sum;
      for (int64_t g = 0; g < a.splits; ++g) {
        sum.add(weight[static_cast<size_t>(g)] / total *
                to_float(a.partial[((m * a.splits + g) * a.H + h) * a.latent + d]));
      }
      // lse - max is rounded in fp32: its error is absolute in the exponent.
      out.add(sum.value, sum.slack() + sum.magnitude * kFloatStep * 64);
    }
  }
  return {out};
}

}  // namespace kernels
