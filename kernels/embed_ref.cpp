#include "kernels/embed.h"
#include "kernels/formats.h"

namespace kernels {

Status check(const EmbedArgs& a) {
  return Check("embed")
      .shape({{"M", a.M}, {"vocab", a.vocab}, {"hidden", a.hidden}})
      .need(a.M >= 0 && a.vocab > 0 && a.hidden > 0, "sizes must be positive")
      .need(a.M == 0 || (a.tokens && a.table && a.out), "null tensor")
      .status();
}

Cost cost(const EmbedArgs& a) {
  return {a.M * (a.hidden * 4 + 4), 0};
}

std::vector<Tensor> outputs(const EmbedArgs& a) {
  return {matrix("x", Format::bf16, a.out, a.M, a.hidden, a.hidden)};
}

std::vector<Expected> reference::run(const EmbedArgs& a) {
  Expected x;
  for (int64_t m = 0; m < a.M; ++m) {
    for (int64_t d = 0; d < a.hidden; ++d) x.add(to_float(a.table[a.tokens[m] * a.hidden + d]), 0);
  }
  return {x};
}

}  // namespace kernels
