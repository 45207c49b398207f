#include <numeric>

#include "kernels/moe_route.h"

namespace kernels {

Status check(const AppendSharedArgs& a) {
  return Check("append_shared")
      .shape({{"M", a.M}, {"k", a.k}})
      .need(a.M >= 0 && a.k > 0, "sizes must be positive")
      .need(a.M == 0 || (a.ids && a.weights && a.ids_out && a.weights_out), "null tensor")
      .status();
}

Status check(const MoeSortArgs& a) {
  return Check("moe_sort")
      .shape({{"M", a.M}, {"k", a.k}, {"E", a.E}})
      .need(a.M >= 0 && a.k > 0 && a.E > 0, "sizes must be positive")
      .need(a.M == 0 || (a.ids && a.rows && a.offsets), "null tensor")
      .status();
}

Cost cost(const AppendSharedArgs& a) {
  return {a.M * (2 * a.k + 1) * 8, 0};
}
Cost cost(const MoeSortArgs& a) {
  return {a.M * a.k * 8 + (a.E + 1) * 4, 0};
}

std::vector<Tensor> outputs(const AppendSharedArgs& a) {
  return {matrix("ids", Format::i32, a.ids_out, a.M, a.k + 1, a.k + 1),
          matrix("weights", Format::f32, a.weights_out, a.M, a.k + 1, a.k + 1)};
}

std::vector<Tensor> outputs(const MoeSortArgs& a) {
  return {matrix("rows", Format::i32, a.rows, 1, a.M * a.k, a.M * a.k),
          matrix("offsets", Format::i32, a.offsets, 1, a.E + 1, a.E + 1)};
}

std::vector<Expected> reference::run(const AppendSharedArgs& a) {
  Expected ids, weights;
  for (int64_t m = 0; m < a.M; ++m) {
    for (int64_t i = 0; i < a.k; ++i) {
      ids.add(a.ids[m * a.k + i], 0);
      weights.add(a.weights[m * a.k + i], 0);
    }
    ids.add(a.shared_id, 0);
    weights.add(a.shared_weight, 0);
  }
  return {ids, weights};
}

std::vector<Expected> reference::run(const MoeSortArgs& a) {
  Expected rows, offsets;
  offsets.add(0, 0);
  for (int64_t e = 0; e < a.E; ++e) {
    for (int64_t r = 0; r < a.M * a.k; ++r) {
      if (a.ids[r] == e) rows.add(static_cast<double>(r), 0);
    }
    offsets.add(static_cast<double>(rows.value.size()), 0);
  }
  return {rows, offsets};
}

}  // namespace kernels
