#include "kernels/argmax.h"

namespace kernels {

Status check(const ArgmaxArgs& a) {
  return Check("argmax")
      .shape({{"M", a.M}, {"V", a.V}})
      .need(a.M >= 0 && a.V > 0, "sizes must be positive")
      .need(a.M == 0 || (a.logits && a.out), "null tensor")
      .status();
}

Cost cost(const ArgmaxArgs& a) {
  return {a.M * (a.V + 1) * 4, 0};
}

std::vector<Tensor> outputs(const ArgmaxArgs& a) {
  return {matrix("token", Format::i32, a.out, 1, a.M, a.M)};
}

std::vector<Expected> reference::run(const ArgmaxArgs& a) {
  Expected out;
  for (int64_t m = 0; m < a.M; ++m) {
    int64_t best = 0;
    for (int64_t v = 1; v < a.V; ++v) {
      if (a.logits[m * a.V + v] > a.logits[m * a.V + best]) best = v;
    }
    out.add(static_cast<double>(best), 0);
  }
  return {out};
}

}  // namespace kernels
