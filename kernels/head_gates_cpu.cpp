#include "kernels/head_gates.h"
#include "kernels/simd.h"

namespace kernels::cpu {

void run(const HeadGateArgs& a, Part part) {
  const auto [begin, end] = part.of(a.n);
  for (int64_t i = begin; i < end; ++i) {
    a.out[i] = to_float(a.projection[i]) * a.head_scale * a.q_scales[i] * a.softmax_scale;
  }
}

void run(const ScaleArgs& a, Part part) {
  const auto [begin, end] = part.of(a.n);
  for (int64_t i = begin; i < end; ++i) a.out[i] = a.in[i] * (a.by ? a.by[i] : a.factor);
}

void run(const CastArgs& a, Part part) {
  const auto [begin, end] = part.of(a.n);
  decode(a.in + begin, end - begin, a.out + begin);
}

}  // namespace kernels::cpu
