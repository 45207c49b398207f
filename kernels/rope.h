// The rotation of one pair, for every RoPE of this folder.
#pragma once
#include "kernels/formats.h"
#include "kernels/layout.h"

namespace kernels {

struct RopePair {
  int64_t a, b;  // element indices of pair i
};

constexpr RopePair rope_pair(RopeStyle style, int64_t i, int64_t rope) {
  return style == RopeStyle::interleaved ? RopePair{2 * i, 2 * i + 1} : RopePair{i, i + rope / 2};
}

// Rotates `rope` values of x into y (floats), table rows of one position.
inline void rotate(const Bf16* x, const Bf16* cos, const Bf16* sin, RopeStyle style, int64_t rope,
                   float* y) {
  for (int64_t i = 0; i < rope / 2; ++i) {
    const RopePair p = rope_pair(style, i, rope);
    const float a = to_float(x[p.a]), b = to_float(x[p.b]), c = to_float(cos[i]),
                s = to_float(sin[i]);
    y[p.a] = a * c - b * s;
    y[p.b] = b * c + a * s;
  }
}

}  // namespace kernels
