#include "kernels/mx_quant.h"
#include "kernels/simd_mx.h"

namespace kernels::cpu {

template <int W>
DS_INLINE void mx_quant(const MxQuantArgs& a, Part part) {
  const int64_t k = a.H * a.D, groups = k / kMxGroup;
  float* row = scratch(0, k);
  const auto [begin, end] = part.of(a.M);
  for (int64_t m = begin; m < end; ++m) {
    for (int64_t h = 0; h < a.H; ++h)
      decode(a.x + m * a.x_stride + h * a.x_head_stride, a.D, row + h * a.D);
    quantise_mx(row, k, a.out.values + m * k / 2,
                a.out.scales + scale_offset(a.out.layout, a.M, groups, m, 0),
                a.out.layout == ScaleLayout::row ? 1 : a.M);
  }
}

DS_CPU_OP(MxQuantArgs, mx_quant)

}  // namespace kernels::cpu
