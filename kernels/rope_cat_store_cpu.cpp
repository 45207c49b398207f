#include "kernels/rope.h"
#include "kernels/rope_cat_store.h"
#include "kernels/simd.h"

namespace kernels::cpu {

DS_INLINE void put(const float* x, int64_t n, float scale, Format format, void* out, int64_t at) {
  if (format == Format::e4m3) {
    encode(x, n, scale, static_cast<E4m3*>(out) + at);
  } else {
    auto* to = static_cast<Bf16*>(out) + at;
    for (int64_t i = 0; i < n; ++i) to[i] = to_bf16(x[i] / scale);
  }
}

template <int W>
DS_INLINE void rope_cat_store(const RopeCatStoreArgs& a, Part part) {
  const KvCache& c = a.cache;
  float* x = scratch(0, c.width());
  const auto [begin, end] = part.of(a.M);
  for (int64_t m = begin; m < end; ++m) {
    const int64_t angle = int64_t{a.positions[m]} * (c.rope / 2);
    for (int64_t h = 0; h < a.H; ++h) {
      decode(a.q_nope + m * a.q_nope_stride + h * a.q_nope_head_stride, c.latent, x);
      rotate(a.q_pe + m * a.q_pe_stride + h * a.q_pe_head_stride, a.table.cos + angle,
             a.table.sin + angle, a.style, c.rope, x + c.latent);
      put(x, c.width(), 1.0f, c.format, a.q_out, m * a.q_out_stride + h * c.width());
    }
    if (a.slots[m] < 0) continue;
    decode(a.k_nope + m * a.k_nope_stride, c.latent, x);
    rotate(a.k_pe + m * a.k_pe_stride, a.table.cos + angle, a.table.sin + angle, a.style, c.rope,
           x + c.latent);
    put(x, c.width(), a.k_scale, c.format, c.data, a.slots[m] * c.width());
  }
}

DS_CPU_OP(RopeCatStoreArgs, rope_cat_store)

}  // namespace kernels::cpu
