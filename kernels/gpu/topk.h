// Exact top-k of a row by one block: four 8-bit radix passes over order-preserving keys find the k-th largest,
// one more writes positions in ascending order. Counts are integers, so their order shows nowhere.
#pragma once
#include "kernels/gpu/gpu.h"
#include "kernels/gpu/rules.h"

namespace kernels::GPU_NS {

using gpu::Kernel;
using gpu::Launch;
using gpu::Traits;

inline constexpr int kTopkThreads = 1024;
inline constexpr int kTopkWaves = kTopkThreads / kWave;

struct TopkShared {
  int count[256];
  int wave_counts[kTopkWaves];
  int digit, above;  // of a pass: the k-th's digit, and how many are larger
};

// Ascending in the float's order; -0 counts as 0.
GPU_DEVICE uint32_t order_key(float f) {
  const uint32_t u = std::bit_cast<uint32_t>(f + 0.0f);
  return u & 0x80000000u ? ~u : u | 0x80000000u;
}

// The digit at which the sum of counts from the top reaches k, by the first wave.
GPU_DEVICE void find_digit(TopkShared& s, int k) {
  if (wave_id() == 0) {
    constexpr int kEach = 256 / kWave;
    const int top = 255 - lane_id() * kEach;  // lane 0 holds the highest digits
    int mine = 0;
    for (int i = 0; i < kEach; ++i) mine += s.count[top - i];
    int above = 0;
    for (int lane = 0; lane < kWave; ++lane) {
      const int other = wave_from(mine, lane);
      if (lane < lane_id()) above += other;
    }
    if (above < k && above + mine >= k) {
      int digit = top;
      for (; above + s.count[digit] < k; --digit) above += s.count[digit];
      s.digit = digit;
      s.above = above;
    }
  }
  barrier();
}

GPU_DEVICE void topk(const TopkArgs& a) {
  auto& s = *reinterpret_cast<TopkShared*>(lds());
  const int64_t row = blockIdx.x, length = a.lengths[row];
  const int32_t* table = a.slot_table + row / a.next_n * a.slot_stride;
  int32_t* out = a.slots + row * a.k;
  if (length <= a.k) {
    for (int64_t i = thread_id(); i < a.k; i += kTopkThreads) out[i] = i < length ? table[i] : -1;
    return;
  }
  const float* x = a.logits + row * a.S;
  uint32_t prefix = 0, mask = 0;
  int missing = static_cast<int>(a.k);  // of those that begin with the prefix
  for (int shift = 24; shift >= 0; shift -= 8) {
    for (int64_t i = thread_id(); i < 256; i += kTopkThreads) s.count[i] = 0;
    barrier();
    for (int64_t t = thread_id(); t < length; t += kTopkThreads) {
      const uint32_t key = order_key(x[t]);
      if ((key & mask) == prefix) atomic_add(&s.count[key >> shift & 255u], 1);
    }
    barrier();
    find_digit(s, missing);
    prefix |= static_cast<uint32_t>(s.digit) << shift;
    mask |= 255u << shift;
    missing -= s.above;
  }  // two barriers lie between this and the next writing of digit and above
  // Tile by tile, kEach places a thread: all above the threshold and the first `missing` equal to it. Both
  // counts of a thread travel in one word, above in the high half.
  constexpr int kEach = 4;
  int written = 0, equals = 0;
  for (int64_t first = 0; first < length; first += kTopkThreads * kEach) {
    const int64_t t0 = first + thread_id() * kEach;
    uint32_t keys[kEach];
    int mine = 0;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      const bool inside = t0 + i < length;
      keys[i] = inside ? order_key(x[t0 + i]) : 0;
      mine += inside && keys[i] > prefix ? 1 << 16 : inside && keys[i] == prefix ? 1 : 0;
    }
    int before = mine;  // of this wave, this thread included
    for (int step = 1; step < kWave; step *= 2) {
      const int other = wave_from(before, lane_id() >= step ? lane_id() - step : 0);
      if (lane_id() >= step) before += other;
    }
    if (lane_id() == kWave - 1) s.wave_counts[wave_id()] = before;
    barrier();
    int tile = 0;
    for (int w = 0; w < kTopkWaves; ++w) {
      if (w == wave_id()) before += tile;
      tile += s.wave_counts[w];
    }
    barrier();
    before -= mine;
    int above = written + (before >> 16), equal = equals + (before & 0xffff);
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      if (t0 + i >= length) break;
      const int taken = equal < missing ? equal : missing;
      if (keys[i] > prefix) {
        out[above++ + taken] = table[t0 + i];
      } else if (keys[i] == prefix) {
        if (equal < missing) out[above + taken] = table[t0 + i];
        ++equal;
      }
    }
    written += tile >> 16;
    equals += tile & 0xffff;
  }
}
inline Launch launch(const TopkArgs& a, const Traits&) {
  return gpu::blocks(Kernel::topk, a.B * a.next_n, 1, kTopkThreads, sizeof(TopkShared));
}

}  // namespace kernels::GPU_NS
