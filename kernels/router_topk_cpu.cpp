#include "kernels/formats.h"
#include "kernels/router_topk.h"
#include "kernels/simd.h"

namespace kernels::cpu {

// Marks the experts of all but the topk_groups best groups as out of the choice.
static void keep_groups(const RouterTopkArgs& a, float* choice) {
  if (a.groups == 1) return;
  const int64_t size = a.E / a.groups;
  float* best = scratch(2, a.groups);
  for (int64_t g = 0; g < a.groups; ++g) {
    float first = -INFINITY, second = -INFINITY;
    for (int64_t e = g * size; e < (g + 1) * size; ++e) {
      second = std::max(second, std::min(first, choice[e]));
      first = std::max(first, choice[e]);
    }
    best[g] = first + second;
  }
  for (int64_t g = 0; g < a.groups; ++g) {
    int64_t better = 0;
    for (int64_t o = 0; o < a.groups; ++o)
      better += best[o] > best[g] || (best[o] == best[g] && o < g);
    if (better >= a.topk_groups) std::fill(choice + g * size, choice + (g + 1) * size, -INFINITY);
  }
}

void run(const RouterTopkArgs& a, Part part) {
  float* scores = scratch(0, a.E);
  float* choice = scratch(1, a.E);
  const auto [begin, end] = part.of(a.M);
  for (int64_t m = begin; m < end; ++m) {
    for (int64_t e = 0; e < a.E; ++e) {
      scores[e] = sigmoid(to_float(a.logits[m * a.E + e]));
      choice[e] = scores[e] + to_float(a.bias[e]);
    }
    keep_groups(a, choice);
    float total = 0;
    for (int64_t i = 0; i < a.k; ++i) {
      const int64_t e = std::max_element(choice, choice + a.E) - choice;  // the first of equals
      choice[e] = -INFINITY;
      a.ids[m * a.k + i] = static_cast<int32_t>(e);
      a.weights[m * a.k + i] = scores[e];
      total += scores[e];
    }
    const float factor = a.normalise ? a.scaling / total : a.scaling;
    for (int64_t i = 0; i < a.k; ++i) a.weights[m * a.k + i] *= factor;
  }
}

}  // namespace kernels::cpu
