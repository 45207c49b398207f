// Sorting rows by expert, and the greedy token. One block each: no block of a launch waits for another.
#pragma once
#include "kernels/gpu/gpu.h"
#include "kernels/gpu/rules.h"

namespace kernels::GPU_NS {

using gpu::Kernel;
using gpu::Launch;
using gpu::Traits;

inline constexpr int64_t kMostSorted = 8192;  // rows: each one looks at all before it

// A row's place = rows of lower experts + earlier rows of its own: stable, and the same however threads run.
GPU_DEVICE void moe_sort(const MoeSortArgs& a) {
  const int64_t rows = a.M * a.k;
  auto* ids = reinterpret_cast<int32_t*>(lds());
  int* counts = ids + rows;  // E + 1
  for (int64_t e = thread_id(); e <= a.E; e += block_threads()) counts[e] = 0;
  for (int64_t r = thread_id(); r < rows; r += block_threads()) ids[r] = a.ids[r];
  barrier();
  for (int64_t r = thread_id(); r < rows; r += block_threads()) atomic_add(&counts[ids[r]], 1);
  barrier();
  // Offsets by one wave: a few hundred experts, a stretch a lane.
  if (wave_id() == 0) {
    const int64_t stretch = (a.E + 1 + kWave - 1) / kWave, first = lane_id() * stretch;
    int sum = 0;
    for (int64_t e = first; e < first + stretch && e <= a.E; ++e) sum += counts[e];
    int before = 0;
    for (int lane = 0; lane < kWave; ++lane) {
      const int other = wave_from(sum, lane);
      if (lane < lane_id()) before += other;
    }
    for (int64_t e = first; e < first + stretch && e <= a.E; ++e) {
      const int count = counts[e];
      counts[e] = before;
      before += count;
    }
  }
  barrier();
  for (int64_t e = thread_id(); e <= a.E; e += block_threads()) a.offsets[e] = counts[e];
  for (int64_t r = thread_id(); r < rows; r += block_threads()) {
    int place = counts[ids[r]];
    for (int64_t before = 0; before < r; ++before) place += ids[before] == ids[r];
    a.rows[place] = static_cast<int32_t>(r);
  }
}
inline Launch launch(const MoeSortArgs& a, const Traits& t) {
  const int64_t rows = a.M * a.k, bytes = (rows + a.E + 1) * 4;
  if (rows > kMostSorted || bytes > t.lds_bytes)
    return gpu::refused("moe_sort: more than 8192 rows on a GPU");
  return gpu::blocks(Kernel::moe_sort, 1, 1, rows > 256 ? 1024 : 256, bytes);
}

GPU_DEVICE bool beats(float value, int32_t at, float best, int32_t best_at) {
  return value > best || (value == best && at < best_at);
}

GPU_DEVICE void argmax(const ArgmaxArgs& a) {
  const float* row = a.logits + static_cast<int64_t>(blockIdx.x) * a.V;
  auto* values = reinterpret_cast<float*>(lds());
  auto* places = reinterpret_cast<int32_t*>(values + block_threads() / kWave);
  float best = row[0];
  int32_t at = 0;
  for (int64_t v = thread_id(); v < a.V; v += block_threads()) {
    if (beats(row[v], static_cast<int32_t>(v), best, at)) best = row[v], at = static_cast<int32_t>(v);
  }
  for (int m = kWave / 2; m > 0; m /= 2) {
    const float other = wave_xor(best, m);
    const int32_t other_at = wave_xor(at, m);
    if (beats(other, other_at, best, at)) best = other, at = other_at;
  }
  if (lane_id() == 0) values[wave_id()] = best, places[wave_id()] = at;
  barrier();
  if (thread_id() != 0) return;
  for (int w = 1; w < static_cast<int>(block_threads()) / kWave; ++w) {
    if (beats(values[w], places[w], best, at)) best = values[w], at = places[w];
  }
  a.out[blockIdx.x] = at;
}
inline Launch launch(const ArgmaxArgs& a, const Traits&) {
  const int threads = a.V > 1024 ? 1024 : 256;
  return gpu::blocks(Kernel::argmax, a.M, 1, threads, 8 * 32);
}

}  // namespace kernels::GPU_NS
