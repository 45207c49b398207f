#include "kernels/index_quant.h"
#include "kernels/simd.h"

namespace kernels::cpu {

template <int W>
DS_INLINE void index_quant(const IndexQuantArgs& a, Part part) {
  float x[kIndexDim];
  const auto [begin, end] = part.of(a.rows);
  for (int64_t r = begin; r < end; ++r) {
    decode(a.x + r * kIndexDim, kIndexDim, x);
    a.scales[r] = index_scale(largest_magnitude(x, kIndexDim));
    encode(x, kIndexDim, a.scales[r], a.out + r * kIndexDim);
  }
}

DS_CPU_OP(IndexQuantArgs, index_quant)

}  // namespace kernels::cpu
