// One (token, split, head) of MLA over a cache in double: tiles, running maximum and rounded
// probabilities as the op has them. For the sparse and the dense reference.
#pragma once
#include "kernels/reference.h"
#include "kernels/sparse_mla.h"

namespace kernels {

class MlaHead {
 public:
  // `at`: first element of the head's query, in the cache's format.
  MlaHead(const void* q, int64_t at, const KvCache& cache, float scale)
      : m_cache(cache),
        m_scale(scale),
        m_o(static_cast<size_t>(cache.latent)),
        m_slack(m_o.size()),
        m_reach(m_o.size()) {
    for (int64_t d = 0; d < cache.width(); ++d) m_q.push_back(element(q, at + d));
  }

  // `count` slots, at most a tile; below 0: masked.
  void add_tile(const int32_t* slots, int64_t count) {
    const auto n = static_cast<size_t>(count);
    std::vector<double> score(n, -INFINITY), slack(n);
    double top = m_maximum, best = -INFINITY, best_slack = 0;
    for (size_t j = 0; j < n; ++j) {
      if (slots[j] < 0) continue;
      Sum dot;
      for (size_t d = 0; d < m_q.size(); ++d)
        dot.add(m_q[d] * kv(slots[j], static_cast<int64_t>(d)));
      const double unit = double{m_scale} * 1.4426950408889634;
      score[j] = dot.value * unit;
      slack[j] = dot.slack() * unit + std::fabs(score[j]) * 4 * kFloatStep;
      if (score[j] > best) best = score[j], best_slack = slack[j];
    }
    top = std::max(top, best);
    if (top == -INFINITY) return;
    shrink(std::exp2(m_maximum - top));
    // What was there shrinks by 2 to the difference of two maxima, and each may be off: so is its weight against the new
    // tile's. Where the two cancel, that error stands beside nothing. Exactly 1 only if no row here can be the largest.
    // An H200 once gave -0.00033951 for -0.00034336 +- 3.4e-6 on kimi-k2, which this term would cover; it was not seen again.
    if (best + best_slack >= m_maximum - m_top_slack) {
      const double error = best_slack + m_top_slack + 8 * kFloatStep;
      for (size_t d = 0; d < m_o.size(); ++d) m_slack[d] += std::fabs(m_o[d]) * error;
      m_sum_slack += m_sum * error;
    }
    if (best >= m_maximum) m_top_slack = best_slack;
    m_maximum = top;
    for (size_t d = 0; d < m_o.size(); ++d) m_reach[d] = std::fabs(m_o[d]);
    for (size_t j = 0; j < n; ++j) {
      // p is 2 to the difference of two scores, and each may be off.
      const double error = slack[j] + std::max(slack[j], m_top_slack) + 8 * kFloatStep;
      if (slots[j] >= 0) add_row(slots[j], std::exp2(score[j] - top), error);
    }
    for (size_t d = 0; d < m_o.size(); ++d) m_slack[d] += m_reach[d] * kCutSteps * kFloatStep;
  }

  void finish(Expected& o, Expected& lse) const {
    if (m_sum == 0) {
      for (size_t d = 0; d < m_o.size(); ++d) o.add(0, 0);
      lse.add(kNoLse, 0);
      return;
    }
    const double relative = m_sum_slack / m_sum + 40 * kFloatStep;
    for (size_t d = 0; d < m_o.size(); ++d) {
      o.add(m_o[d] / m_sum, (m_slack[d] + std::fabs(m_o[d]) * relative) / m_sum);
    }
    lse.add(std::log2(m_sum) + m_maximum,
            relative * 2 + std::fabs(m_maximum) * 8 * kFloatStep + m_score_error);
  }

 private:
  // What a matrix unit may cut off a tile's sum, in steps of the largest that it adds. It aligns the accumulator and the 16
  // products of an operation to the largest of these 17, keeps two bits behind fp32's last and cuts the sum: 17 x 2^-25 +
  // 2^-23 of the largest, 10.5 steps of 2^-24, in each of a tile's four operations. In proportion to what is added, not to
  // the result, which may be nothing beside it.
  static constexpr double kCutSteps = 4 * 10.5;

  double element(const void* data, int64_t i) const {
    return m_cache.format == Format::bf16 ? to_float(static_cast<const Bf16*>(data)[i])
                                          : to_float(static_cast<const E4m3*>(data)[i]);
  }
  double kv(int32_t slot, int64_t d) const {
    return element(m_cache.data, slot * m_cache.width() + d);
  }

  void shrink(double by) {
    m_sum *= by, m_sum_slack *= by;
    for (double& o : m_o) o *= by;
    for (double& s : m_slack) s *= by;
  }

  double rounded(double p) const {
    if (m_cache.format == Format::bf16) return to_float(to_bf16(static_cast<float>(p)));
    return double{to_float(to_e4m3(static_cast<float>(p) * kE4m3Max))} / kE4m3Max;
  }

  // The scores' error moves p, and may carry it over a rounding boundary: then a whole step is
  // allowed.
  void add_row(int32_t slot, double p, double error) {
    const double low = rounded(p * (1 - error)), high = rounded(p * (1 + error)), mid = rounded(p);
    m_sum += p;
    m_sum_slack += p * error;
    m_score_error = std::max(m_score_error, error);
    for (size_t d = 0; d < m_o.size(); ++d) {
      const double v = kv(slot, static_cast<int64_t>(d));
      m_o[d] += mid * v;
      m_slack[d] += std::fabs(v) * (high - low + mid * 20 * kFloatStep);
      m_reach[d] += std::fabs(v) * mid;
    }
  }

  const KvCache& m_cache;
  float m_scale;
  std::vector<double> m_q, m_o, m_slack;
  std::vector<double> m_reach;  // of the tile at hand: the most that any of its sums may come to
  double m_maximum = -INFINITY, m_top_slack = 0, m_sum = 0, m_sum_slack = 0, m_score_error = 0;
};

}  // namespace kernels
