#include "kernels/fill.h"

namespace kernels {

Status check(const FillArgs& a) {
  return Check("fill")
      .shape({{"n", a.n}})
      .need(a.n >= 0, "n must not be negative")
      .need(a.format == Format::f32 || a.format == Format::bf16, "f32 or bf16 only")
      .need(a.n == 0 || a.out, "null tensor")
      .status();
}

Cost cost(const FillArgs& a) {
  return {a.n * size_of(a.format), 0};
}

std::vector<Tensor> outputs(const FillArgs& a) {
  return {matrix("filled", a.format, a.out, 1, a.n, a.n)};
}

std::vector<Expected> reference::run(const FillArgs& a) {
  Expected out;
  for (int64_t i = 0; i < a.n; ++i) out.add(a.value, 0);
  return {out};
}

}  // namespace kernels
