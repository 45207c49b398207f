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
        m_slack(m_o.size()) {
    for (int64_t d = 0; d < cache.width(); ++d) m_q.push_back(element(q, at + d));
  }

  // `count` slots, at most a tile; below 0: masked.
  void add_tile(const int32_t* slots, int64_t count) {
    const auto n = static_cast<size_t>(count);
    std::vector<double> score(n, -INFINITY), error(n);
    double top = m_maximum;
    for (size_t j = 0; j < n; ++j) {
      if (slots[j] < 0) continue;
      Sum dot;
      for (size_t d = 0; d < m_q.size(); ++d)
        dot.add(m_q[d] * kv(slots[j], static_cast<int64_t>(d)));
      const double unit = double{m_scale} * 1.4426950408889634;
      score[j] = dot.value * unit;
      error[j] = (dot.slack() * unit + std::fabs(score[j]) * 4 * kFloatStep) * 2 + 8 * kFloatStep;
      top = std::max(top, score[j]);
    }
    if (top == -INFINITY) return;
    shrink(std::exp2(m_maximum - top));
    m_maximum = top;
    for (size_t j = 0; j < n; ++j) {
      if (slots[j] >= 0) add_row(slots[j], std::exp2(score[j] - top), error[j]);
    }
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
    }
  }

  const KvCache& m_cache;
  float m_scale;
  std::vector<double> m_q, m_o, m_slack;
  double m_maximum = -INFINITY, m_sum = 0, m_sum_slack = 0, m_score_error = 0;
};

}  // namespace kernels
