// Imposed routing: which experts each token takes, drawn from a distribution instead of chosen by
// the router. The router still runs and gives the weights; only the ids are replaced, so that a
// measurement does not hang on synthetic scores.
//   uniform   every expert alike
//   zipf:S    the r-th expert of a seeded order, different in each layer, with weight r^-S
//   counts:F  weights from a file: one number an expert, separated by anything (a JSON array,
//   lines)
// A token takes k different experts. Pure: the same seed and step give the same ids.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "engine/shape.h"
#include "trace/result.h"

namespace engine {

class Draw;

class Routing {
 public:
  // "router": nothing is imposed. error: no such distribution, or a file that does not fit.
  static trace::Result<Routing> parse(const std::string& text, const Shape&, uint64_t seed);

  bool imposed() const { return m_imposed; }
  int64_t bytes() const { return static_cast<int64_t>(m_ids.size()) * 4; }
  void draw(int64_t step);
  // Takes over the other's distribution; the ids stay where they are. REQUIRES: both imposed, on
  // the same shape.
  void redistribute(const Routing& other);
  // [M, experts_per_token], at a fixed address. REQUIRES: imposed().
  const int32_t* ids(int64_t layer) const {
    return m_ids.data() + layer * m_tokens * m_experts_per_token;
  }

 private:
  int32_t next(const Draw&, int64_t layer, std::array<uint32_t, 2> token_and_step,
               const int32_t* ids, size_t taken) const;

  std::vector<double> m_cumulative;     // over ranks
  std::vector<int32_t> m_ids, m_order;  // [layers, M, k]; [layers, experts] id of each rank
  int64_t m_layers = 0, m_tokens = 0, m_experts = 0, m_experts_per_token = 0;
  uint64_t m_seed = 0;
  bool m_imposed = false;
};

}  // namespace engine
