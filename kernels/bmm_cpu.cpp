// H x N weight rows streamed once; a head's activations are quantised and widened once. Two workers
// split the H x N output rows; a worker redoes the M x K quantisation of each head it touches,
// which is N times less work.
#include "kernels/bmm.h"
#include "kernels/simd_mx.h"

namespace kernels::cpu {

template <int W>
DS_INLINE void fp8_and_back(float* x, int64_t k) {
  E4m3 codes[kGroup];
  for (int64_t g = 0; g < k; g += kGroup) {
    const int64_t n = std::min<int64_t>(kGroup, k - g);
    const float scale = activation_scale(largest_magnitude(x + g, n));
    encode(x + g, n, scale, codes);
    decode_exact<W>(codes, n, x + g);
    for (int64_t i = 0; i < n; ++i) x[g + i] *= scale;
  }
}

// In MXFP4's order of elements (simd_mx.h).
template <int W>
DS_INLINE void mx_and_back(float* x, int64_t k) {
  for (int64_t g = 0; g < k; g += kMxGroup) {
    uint8_t values[kMxGroup / 2], scale;
    quantise_mx(x + g, kMxGroup, values, &scale, 1);
    decode_mx<W>(values, &scale, 1, kMxGroup, x + g);
  }
}

template <int W>
DS_INLINE void activations(const BmmArgs& a, int64_t h, float* to) {
  for (int64_t m = 0; m < a.M; ++m, to += a.K) {
    decode(a.x + m * a.x_stride + h * a.x_head_stride, a.K, to);
    if (a.format == WeightFormat::fp8) fp8_and_back<W>(to, a.K);
    if (a.format == WeightFormat::mxfp4) mx_and_back<W>(to, a.K);
  }
}

// Rows [begin, end) of the head's N.
template <int W>
DS_INLINE void of_head(const BmmArgs& a, int64_t h, int64_t begin, int64_t end, const float* x,
                       float* row) {
  Bf16* out = a.out + h * a.out_head_stride;
  const auto put = [&](float unit) {
    return
        [=, &a](int64_t m, int64_t n, float y) { out[m * a.out_stride + n] = to_bf16(y * unit); };
  };
  const int64_t first = h * a.N * a.K;
  switch (a.format) {
    case WeightFormat::fp8:
      return product<W>(Fp8Rows{static_cast<const E4m3*>(a.w)}, first, a.K, a.K, begin, end, a.M, x,
                        row, put(a.w_scale * Fp8Rows::kUnit));
    case WeightFormat::bf16:
      return product<W>(Bf16Rows{static_cast<const Bf16*>(a.w)}, first, a.K, a.K, begin, end, a.M,
                        x, row, put(1.0f));
    case WeightFormat::mxfp4:
      return product<W>(MxRows{static_cast<const uint8_t*>(a.w), a.w_scales}, first, a.K, a.K,
                        begin, end, a.M, x, row, put(1.0f));
  }
}

template <int W>
DS_INLINE void bmm(const BmmArgs& a, Part part) {
  if (a.M == 0) return;
  float* x = scratch(0, a.M * a.K);
  float* row = scratch(1, a.K);
  const auto [begin, end] = part.of(a.H * a.N, 16);
  for (int64_t i = begin; i < end;) {
    const int64_t h = i / a.N, last = std::min(end, (h + 1) * a.N);
    activations<W>(a, h, x);
    of_head<W>(a, h, i - h * a.N, last - h * a.N, x, row);
    i = last;
  }
}

DS_CPU_OP(BmmArgs, bmm)

}  // namespace kernels::cpu
