// Helpers of the references: sums in double that know how far an fp32 sum of the same terms may be
// off.
#pragma once
#include <cmath>

#include "kernels/op.h"

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

}  // namespace kernels
