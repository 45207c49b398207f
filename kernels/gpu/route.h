// Sorting rows by expert, and the greedy token. One block each: no block of a launch waits for another.
#pragma once
#include "kernels/gpu/gpu.h"
#include "kernels/gpu/rules.h"

namespace kernels::GPU_NS {

using gpu::Kernel;
using gpu::Launch;
using gpu::Traits;

inline constexpr int64_t kMostSorted = 8192;  // rows

// A row's place = rows of lower experts + earlier rows of its own: stable, and the same however threads run. The waves
// take neighbouring rows; each counts its rows of every expert, and the counts are added in the order of waves.
GPU_DEVICE void moe_sort(const MoeSortArgs& a) {
  const int64_t rows = a.M * a.k;
  const int waves = static_cast<int>(block_threads()) / kWave;
  auto* next = reinterpret_cast<int32_t*>(lds());  // E + 1: of each expert, its next place
  int32_t *sums = next + a.E + 1, *of_wave = sums + waves;
  for (int64_t e = thread_id(); e <= a.E; e += block_threads()) next[e] = 0;
  barrier();
  for (int64_t r = thread_id(); r < rows; r += block_threads()) atomic_add(&next[a.ids[r]], 1);
  barrier();
  int before = 0;
  for (int64_t start = 0; start <= a.E; start += block_threads()) {
    const int64_t e = start + thread_id();
    const int mine = e < a.E ? next[e] : 0;
    int upto = mine;
    for (int by = 1; by < kWave; by *= 2) {
      const int other = wave_from(upto, lane_id() >= by ? lane_id() - by : lane_id());
      if (lane_id() >= by) upto += other;
    }
    if (start > 0) barrier();  // the last turn's sums have been read
    if (lane_id() == kWave - 1) sums[wave_id()] = upto;
    barrier();
    int place = before + upto - mine;
    for (int w = 0; w < waves; ++w) {
      if (w < wave_id()) place += sums[w];
      before += sums[w];
    }
    if (e <= a.E) next[e] = place, a.offsets[e] = place;
  }
  for (int64_t start = 0; start < rows; start += block_threads()) {
    for (int64_t i = thread_id(); i < waves * a.E; i += block_threads()) of_wave[i] = 0;
    barrier();
    const int64_t r = start + thread_id();
    const int32_t id = r < rows ? a.ids[r] : -1;
    int earlier = 0, all = 0;  // rows of this wave with this expert
    for (int lane = 0; lane < kWave; ++lane) {
      const bool same = wave_from(id, lane) == id;
      all += same, earlier += same && lane < lane_id();
    }
    if (id >= 0) of_wave[wave_id() * a.E + id] = all;
    barrier();
    for (int64_t e = thread_id(); e < a.E; e += block_threads()) {
      int place = next[e];
      for (int w = 0; w < waves; ++w) {
        const int count = of_wave[w * a.E + e];
        of_wave[w * a.E + e] = place;
        place += count;
      }
      next[e] = place;
    }
    barrier();
    if (id >= 0) a.rows[of_wave[wave_id() * a.E + id] + earlier] = static_cast<int32_t>(r);
    barrier();  // places have been read
  }
}
inline Launch launch(const MoeSortArgs& a, const Traits& t) {
  const int64_t rows = a.M * a.k;
  const int threads = rows > 512 ? 1024 : rows > 256 ? 512 : 256;
  const int64_t waves = threads / t.wave, bytes = (a.E + 1 + waves + waves * a.E) * 4;
  if (rows > kMostSorted || bytes > t.lds_bytes) return gpu::refused("moe_sort: more than 8192 rows, or too many experts, on a GPU");
  return gpu::blocks(Kernel::moe_sort, 1, 1, threads, bytes);
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
