#include "kernels/formats.h"
#include "kernels/reference.h"
#include "kernels/rope.h"
#include "kernels/rope_cat_store.h"

namespace kernels {

Status check(const RopeCatStoreArgs& a) {
  const KvCache& c = a.cache;
  return Check("rope_cat_store")
      .shape({{"M", a.M},
              {"H", a.H},
              {"latent", c.latent},
              {"rope", c.rope},
              {"k_pe_stride", a.k_pe_stride}})
      .need(a.M >= 0 && a.H >= 0, "sizes must not be negative")
      .need(c.latent > 0 && c.latent % 16 == 0 && c.rope > 0 && c.rope % 16 == 0,
            "latent and rope must be multiples of 16")
      .need(c.format == Format::e4m3 || c.format == Format::bf16, "the cache must be e4m3 or bf16")
      .need(a.k_nope_stride >= c.latent && a.k_pe_stride >= c.rope,
            "a k stride is less than its row")
      .need(a.k_scale > 0, "k_scale must be positive")
      .need(a.M == 0 || (a.k_nope && a.k_pe && a.positions && a.slots && a.table.cos &&
                         a.table.sin && c.data),
            "null tensor")
      .need(a.M == 0 || a.H == 0 || (a.q_nope && a.q_pe && a.q_out), "null query")
      .need(a.H == 0 || a.q_out_stride >= a.H * c.width(), "q_out_stride is less than its heads")
      .status();
}

Cost cost(const RopeCatStoreArgs& a) {
  const int64_t width = a.cache.width();
  return {a.M * (a.H + 1) * width * (2 + size_of(a.cache.format)) + a.M * (a.cache.rope * 2 + 8),
          a.M * (a.H + 1) * a.cache.rope * 3};
}

std::vector<Tensor> outputs(const RopeCatStoreArgs& a) {
  const KvCache& c = a.cache;
  Tensor kv = matrix("kv", c.format, c.data, 0, c.width(), c.width());
  for (int64_t m = 0; m < a.M; ++m) {
    if (a.slots[m] >= 0) kv.rows.push_back(a.slots[m] * c.width() * size_of(c.format));
  }
  if (a.H == 0) return {kv};
  return {cube("q_cat", c.format, a.q_out, a.M, a.H, c.width(), a.q_out_stride, c.width()), kv};
}

// e4m3 saturates: the reference's values do too, before they are rounded.
static void add(Expected& out, Format format, double v, double slack) {
  out.add(format == Format::e4m3 ? std::clamp(v, -double{kE4m3Max}, double{kE4m3Max}) : v, slack);
}

static void row_of(const RopeCatStoreArgs& a, const Bf16* nope, const Bf16* pe, int64_t m,
                   double scale, Expected& out) {
  const KvCache& c = a.cache;
  for (int64_t d = 0; d < c.latent; ++d) {
    const double v = to_float(nope[d]) / scale;
    add(out, c.format, v, std::fabs(v) * kFloatStep);
  }
  std::vector<double> y(static_cast<size_t>(c.rope)), slack(y.size());
  for (int64_t i = 0; i < c.rope / 2; ++i) {
    const RopePair p = rope_pair(a.style, i, c.rope);
    const int64_t at = int64_t{a.positions[m]} * (c.rope / 2) + i;
    const double cos = to_float(a.table.cos[at]), sin = to_float(a.table.sin[at]);
    const double u = to_float(pe[p.a]), v = to_float(pe[p.b]);
    y[static_cast<size_t>(p.a)] = (u * cos - v * sin) / scale;
    y[static_cast<size_t>(p.b)] = (v * cos + u * sin) / scale;
    slack[static_cast<size_t>(p.a)] = slack[static_cast<size_t>(p.b)] =
        (std::fabs(u) + std::fabs(v)) / scale * 4 * kFloatStep;
  }
  for (size_t i = 0; i < y.size(); ++i) add(out, c.format, y[i], slack[i]);
}

std::vector<Expected> reference::run(const RopeCatStoreArgs& a) {
  Expected q, kv;
  for (int64_t m = 0; m < a.M; ++m) {
    for (int64_t h = 0; h < a.H; ++h) {
      row_of(a, a.q_nope + m * a.q_nope_stride + h * a.q_nope_head_stride,
             a.q_pe + m * a.q_pe_stride + h * a.q_pe_head_stride, m, 1, q);
    }
    if (a.slots[m] >= 0) {
      row_of(a, a.k_nope + m * a.k_nope_stride, a.k_pe + m * a.k_pe_stride, m, double{a.k_scale},
             kv);
    }
  }
  if (a.H == 0) return {kv};
  return {q, kv};
}

}  // namespace kernels
