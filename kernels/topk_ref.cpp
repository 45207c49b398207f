#include <numeric>

#include "kernels/topk.h"

namespace kernels {

Status check(const TopkArgs& a) {
  return Check("topk")
      .shape({{"B", a.B},
              {"next_n", a.next_n},
              {"k", a.k},
              {"S", a.S},
              {"slot_stride", a.slot_stride}})
      .need(a.B >= 0 && a.next_n > 0 && a.k > 0 && a.S > 0, "sizes must be positive")
      .need(a.slot_stride > 0, "the slot table has no columns")
      .need(a.B == 0 || (a.logits && a.lengths && a.slot_table && a.slots), "null tensor")
      .status();
}

Cost cost(const TopkArgs& a) {
  Cost c;
  for (int64_t r = 0; r < a.B * a.next_n; ++r) {
    c.bytes += (a.lengths[r] > a.k ? int64_t{a.lengths[r]} * 4 : 0) + a.k * 8;
  }
  return c;
}

std::vector<Tensor> outputs(const TopkArgs& a) {
  return {matrix("slots", Format::i32, a.slots, a.B * a.next_n, a.k, a.k)};
}

std::vector<Expected> reference::run(const TopkArgs& a) {
  Expected out;
  for (int64_t row = 0; row < a.B * a.next_n; ++row) {
    std::vector<int32_t> order(static_cast<size_t>(a.lengths[row]));
    std::iota(order.begin(), order.end(), 0);
    if (a.lengths[row] > a.k) {
      const float* score = a.logits + row * a.S;
      std::stable_sort(order.begin(), order.end(),
                       [score](int32_t x, int32_t y) { return score[x] > score[y]; });
      order.resize(static_cast<size_t>(a.k));
      std::sort(order.begin(), order.end());
    }
    for (const int32_t position : order)
      out.add(a.slot_table[row / a.next_n * a.slot_stride + position], 0);
    for (auto i = static_cast<int64_t>(order.size()); i < a.k; ++i) out.add(-1, 0);
  }
  return {out};
}

}  // namespace kernels
