#include "kernels/argmax.h"

namespace kernels::cpu {

void run(const ArgmaxArgs& a, Part part) {
  const auto [begin, end] = part.of(a.M);
  for (int64_t m = begin; m < end; ++m) {
    const float* row = a.logits + m * a.V;
    a.out[m] = static_cast<int32_t>(std::max_element(row, row + a.V) - row);
  }
}

}  // namespace kernels::cpu
