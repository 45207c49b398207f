// Exact top-k of a row by one block: up to four 8-bit radix passes over order-preserving keys find the k-th
// largest, one more writes positions in ascending order. Rows up to 16384 are read once, into registers. Counts are integers, so their order shows nowhere.
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
    int above = mine;
    for (int step = 1; step < kWave; step *= 2) {
      const int other = wave_from(above, lane_id() >= step ? lane_id() - step : 0);
      if (lane_id() >= step) above += other;
    }
    above -= mine;
    if (above < k && above + mine >= k) {
      int digit = top;
      for (; above + s.count[digit] < k; --digit) above += s.count[digit];
      s.digit = digit;
      s.above = above;
    }
  }
  barrier();
}

inline constexpr int kTopkEach = 4;   // neighbouring places a thread
inline constexpr int kTopkTurns = 4;  // that a thread can keep in registers

// The keys of a row as a thread sees them: kTopkEach places of each turn of the block. Kept: read once.
template <bool kKept>
struct TopkRow {
  const float* x;
  int64_t length;
  uint32_t keys[kKept ? kTopkTurns : 1][kTopkEach];

  GPU_DEVICE int64_t place(int64_t turn) const { return (turn * kTopkThreads + thread_id()) * kTopkEach; }
  GPU_DEVICE void read(int64_t t0, uint32_t (&to)[kTopkEach]) const {
#pragma unroll
    for (int i = 0; i < kTopkEach; ++i) to[i] = t0 + i < length ? order_key(x[t0 + i]) : 0;
  }
  GPU_DEVICE void keep() {
    if constexpr (kKept) {
#pragma unroll
      for (int turn = 0; turn < kTopkTurns; ++turn) read(place(turn), keys[turn]);
    }
  }
  // see(first place, keys) for every turn; all threads of the block take every turn that the row reaches.
  template <class See>
  GPU_DEVICE void each(const See& see) {
    if constexpr (kKept) {
#pragma unroll
      for (int turn = 0; turn < kTopkTurns; ++turn) {
        if (int64_t{turn} * kTopkThreads * kTopkEach < length) see(place(turn), keys[turn]);
      }
    } else {
      for (int64_t turn = 0; turn * kTopkThreads * kTopkEach < length; ++turn) {
        read(place(turn), keys[0]);
        see(place(turn), keys[0]);
      }
    }
  }
};

template <bool kKept>
GPU_DEVICE void topk_row(const TopkArgs& a, TopkShared& s, const float* x, int64_t length, const int32_t* table,
                         int32_t* out) {
  TopkRow<kKept> row;
  row.x = x, row.length = length;
  row.keep();
  uint32_t prefix = 0, mask = 0;
  int missing = static_cast<int>(a.k);  // of those that begin with the prefix
  bool found = false;
  for (int shift = 24; shift >= 0 && !found; shift -= 8) {
    for (int64_t i = thread_id(); i < 256; i += kTopkThreads) s.count[i] = 0;
    barrier();
    row.each([&](int64_t t0, const uint32_t (&keys)[kTopkEach]) {
#pragma unroll
      for (int i = 0; i < kTopkEach; ++i) {
        if (t0 + i < length && (keys[i] & mask) == prefix) atomic_add(&s.count[keys[i] >> shift & 255u], 1);
      }
    });
    barrier();
    find_digit(s, missing);
    prefix |= static_cast<uint32_t>(s.digit) << shift;
    mask |= 255u << shift;
    missing -= s.above;
    found = s.count[s.digit] == missing;  // all that begin so are taken: their other digits decide nothing
    barrier();
  }
  // Turn by turn: all above the threshold and the first `missing` equal to it. Both counts of a thread travel in
  // one word, above in the high half.
  int written = 0, equals = 0;
  row.each([&](int64_t t0, const uint32_t (&keys)[kTopkEach]) {
    int mine = 0;
#pragma unroll
    for (int i = 0; i < kTopkEach; ++i) {
      const bool inside = t0 + i < length;
      const uint32_t top = keys[i] & mask;
      mine += inside && top > prefix ? 1 << 16 : inside && top == prefix ? 1 : 0;
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
    for (int i = 0; i < kTopkEach; ++i) {
      if (t0 + i >= length) break;
      const int taken = equal < missing ? equal : missing;
      const uint32_t top = keys[i] & mask;
      if (top > prefix) {
        out[above++ + taken] = table[t0 + i];
      } else if (top == prefix) {
        if (equal < missing) out[above + taken] = table[t0 + i];
        ++equal;
      }
    }
    written += tile >> 16;
    equals += tile & 0xffff;
  });
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
  if (length <= int64_t{kTopkTurns} * kTopkThreads * kTopkEach)
    topk_row<true>(a, s, a.logits + row * a.S, length, table, out);
  else
    topk_row<false>(a, s, a.logits + row * a.S, length, table, out);
}
inline Launch launch(const TopkArgs& a, const Traits&) {
  return gpu::blocks(Kernel::topk, a.B * a.next_n, 1, kTopkThreads, sizeof(TopkShared));
}

}  // namespace kernels::GPU_NS
