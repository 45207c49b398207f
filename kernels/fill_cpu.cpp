#include "kernels/fill.h"
#include "kernels/formats.h"

namespace kernels::cpu {

void run(const FillArgs& a, Part part) {
  const auto [begin, end] = part.of(a.n, 64);
  if (a.format == Format::f32) {
    std::fill(static_cast<float*>(a.out) + begin, static_cast<float*>(a.out) + end, a.value);
  } else {
    std::fill(static_cast<Bf16*>(a.out) + begin, static_cast<Bf16*>(a.out) + end, to_bf16(a.value));
  }
}

}  // namespace kernels::cpu
