// Helpers of the references: sums in double that know how far an fp32 sum of the same terms may be
// off.
#pragma once
#include <cmath>

#include "kernels/formats.h"

namespace kernels {

inline constexpr double kFloatStep = 6e-8;  // a little above 2^-24, the relative rounding of fp32
// What a matrix instruction that sums in fewer bits than fp32 may be off, of the root of the terms' sum of squares
// (kernels/gemm_fp8.h). Measured on an H200, 16 shapes with K from 128 to 16,384: rms 1.2e-4, at most 9.5e-4 of 5,200 sums each.
inline constexpr double kNarrowStep = 1.0 / 512;

// Terms are added in double; slack() bounds the error of adding them in fp32 over 16 accumulators,
// each term being a product of rounded factors.
struct Sum {
  double value = 0, magnitude = 0, squares = 0;
  int64_t terms = 0;
  void add(double term) {
    value += term;
    magnitude += std::fabs(term);
    squares += term * term;
    ++terms;
  }
  double slack() const { return magnitude * kFloatStep * (static_cast<double>(terms) / 16 + 12); }
  double narrow_slack() const { return kNarrowStep * std::sqrt(squares); }
};

// Element k of a row of packed e2m1 codes under one e8m0 scale.
inline double mx_value(const uint8_t* row, int64_t k, uint8_t scale) {
  return double{e2m1_to_float(static_cast<uint32_t>(row[k / 2]) >> (k % 2 * 4))} *
         e8m0_to_float(scale);
}

}  // namespace kernels
