#include "kernels/concat.h"

#include <cstring>

namespace kernels::cpu {

void run(const ConcatArgs& a, Part part) {
  const int64_t size = size_of(a.format);
  const auto* left = static_cast<const uint8_t*>(a.a);
  const auto* right = static_cast<const uint8_t*>(a.b);
  auto* out = static_cast<uint8_t*>(a.out);
  const auto [begin, end] = part.of(a.M);
  for (int64_t m = begin; m < end; ++m) {
    for (int64_t h = 0; h < a.H; ++h) {
      uint8_t* to = out + (m * a.H + h) * (a.a_columns + a.b_columns) * size;
      std::memcpy(to, left + (m * a.a_stride + h * a.a_head_stride) * size,
                  static_cast<size_t>(a.a_columns * size));
      std::memcpy(to + a.a_columns * size, right + (m * a.b_stride + h * a.b_head_stride) * size,
                  static_cast<size_t>(a.b_columns * size));
    }
  }
}

}  // namespace kernels::cpu
