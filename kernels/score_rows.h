// Rows of index scores that trip selection, for tests and benches of top-k.
#pragma once
#include <array>
#include <string_view>

#include "kernels/verify.h"

namespace kernels {

enum class ScoreRow : uint8_t {
  flat,     // normal, no trend
  recency,  // rising with the position
  plateau,  // relu of a shifted normal: massive ties at 0
  one_bin,  // all within a millionth: one coarse bin of any histogram
  all_equal,
  signed_zero  // +0 and -0, which are equal
};
inline constexpr std::array<std::string_view, 6> kScoreRows = {
    "flat", "recency", "plateau", "one coarse bin", "all equal", "signed zeros"};

void fill_scores(ScoreRow, Random&, float* row, int64_t n);

}  // namespace kernels
