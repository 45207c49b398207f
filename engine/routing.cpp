#include "engine/routing.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <numeric>

#include "engine/synth.h"

namespace engine {

using trace::Error;
using trace::Result;

namespace {

// Numbers of a text, whatever stands between them.
std::vector<double> numbers_in(const std::string& text) {
  std::vector<double> all;
  const char *at = text.data(), *end = at + text.size();
  while (at < end) {
    double value = 0;
    const auto [next, code] = std::from_chars(at, end, value);
    if (code == std::errc())
      all.push_back(value), at = next;
    else
      ++at;
  }
  return all;
}

Result<std::vector<double>> counts_from(const std::string& path, int64_t experts) {
  std::ifstream file(path);
  if (!file) return Error{"can't be read", path};
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::vector<double> counts = numbers_in(text);
  if (static_cast<int64_t>(counts.size()) != experts) {
    return Error{"expected a count for each of " + std::to_string(experts) + " experts, found " +
                     std::to_string(counts.size()),
                 path};
  }
  if (!std::all_of(counts.begin(), counts.end(),
                   [](double c) { return c >= 0 && std::isfinite(c); }))
    return Error{"a count is negative", path};
  return counts;
}

// Weights by rank. error: no such distribution.
Result<std::vector<double>> weights_of(const std::string& text, int64_t experts) {
  const auto n = static_cast<size_t>(experts);
  if (text == "uniform") return std::vector<double>(n, 1.0);
  if (text.starts_with("counts:")) return counts_from(text.substr(7), experts);
  if (text.starts_with("zipf:")) {
    double s = 0;
    const char* end = text.data() + text.size();
    const auto [at, code] = std::from_chars(text.data() + 5, end, s);
    if (code == std::errc() && at == end && s >= 0 && s <= 10) {
      std::vector<double> weights;
      for (size_t r = 1; r <= n; ++r) weights.push_back(std::pow(static_cast<double>(r), -s));
      return weights;
    }
  }
  return Error{"routing is router, uniform, zipf:S (S from 0 to 10) or counts:FILE",
               "--routing " + text};
}

}  // namespace

Result<Routing> Routing::parse(const std::string& text, const Shape& s, uint64_t seed) {
  Routing r;
  if (text == "router" || s.layers <= s.dense_layers) return r;
  const Result<std::vector<double>> weights = weights_of(text, s.experts);
  if (!weights) return weights.error();
  const auto taken =
      std::count_if(weights->begin(), weights->end(), [](double w) { return w > 0; });
  if (taken < s.experts_per_token) {
    return Error{"fewer experts with a weight than a token takes (" +
                     std::to_string(s.experts_per_token) + ")",
                 "--routing " + text};
  }
  r.m_cumulative.resize(weights->size());
  std::partial_sum(weights->begin(), weights->end(), r.m_cumulative.begin());
  r.m_imposed = true, r.m_seed = seed;
  r.m_layers = s.layers, r.m_tokens = s.M;
  r.m_experts = s.experts, r.m_experts_per_token = s.experts_per_token;
  const bool shuffled = text.starts_with("zipf:");  // counts name their experts
  for (int64_t layer = 0; layer < s.layers; ++layer) {
    std::vector<int32_t> order(static_cast<size_t>(s.experts));
    std::iota(order.begin(), order.end(), 0);
    const Draw draw(seed, "routing.order." + std::to_string(layer));
    for (size_t i = order.size(); shuffled && i > 1; --i) {
      const double u = draw.uniform(static_cast<uint32_t>(i));
      std::swap(order[i - 1], order[static_cast<size_t>(u * static_cast<double>(i))]);
    }
    r.m_order.insert(r.m_order.end(), order.begin(), order.end());
  }
  r.m_ids.resize(static_cast<size_t>(s.layers * s.M * s.experts_per_token));
  r.draw(0);
  return r;
}

// An expert that is not among the first `taken` of `ids`: drawn again a few times, then from what
// the others leave.
int32_t Routing::next(const Draw& draw, int64_t layer, std::array<uint32_t, 2> where,
                      const int32_t* ids, size_t taken) const {
  constexpr uint32_t kAttempts = 8;
  const auto id_of = [&](size_t rank) {
    return m_order[static_cast<size_t>(layer * m_experts) + rank];
  };
  const auto is_taken = [&](int32_t id) { return std::find(ids, ids + taken, id) != ids + taken; };
  const auto uniform = [&](uint32_t attempt) {
    const auto at = static_cast<uint32_t>(taken) * (kAttempts + 1) + attempt;
    return draw.words(where[0], where[1], at, 0)[0] * 0x1p-32;
  };
  for (uint32_t attempt = 0; attempt < kAttempts; ++attempt) {
    const double at = uniform(attempt) * m_cumulative.back();
    const auto rank = std::upper_bound(m_cumulative.begin(), m_cumulative.end(), at);
    const int32_t id = id_of(static_cast<size_t>(rank - m_cumulative.begin()));
    if (!is_taken(id)) return id;
  }
  std::vector<double> left;
  for (size_t rank = 0; rank < m_cumulative.size(); ++rank) {
    const double weight = m_cumulative[rank] - (rank > 0 ? m_cumulative[rank - 1] : 0);
    left.push_back((left.empty() ? 0 : left.back()) + (is_taken(id_of(rank)) ? 0 : weight));
  }
  const auto rank = std::upper_bound(left.begin(), left.end(), uniform(kAttempts) * left.back());
  return id_of(static_cast<size_t>(
      std::min<ptrdiff_t>(rank - left.begin(), static_cast<ptrdiff_t>(left.size()) - 1)));
}

void Routing::redistribute(const Routing& other) {
  m_cumulative = other.m_cumulative, m_order = other.m_order;
}

void Routing::draw(int64_t step) {
  if (!m_imposed) return;
  const auto k = static_cast<size_t>(m_experts_per_token);
  for (int64_t layer = 0; layer < m_layers; ++layer) {
    const Draw draw(m_seed, "routing." + std::to_string(layer));
    for (int64_t m = 0; m < m_tokens; ++m) {
      int32_t* ids = m_ids.data() + (layer * m_tokens + m) * m_experts_per_token;
      for (size_t i = 0; i < k; ++i)
        ids[i] = next(draw, layer, {static_cast<uint32_t>(m), static_cast<uint32_t>(step)}, ids, i);
    }
  }
}

}  // namespace engine
