#include <numeric>

#include "kernels/formats.h"
#include "kernels/reference.h"
#include "kernels/router_topk.h"

namespace kernels {

Status check(const RouterTopkArgs& a) {
  return Check("router_topk")
      .shape({{"M", a.M},
              {"E", a.E},
              {"k", a.k},
              {"groups", a.groups},
              {"topk_groups", a.topk_groups}})
      .need(a.M >= 0 && a.E > 0 && a.k > 0 && a.k <= a.E, "k must be between 1 and the experts")
      .need(a.groups > 0 && a.E % a.groups == 0, "the groups must divide the experts")
      .need(a.topk_groups > 0 && a.topk_groups <= a.groups,
            "topk_groups must be between 1 and the groups")
      .need(a.groups == 1 || a.E / a.groups >= 2, "a group needs two experts")
      .need(a.groups <= 0 || a.E / a.groups * a.topk_groups >= a.k,
            "the kept groups hold fewer experts than k")
      .need(a.M == 0 || (a.logits && a.bias && a.ids && a.weights), "null tensor")
      .status();
}

Cost cost(const RouterTopkArgs& a) {
  return {a.M * (a.E * 2 + a.k * 8) + a.E * 2, a.M * a.E * 4};
}

std::vector<Tensor> outputs(const RouterTopkArgs& a) {
  return {matrix("ids", Format::i32, a.ids, a.M, a.k, a.k),
          matrix("weights", Format::f32, a.weights, a.M, a.k, a.k)};
}

// Whole groups in order of the sum of their two best choices, lowest group first among equals.
static std::vector<bool> kept_groups(const RouterTopkArgs& a, const std::vector<float>& choice) {
  const auto size = static_cast<size_t>(a.E / a.groups);
  std::vector<std::pair<float, size_t>> order;
  for (size_t g = 0; g < static_cast<size_t>(a.groups); ++g) {
    std::vector<float> in(choice.begin() + static_cast<int64_t>(g * size),
                          choice.begin() + static_cast<int64_t>((g + 1) * size));
    std::sort(in.rbegin(), in.rend());
    order.emplace_back(a.groups == 1 ? 0.0f : in[0] + in[1], g);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& x, const auto& y) { return x.first > y.first; });
  std::vector<bool> kept(static_cast<size_t>(a.groups));
  for (size_t i = 0; i < static_cast<size_t>(a.topk_groups); ++i) kept[order[i].second] = true;
  return kept;
}

std::vector<Expected> reference::run(const RouterTopkArgs& a) {
  Expected ids, weights;
  const auto experts = static_cast<size_t>(a.E);
  for (int64_t m = 0; m < a.M; ++m) {
    // The choice is made on fp32 scores: that rounding decides ties and belongs to the op.
    std::vector<float> score(experts), choice(experts);
    for (size_t e = 0; e < experts; ++e) {
      score[e] = sigmoid(to_float(a.logits[m * a.E + static_cast<int64_t>(e)]));
      choice[e] = score[e] + to_float(a.bias[e]);
    }
    const std::vector<bool> kept = kept_groups(a, choice);
    std::vector<size_t> order;
    for (size_t e = 0; e < experts; ++e) {
      if (kept[e / (experts / static_cast<size_t>(a.groups))]) order.push_back(e);
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t x, size_t y) { return choice[x] > choice[y]; });
    double total = 0;
    for (size_t i = 0; i < static_cast<size_t>(a.k); ++i) total += score[order[i]];
    for (size_t i = 0; i < static_cast<size_t>(a.k); ++i) {
      ids.add(static_cast<double>(order[i]), 0);
      const double w = score[order[i]] * double{a.scaling} / (a.normalise ? total : 1);
      weights.add(w, std::fabs(w) * kFloatStep * (static_cast<double>(a.k) + 4));
    }
  }
  return {ids, weights};
}

}  // namespace kernels
