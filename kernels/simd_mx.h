// MXFP4 rows of the CPU path. A row of floats made from MXFP4 holds the 16 even elements of each
// group of 32, then its 16 odd ones: both halves come from the same 16 bytes without a shuffle. A
// dot product of two such rows pairs the right elements; no other order leaves this file.
#pragma once
#include "kernels/simd_rows.h"

namespace kernels::cpu {

// Element i of a row in the order above; scales of consecutive groups of 32 one behind the other.
struct MxRows {
  const uint8_t* w;
  const uint8_t* scales;

  const void* address(int64_t element) const { return w + element / 2; }
};

template <int W>
DS_INLINE Lanes<W> at(const MxRows& rows, int64_t element) {
  const int64_t group = element / kMxGroup;
  const uint8_t* bytes = rows.w + group * (kMxGroup / 2);
  const bool odd = element % kMxGroup != 0;
  const float scale = e8m0_to_float(rows.scales[group]);
  Lanes<W> v;
#if DS_X86_BUILTINS
  if constexpr (W >= 8) {
    // Upper bytes of the eight values and their negatives as halves; the lower bytes are 0.
    const Bytes16 table = {0,    0x38, 0x3c, 0x3e, 0x40, 0x42, 0x44, 0x46,
                           -128, -72,  -68,  -66,  -64,  -62,  -60,  -58};
    const Bytes16 both = *reinterpret_cast<const Bytes16*>(bytes), none = {};
    const auto shifted =
        odd ? reinterpret_cast<Bytes16>(reinterpret_cast<Words8>(both) >> 4) : both;
    const Bytes16 upper = __builtin_ia32_pshufb128(table, shifted & 0x0f);
    const auto low = reinterpret_cast<Words8>(__builtin_shufflevector(
        none, upper, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
    const auto high = reinterpret_cast<Words8>(__builtin_shufflevector(
        none, upper, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31));
    if constexpr (W == 8) {
      v.r[0] = __builtin_ia32_vcvtph2ps256(low) * scale;
      v.r[1] = __builtin_ia32_vcvtph2ps256(high) * scale;
    } else {
      v.r[0] = __builtin_ia32_vcvtph2ps512_mask(
                   __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
                                           14, 15),
                   typename Lanes<W>::Register{}, static_cast<unsigned short>(0xffff), 4) *
               scale;
    }
    return v;
  }
#endif
  float values[kLanes];
  for (int i = 0; i < kLanes; ++i)
    values[i] = e2m1_to_float(static_cast<uint32_t>(bytes[i]) >> (odd ? 4 : 0)) * scale;
  return load<W>(values);
}

// k elements, k a multiple of 32; scale g of the row at scales[g * scale_stride].
template <int W>
DS_INLINE void decode_mx(const uint8_t* from, const uint8_t* scales, int64_t scale_stride,
                         int64_t k, float* to) {
  for (int64_t g = 0; g < k / kMxGroup; ++g) {
    const MxRows rows{from + g * kMxGroup / 2, scales + g * scale_stride};
    store<W>(to + g * kMxGroup, at<W>(rows, 0));
    store<W>(to + g * kMxGroup + kLanes, at<W>(rows, kLanes));
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
template <int W>
DS_INLINE void decode_mx_row(const MxIn& x, int64_t m, int64_t rows, int64_t k, float* to) {
  const int64_t groups = k / kMxGroup;
  decode_mx<W>(x.values + m * k / 2, x.scales + scale_offset(x.layout, rows, groups, m, 0),
               x.layout == ScaleLayout::row ? 1 : rows, k, to);
}

}  // namespace kernels::cpu
