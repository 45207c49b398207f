#include "kernels/index_rope.h"
#include "kernels/rope.h"
#include "kernels/simd.h"

namespace kernels::cpu {

static void rotated(const Bf16* x, const IndexRopeArgs& a, int64_t m, float* y, Bf16* out) {
  const int64_t row = int64_t{a.positions[m]} * (a.rope / 2);
  rotate(x, a.table.cos + row, a.table.sin + row, a.style, a.rope, y);
  encode(y, a.rope, out);
}

void run(const IndexRopeArgs& a, Part part) {
  float* y = scratch(0, a.rope);
  const auto [begin, end] = part.of(a.M);
  for (int64_t m = begin; m < end; ++m) {
    for (int64_t h = 0; h < a.H; ++h) {
      rotated(a.q + m * a.q_stride + h * a.q_head_stride, a, m, y,
              a.q_out + m * a.q_out_stride + h * a.q_out_head_stride);
    }
    rotated(a.k + m * a.k_stride, a, m, y, a.k_out + m * a.k_out_stride);
  }
}

}  // namespace kernels::cpu
