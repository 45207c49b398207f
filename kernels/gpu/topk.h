// Exact top-k of a row: up to four 8-bit radix passes over order-preserving keys find the k-th largest, one more writes
// positions in ascending order. Counts are integers, so their order shows nowhere.
//   up to 16384 keys a block    are read once, into registers. Where rows are few and may be long, a cluster of blocks
//                               shares one, a stretch each, and they add up their counts after every pass
//   longer rows                 a sample says above which score some more than k lie; one pass lists those in order, and
//                               the k are chosen among them. Where the sample misled, the passes read the row itself
#pragma once
#include "kernels/gpu/gpu.h"
#include "kernels/gpu/rules.h"
#include "kernels/gpu/waits.h"

namespace kernels::GPU_NS {

using gpu::Kernel;
using gpu::Launch;
using gpu::Traits;

inline constexpr int kTopkThreads = 1024;
inline constexpr int kTopkWaves = kTopkThreads / kWave;

struct alignas(16) TopkShared {
  int count[2][256];  // of a pass and of the one before it, which other blocks may still read
  int total[256];     // of a cluster's blocks
  int sums[2];        // of this block: keys above the bound, and those that equal it
  int wave_counts[kTopkWaves];
  int digit, above;  // of a pass: the k-th's digit, and how many are larger
  int32_t list[1];   // rows that are not kept: kTopkListed positions
};

// Ascending in the float's order; -0 counts as 0.
GPU_DEVICE uint32_t order_key(float f) {
  const uint32_t u = std::bit_cast<uint32_t>(f + 0.0f);
  return u & 0x80000000u ? ~u : u | 0x80000000u;
}

// Of the lanes of this wave up to this one.
GPU_DEVICE int lanes_before(int mine) {
  int before = mine;
  for (int step = 1; step < kWave; step *= 2) {
    const int other = wave_from(before, lane_id() >= step ? lane_id() - step : 0);
    if (lane_id() >= step) before += other;
  }
  return before;
}

// The digit at which the sum of counts from the top reaches k, by the first wave.
GPU_DEVICE void find_digit(TopkShared& s, const int* count, int k) {
  if (wave_id() == 0) {
    constexpr int kEach = 256 / kWave;
    const int lowest = 256 - (lane_id() + 1) * kEach;  // lane 0 holds the highest digits
    int mine[kEach], all = 0;
#pragma unroll
    for (int i = 0; i < kEach; i += 4) {
      const Vec16 four = *reinterpret_cast<const Vec16*>(count + lowest + i);
      mine[i] = static_cast<int>(four.x), mine[i + 1] = static_cast<int>(four.y);
      mine[i + 2] = static_cast<int>(four.z), mine[i + 3] = static_cast<int>(four.w);
    }
#pragma unroll
    for (int i = 0; i < kEach; ++i) all += mine[i];
    int above = lanes_before(all) - all;
#pragma unroll
    for (int i = kEach - 1; i >= 0; --i) {
      if (above < k && above + mine[i] >= k) s.digit = lowest + i, s.above = above;
      above += mine[i];
    }
  }
  barrier();
}

inline constexpr int kTopkEach = 4;   // neighbouring places a thread
inline constexpr int kTopkTurns = 3;  // that a thread keeps in registers of a list
inline constexpr int kTopkTurn = kTopkThreads * kTopkEach;
inline constexpr int kTopkListed = kTopkTurns * kTopkTurn;
inline constexpr int kTopkSample = kTopkTurn;

// Where in the row a place is: there, or where the list says; behind the begin of a block's stretch; one in so many.
struct TopkPlaces {
  bool listed;
  GPU_DEVICE bool neighbours() const { return !listed; }
  GPU_DEVICE int operator()(int t) const { return listed ? reinterpret_cast<const TopkShared*>(lds())->list[t] : t; }
};
struct TopkStretch {
  int begin;
  GPU_DEVICE static bool neighbours() { return true; }
  GPU_DEVICE int operator()(int t) const { return begin + t; }
};
struct TopkSampled {
  int length;
  GPU_DEVICE static bool neighbours() { return false; }
  GPU_DEVICE int operator()(int t) const { return static_cast<int>(int64_t{t} * length / kTopkSample); }
};

// Four neighbours; those past the end are the last one.
GPU_DEVICE void four_of(const float* x, int t, int length, float (&v)[kTopkEach]) {
  const bool whole = t + kTopkEach <= length && reinterpret_cast<uintptr_t>(x) % 16 == 0;
  if (whole) {
    const Vec16 u = *reinterpret_cast<const Vec16*>(x + t);
    v[0] = std::bit_cast<float>(u.x), v[1] = std::bit_cast<float>(u.y);
    v[2] = std::bit_cast<float>(u.z), v[3] = std::bit_cast<float>(u.w);
  } else {
#pragma unroll
    for (int e = 0; e < kTopkEach; ++e) v[e] = x[t + e < length ? t + e : length - 1];
  }
}

// The keys of a row as a thread sees them: kTopkEach places of each turn of the block; position(place) is where in the
// row that is. A row of at most kKeep turns is kept: read once.
template <int kKeep, class Position>
struct TopkRow {
  const float* x;
  int length;
  Position position;
  uint32_t keys[kKeep ? kKeep : 1][kTopkEach];

