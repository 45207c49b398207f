// What the MLA partial's two ops and its two bodies share.
#pragma once
#include "kernels/gpu/gpu.h"
#include "kernels/sparse_mla.h"

namespace kernels::GPU_NS {

inline constexpr int kMlaWaves = 4;
inline constexpr int kMlaThreads = kMlaWaves * kWave;
inline constexpr int kMlaTile = 64;

// What of a partial the two ops share. Heads of a row group lie one behind the other in q.
struct MlaGroup {
  const void* q;
  KvCache cache;
  const int32_t* slots;     // of the row group
  int64_t count;            // slots that may be looked at
  const int32_t* lengths;   // dense: of each of the group's tokens; sparse: null
  int64_t heads, per_token; // heads of the group, and of one of its tokens
  int64_t head0;            // of this block
  int64_t first, last;      // tiles
  int64_t stages;           // tiles that shared memory holds
  float scale;
};

// A tile alone is not waited for by another one.
constexpr int64_t mla_stages(int64_t tiles) {
  return tiles > 1 ? 2 : 1;
}

}  // namespace kernels::GPU_NS
