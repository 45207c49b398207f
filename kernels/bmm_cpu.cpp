// H x N weight rows streamed once; a head's activations are quantised and widened once. Two workers
// split the H x N output rows; a worker redoes the M x K quantisation of each head it touches,
// which is N times less work.
#include "kernels/bmm.h"
#include "kernels/simd_mx.h"

namespace kernels::cpu {

DS_INLINE void fp8_and_back(float* x, int64_t k) {
  E4m3 codes[kGroup];
  for (int64_t g = 0; g < k; g += kGroup) {
    const int64_t n = std::min<int64_t>(kGroup, k - g);
    const float scale = activation_scale(largest_magnitude(x + g, n));
    encode(x + g, n, scale, codes);
    decode_exact(codes, n, x + g);
    for (int64_t i = 0; i < n; ++i) x[g + i] *= scale;
  }
}

// In MXFP4's order of elements (simd_mx.h).
DS_INLINE void mx_and_back(float* x, int64_t k) {
  for (int64_t g = 0; g < k; g += kMxGroup) {
    uint8_t values[kMxGroup / 2], scale;
    quantise_mx(x + g, kMxGroup, values, &scale, 1);
    decode_mx(values, &scale, 1, kMxGroup, x + g);
  }
}

DS_INLINE void activations(const BmmArgs& a, int64_t m, int64_t h, float* to) {
  decode(a.x + m * a.x_stride + h * a.x_head_stride, a.K, to);
  if (a.format == WeightFormat::fp8) fp8_and_back(to, a.K);
  if (a.format == WeightFormat::mxfp4) mx_and_back(to, a.K);
}

DS_INLINE void weight_row(const BmmArgs& a, int64_t i, float* to) {
  switch (a.format) {
    case WeightFormat::fp8:
      return decode(static_cast<const E4m3*>(a.w) + i * a.K, a.K, 1.0f, to);
    case WeightFormat::bf16:
      return decode(static_cast<const Bf16*>(a.w) + i * a.K, a.K, to);
    case WeightFormat::mxfp4:
      return decode_mx(static_cast<const uint8_t*>(a.w) + i * a.K / 2,
                       a.w_scales + i * a.K / kMxGroup, 1, a.K, to);
  }
}

template <int W>
DS_INLINE void bmm(const BmmArgs& a, Part part) {
  float* x = scratch(0, a.M * a.K);
  float* row = scratch(1, a.K);
  const float unit = a.format == WeightFormat::fp8 ? a.w_scale : 1.0f;
  const auto [begin, end] = part.of(a.H * a.N, 16);
  for (int64_t i = begin; i < end; ++i) {
    const int64_t h = i / a.N, n = i % a.N;
    if (i == begin || n == 0) {
      for (int64_t m = 0; m < a.M; ++m) activations(a, m, h, x + m * a.K);
    }
    weight_row(a, i, row);
    Bf16* out = a.out + h * a.out_head_stride + n;
    times_row<W>(x, a.M, a.K, row,
                 [&](int64_t m, float y) { out[m * a.out_stride] = to_bf16(y * unit); });
  }
}

DS_CPU_OP(BmmArgs, bmm)

}  // namespace kernels::cpu