  // Places behind the end hold 0, less than any number's key: they are taken behind all others, so never.
  GPU_DEVICE int place(int turn) const { return turn * kTopkTurn + static_cast<int>(thread_id()) * kTopkEach; }
  GPU_DEVICE void read(int t0, uint32_t (&to)[kTopkEach]) const {
    float v[kTopkEach];
    if (position.neighbours()) {
      four_of(x + position(0), t0, length, v);
    } else {
#pragma unroll
      for (int i = 0; i < kTopkEach; ++i) v[i] = x[position(t0 + i < length ? t0 + i : length - 1)];
    }
#pragma unroll
    for (int i = 0; i < kTopkEach; ++i) to[i] = t0 + i < length ? order_key(v[i]) : 0;
  }
  GPU_DEVICE void keep() {
    if constexpr (kKeep > 0) {
#pragma unroll
      for (int turn = 0; turn < kKeep; ++turn) {
        if (turn * kTopkTurn < length) read(place(turn), keys[turn]);
      }
    }
  }
  // see(first place, keys) for every turn; all threads of the block take every turn that the row reaches.
  template <class See>
  GPU_DEVICE void each(const See& see) {
    if constexpr (kKeep > 0) {
#pragma unroll
      for (int turn = 0; turn < kKeep; ++turn) {
        if (turn * kTopkTurn < length) see(place(turn), keys[turn]);
      }
    } else {
      for (int turn = 0; turn * kTopkTurn < length; ++turn) {
        read(place(turn), keys[0]);
        see(place(turn), keys[0]);
      }
    }
  }
};

// The k largest are those whose masked key is above the prefix, and the first `missing` of those where it is equal.
struct TopkBound {
  uint32_t prefix = 0, mask = 0;
  int missing = 0;
};

// Counts of the cluster's blocks added up in `total`; of one block its own.
GPU_DEVICE const int* cluster_counts(TopkShared& s, const int* count, int blocks) {
  if (blocks == 1) {
    barrier();
    return count;
  }
  cluster_barrier();
  const int digit = static_cast<int>(thread_id());
  if (digit < 256) s.total[digit] = cluster_sum(count + digit, blocks);
  barrier();
  return s.total;
}

// Digits from the highest down to the one at `lowest`, of the rows of `blocks` blocks together.
template <class Row>
GPU_DEVICE TopkBound topk_bound(Row& row, TopkShared& s, int k, int lowest, int blocks) {
  TopkBound b;
  b.missing = k;
  bool found = false;
  for (int shift = 24; shift >= lowest && !found; shift -= 8) {
    int* count = s.count[shift / 8 % 2];
    for (int i = static_cast<int>(thread_id()); i < 256; i += kTopkThreads) count[i] = 0;
    barrier();
    row.each([&](int, const uint32_t (&keys)[kTopkEach]) {
#pragma unroll
      for (int i = 0; i < kTopkEach; ++i) {
        if ((keys[i] & b.mask) == b.prefix) atomic_add(&count[keys[i] >> shift & 255u], 1);
      }
    });
    const int* counts = cluster_counts(s, count, blocks);
    find_digit(s, counts, b.missing);
    b.prefix |= static_cast<uint32_t>(s.digit) << shift;
    b.mask |= 255u << shift;
    b.missing -= s.above;
    found = counts[s.digit] == b.missing;  // all that begin so are taken: their other digits decide nothing
  }
  return b;
}

// Adds those of the waves before this one to `before`, and returns the block's sum. `mine`: the wave's, in its last lane.
GPU_DEVICE int waves_before(TopkShared& s, int mine, int& before) {
  if (lane_id() == kWave - 1) s.wave_counts[wave_id()] = mine;
  barrier();
  int all = 0;
  for (int w = 0; w < kTopkWaves; ++w) {
    if (w == wave_id()) before += all;
    all += s.wave_counts[w];
  }
  barrier();
  return all;
}

// How many of a thread's keys lie above the bound, in the high half, and how many on it.
GPU_DEVICE int topk_both(const TopkBound& b, const uint32_t (&keys)[kTopkEach]) {
  int mine = 0;
#pragma unroll
  for (int i = 0; i < kTopkEach; ++i) {
    const uint32_t top = keys[i] & b.mask;
    mine += top > b.prefix ? 1 << 16 : top == b.prefix ? 1 : 0;
  }
  return mine;
}

// Turn by turn, behind those that blocks before this one write (`above`) or have on the bound (`equals`).
template <class Row>
GPU_DEVICE void topk_write(Row& row, TopkShared& s, const TopkBound& b, int written, int equals, const int32_t* table, int32_t* out) {
  row.each([&](int t0, const uint32_t (&keys)[kTopkEach]) {
    const int mine = topk_both(b, keys);
    int before = lanes_before(mine);  // this thread included
    const int wave = before;
    const int tile = waves_before(s, wave, before);
    before -= mine;
    int above = written + (before >> 16), equal = equals + (before & 0xffff);
#pragma unroll
    for (int i = 0; i < kTopkEach; ++i) {
      const uint32_t top = keys[i] & b.mask;
      const bool more = top > b.prefix, same = top == b.prefix;
      if (more || (same && equal < b.missing)) out[above + (equal < b.missing ? equal : b.missing)] = table[row.position(t0 + i)];
      above += more, equal += same;
    }
    written += tile >> 16;
    equals += tile & 0xffff;
  });
}

template <int kKeep, class Position>
GPU_DEVICE void topk_row(TopkShared& s, const float* x, int length, const Position& position, int k, const int32_t* table,
                         int32_t* out) {
  TopkRow<kKeep, Position> row{x, length, position, {}};
  row.keep();
  topk_write(row, s, topk_bound(row, s, k, 0, 1), 0, 0, table, out);
}

inline constexpr int kTopkSharedTurns = 4;
inline constexpr int kTopkShared = kTopkSharedTurns * kTopkTurn;  // keys a block of a cluster keeps

// This block's keys above the bound and on it, where the cluster's other blocks see them.
template <class Row>
GPU_DEVICE void cluster_sums(Row& row, TopkShared& s, const TopkBound& b) {
  if (thread_id() < 2) s.sums[thread_id()] = 0;
  int mine = 0;
  row.each([&](int, const uint32_t (&keys)[kTopkEach]) { mine += topk_both(b, keys); });
  barrier();
  if (mine != 0) {
    atomic_add(&s.sums[0], mine >> 16);
    atomic_add(&s.sums[1], mine & 0xffff);
  }
  cluster_barrier();
}

// A stretch a block. All blocks of the cluster call it.
GPU_DEVICE void topk_shared(TopkShared& s, const float* x, int length, int k, const int32_t* table, int32_t* out) {
  const int blocks = cluster_size(), stretch = ((length + blocks - 1) / blocks + kTopkEach - 1) / kTopkEach * kTopkEach;
  const int begin = cluster_rank() * stretch, left = length - begin;
  TopkRow<kTopkSharedTurns, TopkStretch> row{x, left < 0 ? 0 : left < stretch ? left : stretch, {begin}, {}};
  row.keep();
  const TopkBound b = topk_bound(row, s, k, 0, blocks);
  int above = 0, equals = 0;
  if (blocks > 1) {
    cluster_sums(row, s, b);
    for (int rank = 0; rank < cluster_rank(); ++rank) {
      const int* sums = lds_of(s.sums, rank);
      above += sums[0], equals += sums[1];
    }
    cluster_leave(static_cast<uint32_t>(above + equals));  // counts of passes were read ahead of the barrier in cluster_sums()
  }
  topk_write(row, s, b, above, equals, table, out);
  if (blocks > 1) cluster_left();
}

inline constexpr int kTopkSteps = 16;  // of a wave in a round: 4 places a lane

// The next `steps` times 4 kWave keys of this wave from t0 on: which of them reach `least`, four bits a step.
GPU_DEVICE void mark_steps(const float* x, int length, int t0, int steps, uint32_t least, uint32_t (&marks)[kTopkSteps / 8]) {
  constexpr int kAtOnce = 4;
#pragma unroll
  for (int first = 0; first < kTopkSteps; first += kAtOnce) {
    if (first % 8 == 0) marks[first / 8] = 0;
    if (first >= steps) continue;
    float v[kAtOnce][kTopkEach];
    const int at = t0 + (first * kWave + lane_id()) * kTopkEach;
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) four_of(x, at + i * kWave * kTopkEach, length, v[i]);
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
#pragma unroll
      for (int e = 0; e < kTopkEach; ++e) {
        const bool inside = first + i < steps && at + i * kWave * kTopkEach + e < length;
        if (inside && order_key(v[i][e]) >= least) marks[first / 8] |= 1u << ((first % 8 + i) * kTopkEach + e);
      }
    }
  }
}

