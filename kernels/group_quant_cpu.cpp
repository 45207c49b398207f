#include "kernels/group_quant.h"
#include "kernels/simd.h"

namespace kernels::cpu {

template <int W>
DS_INLINE void group_quant(const GroupQuantArgs& a, Part part) {
  float* row = scratch(0, a.H * a.D);
  const auto [begin, end] = part.of(a.M);
  for (int64_t m = begin; m < end; ++m) {
    for (int64_t h = 0; h < a.H; ++h)
      decode(a.x + m * a.x_stride + h * a.x_head_stride, a.D, row + h * a.D);
    quantise_row(row, a.H * a.D, m, a.M, a.out);
  }
}

DS_CPU_OP(GroupQuantArgs, group_quant)

}  // namespace kernels::cpu
