#include "kernels/query_scale.h"

#include <cmath>

#include "kernels/formats.h"

namespace kernels::cpu {

void run(const QueryScaleArgs& a, Part part) {
  const auto [begin, end] = part.of(a.M);
  for (int64_t m = begin; m < end; ++m) {
    const auto spans = static_cast<float>(a.positions[m] / a.original_positions);
    const float scale = 1.0f + a.beta * std::log(1.0f + spans);
    for (int64_t h = 0; h < a.H; ++h) {
      const int64_t at = m * a.stride + h * a.width;
      for (int64_t c = at; c < at + a.columns; ++c) {
        if (a.format == Format::e4m3) {
          auto& q = static_cast<E4m3*>(a.q)[c];
          q = to_e4m3(to_float(q) * scale);
        } else {
          auto& q = static_cast<Bf16*>(a.q)[c];
          q = to_bf16(to_float(q) * scale);
        }
      }
    }
  }
}

}  // namespace kernels::cpu
