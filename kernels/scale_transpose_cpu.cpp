#include "kernels/scale_transpose.h"

namespace kernels::cpu {

void run(const ScaleTransposeArgs& a, Part part) {
  const auto [begin, end] = part.of(a.M);
  for (int64_t m = begin; m < end; ++m) {
    for (int64_t g = 0; g < a.G; ++g) {
      a.out[scale_offset(a.to, a.M, a.G, m, g)] = a.in[scale_offset(a.from, a.M, a.G, m, g)];
    }
  }
}

}  // namespace kernels::cpu
