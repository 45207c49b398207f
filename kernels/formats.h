// Number formats: bf16 (round to nearest even), OCP e4m3 (saturating, nearest even, subnormals),
// and scales rounded up to a power of two by bit arithmetic. The one definition for the CPU path,
// its reference and the tests; branch free, so that loops over them vectorise. Checked over all 256
// codes.
#pragma once
#include <bit>
#include <cmath>

#include "kernels/op.h"

namespace kernels {

inline constexpr float kE4m3Max = 448.0f;
inline constexpr int kGroup = 128;            // elements that share one activation scale
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

// All ones where `holds`: compilers turn a choice between two computed values into a branch where they
// like, and then do not vectorise the loop around it.
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
