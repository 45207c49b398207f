#include "kernels/dense_mla.h"
#include "kernels/mla_reference.h"

namespace kernels {

Status check(const DensePartialArgs& a) {
  return Check("dense_mla")
      .shape({{"B", a.B},
              {"next_n", a.next_n},
              {"H", a.H},
              {"splits", a.splits},
              {"latent", a.cache.latent}})
      .need(a.B >= 0 && a.next_n > 0 && a.H > 0 && a.splits > 0, "sizes must be positive")
      .need(a.cache.latent % 32 == 0 && a.cache.rope % 16 == 0,
            "latent must be a multiple of 32, rope of 16")
      .need(a.q_format == a.cache.format, "query and cache differ in format")
      .need(a.slot_stride > 0, "the slot table has no columns")
      .need(a.B == 0 || (a.q && a.cache.data && a.slot_table && a.lengths && a.out && a.lse),
            "null tensor")
      .status();
}

Cost cost(const DensePartialArgs& a) {
  const int64_t size = size_of(a.cache.format), width = a.cache.width();
  Cost c{a.B * a.next_n * a.H * (width * size + a.splits * (a.cache.latent * 2 + 4)), 0};
  for (int64_t b = 0; b < a.B; ++b) {
    const int32_t* lengths = a.lengths + b * a.next_n;
    c.bytes += *std::max_element(lengths, lengths + a.next_n) * (width * size + 4);
    for (int64_t n = 0; n < a.next_n; ++n)
      c.flops += 2 * a.H * lengths[n] * (width + a.cache.latent);
  }
  return c;
}

std::vector<Tensor> outputs(const DensePartialArgs& a) {
  const int64_t rows = a.B * a.next_n * a.splits * a.H;
  return {matrix("partial", Format::bf16, a.out, rows, a.cache.latent, a.cache.latent),
          matrix("lse", Format::f32, a.lse, rows, 1, 1)};
}

std::vector<Expected> reference::run(const DensePartialArgs& a) {
  Expected out, lse;
  for (int64_t m = 0; m < a.B * a.next_n; ++m) {
    const int64_t b = m / a.next_n;
    const int32_t* all = a.lengths + b * a.next_n;
    const int64_t longest = *std::max_element(all, all + a.next_n);
    const int64_t tiles = (longest + kSparseTile - 1) / kSparseTile;
    for (int64_t g = 0; g < a.splits; ++g) {
      for (int64_t h = 0; h < a.H; ++h) {
        MlaHead head(a.q, (m * a.H + h) * a.cache.width(), a.cache, a.scale);
        for (int64_t t = tiles * g / a.splits; t < tiles * (g + 1) / a.splits; ++t) {
          const int64_t seen = std::min(kSparseTile, a.lengths[m] - t * kSparseTile);
          if (seen > 0) head.add_tile(a.slot_table + b * a.slot_stride + t * kSparseTile, seen);
        }
        head.finish(out, lse);
      }
    }
  }
  return {out, lse};
}

}  // namespace kernels
