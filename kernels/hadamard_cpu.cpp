#include "kernels/hadamard.h"
#include "kernels/simd.h"

namespace kernels::cpu {

template <int W>
DS_INLINE void hadamard(const HadamardArgs& a, Part part) {
  constexpr int kDim = kIndexDim;
  const float scale = 1.0f / std::sqrt(static_cast<float>(kDim));
  float x[kDim], y[kDim];
  const auto [begin, end] = part.of(a.rows);
  for (int64_t r = begin; r < end; ++r) {
    decode(a.x + r * kDim, kDim, x);
    // Each pass pairs elements half the row apart and interleaves the results, so every pass has
    // the same form.
    for (int stage = 0; stage < 7; ++stage) {
      for (int i = 0; i < kDim / 2; ++i) {
        y[2 * i] = x[i] + x[i + kDim / 2];
        y[2 * i + 1] = x[i] - x[i + kDim / 2];
      }
      std::memcpy(x, y, sizeof x);
    }
    for (float& v : x) v *= scale;
    encode(x, kDim, a.x + r * kDim);
  }
}

DS_CPU_OP(HadamardArgs, hadamard)

}  // namespace kernels::cpu
