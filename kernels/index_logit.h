// The score of one index key, shared by the paged and the ragged form: the same bytes from both.
#pragma once
#include "kernels/simd_rows.h"

namespace kernels::cpu {

template <int W>
DS_INLINE float token_logit(const float* q, const float* gates, int64_t heads, const float* key,
                            float key_scale) {
  float logit = 0;
  int64_t h = 0;
  for (; h + 4 <= heads; h += 4) {
    const float* four[4] = {q + h * kIndexDim, q + (h + 1) * kIndexDim, q + (h + 2) * kIndexDim,
                            q + (h + 3) * kIndexDim};
    float s[4];
    dot4<W>(four, key, kIndexDim, s);
    for (int i = 0; i < 4; ++i) {
      const float r = s[i] * key_scale;
      logit += gates[h + i] * (r < 0.0f ? 0.0f : r);  // NaN passes through
    }
  }
  for (; h < heads; ++h) {
    const float r = dot<W>(q + h * kIndexDim, key, kIndexDim) * key_scale;
    logit += gates[h] * (r < 0.0f ? 0.0f : r);
  }
  return logit;
}

}  // namespace kernels::cpu
