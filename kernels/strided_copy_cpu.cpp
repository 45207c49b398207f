#include "kernels/strided_copy.h"

#include <cstring>

namespace kernels::cpu {

void run(const StridedCopyArgs& a, Part part) {
  const int64_t size = size_of(a.format);
  const auto* in = static_cast<const uint8_t*>(a.in);
  auto* out = static_cast<uint8_t*>(a.out);
  const auto [begin, end] = part.of(a.M);
  for (int64_t m = begin; m < end; ++m) {
    for (int64_t h = 0; h < a.H; ++h) {
      std::memcpy(out + (m * a.out_stride + h * a.out_head_stride) * size,
                  in + (m * a.in_stride + h * a.in_head_stride) * size,
                  static_cast<size_t>(a.D * size));
    }
  }
}

}  // namespace kernels::cpu
