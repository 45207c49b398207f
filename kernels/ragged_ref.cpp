#include <numeric>

#include "kernels/formats.h"
#include "kernels/ragged.h"
#include "kernels/reference.h"

namespace kernels {

Status check(const RaggedLogitsArgs& a) {
  const bool shuffled = a.keys.layout == IndexLayout::preshuffle;
  return Check("ragged_logits")
      .shape({{"M", a.M}, {"H", a.H}, {"T", a.keys.T}, {"S", a.out.S}})
      .need(a.reads == a.keys.layout, shuffled ? "row-major access to preshuffled gathered keys"
                                               : "preshuffled access to row-major gathered keys")
      .need(!shuffled, "gathered keys are row-major")
      .need(a.M >= 0 && a.H > 0 && a.keys.T >= 0 && a.out.S > 0, "sizes must be positive")
      .need(a.out.columns == ScoreColumns::own || a.out.S >= a.keys.T,
            "the scores are narrower than the keys")
      .need(a.M == 0 || (a.q && a.gates && a.keys.keys && a.keys.scales && a.begin && a.end &&
                         a.out.values),
            "null tensor")
      .status();
}

Status check(const RaggedTopkArgs& a) {
  return Check("ragged_topk")
      .shape({{"M", a.M}, {"T", a.T}, {"k", a.k}, {"S", a.scores.S}})
      .need(a.reads == a.scores.columns, a.reads == ScoreColumns::own
                                             ? "own columns of scores in all columns"
                                             : "all columns of scores in own columns")
      .need(a.M >= 0 && a.k > 0 && a.T >= 0 && a.scores.S > 0, "sizes must be positive")
      .need(a.scores.columns == ScoreColumns::own || a.scores.S >= a.T,
            "the scores are narrower than the keys")
      .need(a.M == 0 || (a.scores.values && a.begin && a.end && a.gathered && a.slots),
            "null tensor")
      .status();
}

Cost cost(const RaggedLogitsArgs& a) {
  Cost c;
  c.bytes = a.keys.T * kIndexTokenBytes + a.M * a.H * (kIndexDim + 4);
  for (int64_t m = 0; m < a.M; ++m) {
    const int64_t length = a.end[m] - a.begin[m];
    c.bytes += length * 4, c.flops += length * a.H * (2 * kIndexDim + 3);
  }
  return c;
}

Cost cost(const RaggedTopkArgs& a) {
  Cost c;
  for (int64_t m = 0; m < a.M; ++m) {
    const int64_t length = a.end[m] - a.begin[m];
    c.bytes += (length > a.k ? length * 4 : 0) + a.k * 8;
  }
  return c;
}

// One tensor a row, as long as its keys: what lies beside them belongs to nobody.
std::vector<Tensor> outputs(const RaggedLogitsArgs& a) {
  std::vector<Tensor> all;
  for (int64_t m = 0; m < a.M; ++m) {
    const int64_t column = a.out.columns == ScoreColumns::all ? a.begin[m] : 0;
    all.push_back(matrix("logits", Format::f32, a.out.values + m * a.out.S + column, 1,
                         a.end[m] - a.begin[m], a.out.S));
  }
  return all;
}

std::vector<Tensor> outputs(const RaggedTopkArgs& a) {
  return {matrix("slots", Format::i32, a.slots, a.M, a.k, a.k)};
}

std::vector<Expected> reference::run(const RaggedLogitsArgs& a) {
  std::vector<Expected> all(static_cast<size_t>(a.M));
  for (int64_t m = 0; m < a.M; ++m) {
    for (int64_t t = a.begin[m]; t < a.end[m]; ++t) {
      const double scale = a.keys.scales[t];
      double logit = 0, slack = 0;
      for (int64_t h = 0; h < a.H; ++h) {
        Sum dot;
        for (int d = 0; d < kIndexDim; ++d) {
          dot.add(double{to_float(a.q[(m * a.H + h) * kIndexDim + d])} *
                  to_float(a.keys.keys[t * kIndexDim + d]));
        }
        const double gate = a.gates[m * a.H + h];
        logit += gate * std::max(0.0, dot.value * scale);
        slack += std::fabs(gate * scale) *
                 (dot.slack() + std::fabs(dot.value) * kFloatStep * static_cast<double>(a.H));
      }
      all[static_cast<size_t>(m)].add(logit, slack);
    }
  }
  return all;
}

std::vector<Expected> reference::run(const RaggedTopkArgs& a) {
  Expected out;
  for (int64_t m = 0; m < a.M; ++m) {
    const int64_t first = a.begin[m], length = a.end[m] - first;
    const float* score =
        a.scores.values + m * a.scores.S + (a.scores.columns == ScoreColumns::all ? first : 0);
    std::vector<int32_t> order(static_cast<size_t>(length));
    std::iota(order.begin(), order.end(), 0);
    if (length > a.k) {
      std::stable_sort(order.begin(), order.end(),
                       [score](int32_t x, int32_t y) { return score[x] > score[y]; });
      order.resize(static_cast<size_t>(a.k));
      std::sort(order.begin(), order.end());
    }
    for (const int32_t position : order) out.add(a.gathered[first + position], 0);
    for (auto i = static_cast<int64_t>(order.size()); i < a.k; ++i) out.add(-1, 0);
  }
  return {out};
}

}  // namespace kernels
