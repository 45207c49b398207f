// Helpers of the references: sums in double that know how far an fp32 sum of the same terms may be
// off.
#pragma once
#include <cmath>

#include "kernels/formats.h"

namespace kernels {

inline constexpr double kFloatStep = 6e-8;  // a little above 2^-24, the relative rounding of fp32

// Terms are added in double; slack() bounds the error of adding them in fp32 over 16 accumulators,
// each term being a product of rounded factors.
struct Sum {
  double value = 0, magnitude = 0;
  int64_t terms = 0;
  void add(double term) {
    value += term;
    magnitude += std::fabs(term);
    ++terms;
  }
  double slack() const { return magnitude * kFloatStep * (static_cast<double>(terms) / 16 + 12); }
};

// Element k of a row of packed e2m1 codes under one e8m0 scale.
inline double mx_value(const uint8_t* row, int64_t k, uint8_t scale) {
  return double{e2m1_to_float(static_cast<uint32_t>(row[k / 2]) >> (k % 2 * 4))} *
         e8m0_to_float(scale);
}

}  // namespace kernels
