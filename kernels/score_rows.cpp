#include "kernels/score_rows.h"

#include <algorithm>

namespace kernels {

void fill_scores(ScoreRow kind, Random& r, float* row, int64_t n) {
  for (int64_t t = 0; t < n; ++t) {
    const double v = r.normal();
    switch (kind) {
      case ScoreRow::flat:
        row[t] = static_cast<float>(v);
        break;
      case ScoreRow::recency:
        row[t] = static_cast<float>(v + static_cast<double>(t) * 0.05);
        break;
      case ScoreRow::plateau:
        row[t] = static_cast<float>(std::max(0.0, v - 1));
        break;
      case ScoreRow::one_bin:
        row[t] = static_cast<float>(1 + v * 1e-6);
        break;
      case ScoreRow::all_equal:
        row[t] = -3;
        break;
      case ScoreRow::signed_zero:
        row[t] = v < 0 ? -0.0f : 0.0f;
        break;
    }
  }
}

}  // namespace kernels
