// A key meets all rows of the chunk that may see it: it is decoded once for M x H heads, so the op
// is bound by arithmetic. Two workers split the keys.
#include "kernels/index_logit.h"
#include "kernels/ragged.h"

namespace kernels::cpu {

template <int W>
DS_INLINE void ragged_logits(const RaggedLogitsArgs& a, Part part) {
  float* q = scratch(0, a.M * a.H * kIndexDim);
  decode_exact<W>(a.q, a.M * a.H * kIndexDim, q);
  float key[kIndexDim];
  const auto [first, last] = part.of(a.keys.T, 64);
  for (int64_t t = first; t < last; ++t) {
    decode_exact<W>(a.keys.keys + t * kIndexDim, kIndexDim, key);
    for (int64_t m = 0; m < a.M; ++m) {
      if (t < a.begin[m] || t >= a.end[m]) continue;
      const int64_t column = a.out.columns == ScoreColumns::all ? t : t - a.begin[m];
      a.out.values[m * a.out.S + column] =
          token_logit<W>(q + m * a.H * kIndexDim, a.gates + m * a.H, a.H, key, a.keys.scales[t]);
    }
  }
}

DS_CPU_OP(RaggedLogitsArgs, ragged_logits)

}  // namespace kernels::cpu
