#include "kernels/formats.h"
#include "kernels/reference.h"
#include "kernels/sparse_mla.h"

namespace kernels {

Status check(const SparsePartialArgs& a) {
  return Check("sparse_mla")
      .shape({{"M", a.M},
              {"H", a.H},
              {"topk", a.topk},
              {"splits", a.splits},
              {"latent", a.cache.latent}})
      .need(a.M >= 0 && a.H > 0 && a.splits > 0, "sizes must be positive")
      .need(a.topk > 0 && a.topk % kSparseTile == 0, "top-k must be a multiple of 64")
      .need(a.splits > 0 && a.topk / kSparseTile % a.splits == 0,
            "splits must divide the tiles of the top-k")
      .need(a.cache.latent % 32 == 0 && a.cache.rope % 16 == 0,
            "latent must be a multiple of 32, rope of 16")
      .need(a.q_format == a.cache.format, "query and cache differ in format")
      .need(a.M == 0 || (a.q && a.cache.data && a.slots && a.out && a.lse), "null tensor")
      .status();
}

Status check(const SparseCombineArgs& a) {
  return Check("sparse_combine")
      .shape({{"M", a.M}, {"H", a.H}, {"splits", a.splits}, {"latent", a.latent}})
      .need(a.M >= 0 && a.H > 0 && a.splits > 0 && a.latent > 0, "sizes must be positive")
      .need(a.M == 0 || (a.partial && a.lse && a.out), "null tensor")
      .status();
}

Cost cost(const SparsePartialArgs& a) {
  const int64_t size = size_of(a.cache.format), width = a.cache.width();
  return {a.M * (a.topk * (width * size + 4) + a.H * width * size +
                 a.splits * a.H * (a.cache.latent * 2 + 4)),
          2 * a.M * a.H * a.topk * (width + a.cache.latent)};
}

Cost cost(const SparseCombineArgs& a) {
  return {a.M * a.H * (a.splits * (a.latent * 2 + 4) + a.latent * 2),
          a.M * a.H * a.splits * a.latent * 2};
}

std::vector<Tensor> outputs(const SparsePartialArgs& a) {
  const int64_t rows = a.M * a.splits * a.H;
  return {matrix("partial", Format::bf16, a.out, rows, a.cache.latent, a.cache.latent),
          matrix("lse", Format::f32, a.lse, rows, 1, 1)};
}

std::vector<Tensor> outputs(const SparseCombineArgs& a) {
  return {matrix("o_lat", Format::bf16, a.out, a.M * a.H, a.latent, a.latent)};
}

namespace {

// One (token, split, head) with the op's tiles, running maximum and rounded probabilities, the rest
// in double.
class Head {
 public:
  Head(const SparsePartialArgs& a, int64_t m, int64_t h)
      : m_args(a),
        m_q(matrix("q", a.q_format, a.q, a.M * a.H, a.cache.width(), a.cache.width())),
        m_kv(matrix("kv", a.cache.format, a.cache.data, a.cache.slots, a.cache.width(),
                    a.cache.width())),
        m_q_row((m * a.H + h) * a.cache.width()),
        m_o(static_cast<size_t>(a.cache.latent)),
        m_slack(m_o.size()) {}

  void add_tile(const int32_t* slots) {
    std::vector<double> score(kSparseTile, -INFINITY), error(kSparseTile);
    double top = m_maximum;
    for (size_t j = 0; j < kSparseTile; ++j) {
      if (slots[j] < 0) continue;
      Sum dot;
      for (int64_t d = 0; d < m_args.cache.width(); ++d)
        dot.add(value_at(m_q, m_q_row + d) * kv(slots[j], d));
      const double unit = double{m_args.scale} * 1.4426950408889634;
      score[j] = dot.value * unit;
      error[j] = (dot.slack() * unit + std::fabs(score[j]) * 4 * kFloatStep) * 2 + 8 * kFloatStep;
      top = std::max(top, score[j]);
    }
    if (top == -INFINITY) return;
    shrink(std::exp2(m_maximum - top));
    m_maximum = top;
    for (size_t j = 0; j < kSparseTile; ++j) {
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
  double kv(int32_t slot, int64_t d) const {
    return value_at(m_kv, slot * m_args.cache.width() + d);
  }

  void shrink(double by) {
    m_sum *= by, m_sum_slack *= by;
    for (double& o : m_o) o *= by;
    for (double& s : m_slack) s *= by;
  }

  double rounded(double p) const {
    if (m_args.cache.format == Format::bf16) return to_float(to_bf16(static_cast<float>(p)));
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

  const SparsePartialArgs& m_args;
  Tensor m_q, m_kv;
  int64_t m_q_row;
  std::vector<double> m_o, m_slack;
  double m_maximum = -INFINITY, m_sum = 0, m_sum_slack = 0, m_score_error = 0;
};

}  // namespace

std::vector<Expected> reference::run(const SparsePartialArgs& a) {
  Expected out, lse;
  const int64_t count = a.topk / a.splits;
  for (int64_t m = 0; m < a.M; ++m) {
    for (int64_t g = 0; g < a.splits; ++g) {
      for (int64_t h = 0; h < a.H; ++h) {
        Head head(a, m, h);
        for (int64_t i = g * count; i < (g + 1) * count; i += kSparseTile)
          head.add_tile(a.slots + m * a.topk + i);
        head.finish(out, lse);
      }
    }
  }
  return {out, lse};
}

std::vector<Expected> reference::run(const SparseCombineArgs& a) {
  Expected out;
  for (int64_t i = 0; i < a.M * a.H; ++i) {
    const int64_t m = i / a.H, h = i % a.H;
    double top = -INFINITY, total = 0;
    for (int64_t g = 0; g < a.splits; ++g)
      top = std::max(top, double{a.lse[(m * a.splits + g) * a.H + h]});
    std::vector<double> weight;
    for (int64_t g = 0; g < a.splits; ++g) {
      weight.push_back(std::exp2(a.lse[(m * a.splits + g) * a.H + h] - top));
      total += weight.back();
    }
    for (int64_t d = 0; d < a.latent; ++d) {
      Sum sum;
      for (int64_t g = 0; g < a.splits; ++g) {
        sum.add(weight[static_cast<size_t>(g)] / total *
                to_float(a.partial[((m * a.splits + g) * a.H + h) * a.latent + d]));
      }
      // lse - max is rounded in fp32: its error is absolute in the exponent.
      out.add(sum.value, sum.slack() + sum.magnitude * kFloatStep * 64);
    }
  }
  return {out};
}

}  // namespace kernels
