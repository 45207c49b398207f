// MXFP4 rows of the CPU path. A row of floats made from MXFP4 holds the 16 even elements of each
// group of 32, then its 16 odd ones: both halves come from the same 16 bytes without a shuffle. A
// dot product of two such rows pairs the right elements; no other order leaves this file.
#pragma once
#include "kernels/simd.h"

namespace kernels::cpu {

// k elements, k a multiple of 32; scale g of the row at scales[g * scale_stride].
DS_INLINE void decode_mx(const uint8_t* from, const uint8_t* scales, int64_t scale_stride,
                         int64_t k, float* to) {
  for (int64_t g = 0; g < k / kMxGroup; ++g) {
    const float scale = e8m0_to_float(scales[g * scale_stride]);
    const uint8_t* bytes = from + g * kMxGroup / 2;
    float* out = to + g * kMxGroup;
    for (int i = 0; i < kMxGroup / 2; ++i) {
      out[i] = e2m1_to_float(bytes[i]) * scale;
      out[i + kMxGroup / 2] = e2m1_to_float(static_cast<uint32_t>(bytes[i]) >> 4) * scale;
    }
  }
}

// One row of activations, k floats in their natural order.
DS_INLINE void quantise_mx(const float* x, int64_t k, uint8_t* values, uint8_t* scales,
                           int64_t scale_stride) {
  for (int64_t g = 0; g < k / kMxGroup; ++g) {
    const uint8_t code = mx_scale(largest_magnitude(x + g * kMxGroup, kMxGroup));
    const float inverse = mx_inverse(code);
    scales[g * scale_stride] = code;
    uint8_t nibbles[kMxGroup];
    for (int i = 0; i < kMxGroup; ++i) nibbles[i] = to_e2m1(x[g * kMxGroup + i] * inverse);
    for (int i = 0; i < kMxGroup / 2; ++i) {
      values[g * kMxGroup / 2 + i] = static_cast<uint8_t>(nibbles[2 * i] | nibbles[2 * i + 1] << 4);
    }
  }
}

// Row m of MXFP4 activations as floats.
DS_INLINE void decode_mx_row(const MxIn& x, int64_t m, int64_t rows, int64_t k, float* to) {
  const int64_t groups = k / kMxGroup;
  decode_mx(x.values + m * k / 2, x.scales + scale_offset(x.layout, rows, groups, m, 0),
            x.layout == ScaleLayout::row ? 1 : rows, k, to);
}

}  // namespace kernels::cpu