// Positions of all keys that reach `least`, ascending, in s.list; how many, or more than kTopkListed. A wave takes
// neighbouring stretches of a round.
GPU_DEVICE int topk_list(TopkShared& s, const float* x, int length, uint32_t least) {
  constexpr int kStep = kWave * kTopkEach;
  int listed = 0;
  for (int round = 0; round < length && listed <= kTopkListed; round += kTopkSteps * kTopkTurn) {
    const int left = length - round, turns = (left + kTopkTurn - 1) / kTopkTurn, steps = turns < kTopkSteps ? turns : kTopkSteps;
    const int t0 = round + wave_id() * steps * kStep;
    uint32_t marks[kTopkSteps / 8];
    mark_steps(x, length, t0, steps, least, marks);
    int mine = 0;
#pragma unroll
    for (int half = 0; half < kTopkSteps / 8; ++half) mine += count_bits(marks[half]);
    int at = listed;
    listed += waves_before(s, lanes_before(mine), at);
    if (listed > kTopkListed) break;
#pragma unroll
    for (int two = 0; two < kTopkSteps; two += 2) {  // two steps' counts in one word
      const uint32_t bits = marks[two / 8] >> two % 8 * kTopkEach & 255u;
      const int own = count_bits(bits & 15u) | count_bits(bits >> 4) << 16;
      const int upto = lanes_before(own), whole = wave_from(upto, kWave - 1), before = upto - own;
#pragma unroll
      for (int step = 0; step < 2; ++step) {
        int to = at + (step == 0 ? before & 0xffff : before >> 16);
        const int t = t0 + ((two + step) * kWave + lane_id()) * kTopkEach;
#pragma unroll
        for (int e = 0; e < kTopkEach; ++e) {
          if (bits >> (step * 4 + e) & 1u) s.list[to++] = t + e;
        }
        at += step == 0 ? whole & 0xffff : whole >> 16;
      }
    }
  }
  barrier();
  return listed;
}

