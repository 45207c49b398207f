// Number formats: bf16 (round to nearest even), OCP e4m3 (saturating, nearest even, subnormals),
// MXFP4 (e2m1 codes, two a byte with the even element in the low nibble, one e8m0 scale per 32),
// and scales rounded up to a power of two by bit arithmetic. The one definition for the CPU path,
// its reference and the tests; branch free, so that loops over them vectorise. Checked over all
// codes.
#pragma once
#include <bit>
#include <cmath>

#include "kernels/op.h"

namespace kernels {

inline constexpr float kE4m3Max = 448.0f;
inline constexpr int kGroup = 128;            // elements that share one activation scale
inline constexpr int kMxGroup = 32;           // elements that share one e8m0 scale
inline constexpr float kQuantFloor = 1e-10f;  // smallest amax of a 1x128 activation group
inline constexpr float kIndexFloor = 1e-4f;   // of the indexer's q and k

constexpr float to_float(Bf16 b) {
  return std::bit_cast<float>(static_cast<uint32_t>(b.bits) << 16);
}

constexpr Bf16 to_bf16(float f) {
  const uint32_t u = std::bit_cast<uint32_t>(f);
  const uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  const uint32_t quiet_nan = (u >> 16) | 0x40u;
  return {static_cast<uint16_t>((u & 0x7fffffffu) > 0x7f800000u ? quiet_nan : rounded)};
}

// Values of weights: never the NaN codes.
constexpr float to_float_finite(E4m3 code) {
  const uint32_t magnitude = code.bits & 0x7fu;
  const uint32_t subnormal = magnitude < 8u ? 0xffffffffu : 0u;
  // A subnormal m/8 x 2^-6 is read as (1 + m/8) x 2^-6 and the 1 taken off again, exactly.
  const uint32_t bits = (magnitude << 20) + (120u << 23) + (subnormal & (1u << 23));
  const float f = std::bit_cast<float>(bits) - std::bit_cast<float>(subnormal & 0x3c800000u);
  return std::bit_cast<float>(std::bit_cast<uint32_t>(f) | static_cast<uint32_t>(code.bits & 0x80u)
                                                               << 24);
}

// All ones where `holds`: compilers turn a choice between two computed values into a branch where
// they like, and then do not vectorise the loop around it.
constexpr uint32_t mask_of(bool holds) {
  return 0u - static_cast<uint32_t>(holds);
}

constexpr float to_float(E4m3 code) {
  const uint32_t nan = mask_of((code.bits & 0x7fu) == 0x7fu);
  const uint32_t bits = std::bit_cast<uint32_t>(to_float_finite(code));
  return std::bit_cast<float>((bits & ~nan) | (0x7fc00000u & nan));
}

constexpr E4m3 to_e4m3(float f) {
  const uint32_t u = std::bit_cast<uint32_t>(f);
  const uint32_t all = u & 0x7fffffffu;
  const uint32_t magnitude = all < 0x43e00000u ? all : 0x43e00000u;  // 448
  const uint32_t normal = ((magnitude + 0x7ffffu + ((magnitude >> 20) & 1u)) >> 20) - (120u << 3);
  // Below 2^-6 codes are multiples of 2^-9, the step of floats at 2^14: the addition rounds.
  const uint32_t small =
      std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 16384.0f) - 0x46800000u;
  const uint32_t subnormal = mask_of(magnitude < 0x3c800000u), nan = mask_of(all > 0x7f800000u);
  const uint32_t code = (small & subnormal) | (normal & ~subnormal) | (0x7fu & nan);
  return {static_cast<uint8_t>(((u >> 24) & 0x80u) | (code & 0x7fu))};
}

// The smallest power of two >= s, for positive normal s.
constexpr float power_of_two_above(float s) {
  return std::bit_cast<float>((std::bit_cast<uint32_t>(s) + 0x7fffffu) & 0x7f800000u);
}

// e2m1: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and a sign, in the low nibble of `code`.
constexpr float e2m1_to_float(uint32_t code) {
  const uint32_t magnitude = code & 7u;
  const uint32_t subnormal = magnitude < 2u ? 0xffffffffu : 0u;
  // 0 and 0.5 are read as 1 and 1.5 and the 1 taken off again, exactly.
  const uint32_t bits = (magnitude << 22) + (126u << 23) + (subnormal & (1u << 23));
  const float f = std::bit_cast<float>(bits) - std::bit_cast<float>(subnormal & 0x3f800000u);
  return std::bit_cast<float>(std::bit_cast<uint32_t>(f) | (code & 8u) << 28);
}

// Nearest, ties to even, saturating at 6. The result is in the low nibble.
constexpr uint8_t to_e2m1(float f) {
  const uint32_t u = std::bit_cast<uint32_t>(f);
  const uint32_t all = u & 0x7fffffffu;
  const uint32_t magnitude = all < 0x40c00000u ? all : 0x40c00000u;  // 6
  const uint32_t normal = ((magnitude + 0x1fffffu + ((magnitude >> 22) & 1u)) >> 22) - (126u << 1);
  // Below 1 codes are multiples of 0.5, the step of floats at 2^22: the addition rounds.
  const uint32_t small =
      std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 4194304.0f) - 0x4a800000u;
  const uint32_t code = magnitude < 0x3f800000u ? small : normal;
  return static_cast<uint8_t>((u >> 28 & 8u) | code);
}

// e8m0: 2^(code - 127); 255 is NaN.
constexpr float e8m0_to_float(uint8_t code) {
  const uint32_t normal = static_cast<uint32_t>(code) << 23;
  const uint32_t bits = code == 0 ? 0x00400000u : code == 255 ? 0x7fc00000u : normal;
  return std::bit_cast<float>(bits);
}

// Scale of one MXFP4 group: amax with its mantissa rounded to one bit, exponent - 2, so that amax
// lands in [3.5, 7) and 6 saturates. An amax that is no number gives NaN: poison must show.
constexpr uint8_t mx_scale(float amax) {
  const uint32_t u = std::bit_cast<uint32_t>(amax) & 0x7fffffffu;
  const uint32_t exponent = (u + 0x200000u) >> 23;
  const uint32_t code = exponent < 2u ? 0u : exponent - 2u;
  return static_cast<uint8_t>(u >= 0x7f800000u ? 255u : code);
}

// 1 / scale, exact for every code but NaN's.
constexpr float mx_inverse(uint8_t code) {
  return code == 255 ? std::bit_cast<float>(0x7fc00000u)
                     : e8m0_to_float(static_cast<uint8_t>(254 - code));
}

// Scale of one 1x128 activation group: fp32, not rounded to a power of two.
constexpr float activation_scale(float amax) {
  return (amax > kQuantFloor ? amax : kQuantFloor) / kE4m3Max;
}

// Scale of an indexer row. The division comes before the rounding: multiplying by 1/448 can land
// one binade off.
constexpr float index_scale(float amax) {
  return power_of_two_above((amax > kIndexFloor ? amax : kIndexFloor) / kE4m3Max);
}

inline float sigmoid(float x) {
  return 1.0f / (1.0f + std::exp(-x));
}

}  // namespace kernels