// Of a row longer than what is kept: one in so many keys says of the k-th largest, a quarter and some safer. How many
// are listed, or 0.
GPU_DEVICE int topk_sample(TopkShared& s, const float* x, int length, int k) {
  TopkRow<1, TopkSampled> sample{x, kTopkSample, {length}, {}};
  sample.keep();
  const int share = static_cast<int>(int64_t{k} * kTopkSample / length), rank = share + share / 4 + 32;
  const int listed = rank < kTopkSample ? topk_list(s, x, length, topk_bound(sample, s, rank, 16, 1).prefix) : 0;
  return listed >= k && listed <= kTopkListed ? listed : 0;
}

GPU_DEVICE void topk(const TopkArgs& a) {
  auto& s = *reinterpret_cast<TopkShared*>(lds());
  const int64_t row = blockIdx.x, length = a.lengths[row];
  const int32_t* table = a.slot_table + blockIdx.x / static_cast<uint32_t>(a.next_n) * a.slot_stride;
  int32_t* out = a.slots + row * a.k;
  if (length <= a.k) {
    for (int64_t i = thread_id(); i < a.k && cluster_rank() == 0; i += kTopkThreads) out[i] = i < length ? table[i] : -1;
    return;
  }
  const float* x = a.logits + row * a.S;
  auto count = static_cast<int>(length);
  const auto k = static_cast<int>(a.k);
  if (count <= cluster_size() * kTopkShared) return topk_shared(s, x, count, k, table, out);
  if (cluster_rank() > 0) return;
  const int listed = topk_sample(s, x, count, k);
  if (listed)
    topk_row<kTopkTurns>(s, x, listed, TopkPlaces{true}, k, table, out);
  else
    topk_row<0>(s, x, count, TopkPlaces{false}, k, table, out);
}
inline Launch launch(const TopkArgs& a, const Traits& device) {
  const int64_t rows = a.B * a.next_n, listed = a.S > kTopkShared ? kTopkListed * 4 : 0;
  int cluster = 1;  // not more than fit at once: clusters leave places free
  while (a.S > kTopkListed && 2 * cluster <= device.cluster && 4 * cluster * rows <= device.units) cluster *= 2;
  Launch l = gpu::blocks(Kernel::topk, rows, cluster, kTopkThreads, static_cast<int64_t>(sizeof(TopkShared)) + listed);
  l.cluster = cluster;
  return l;
}

}  // namespace kernels::GPU_NS
