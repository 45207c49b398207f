// Index logits for waves of 64 (kernels/gpu/logits.h): queries stay in registers while a wave walks its keys, the
// next ones under way in registers too.
#pragma once
#include "kernels/gpu/mma.h"
#include "kernels/mqa_logits.h"

namespace kernels::GPU_NS {

inline constexpr int kLogitThreads = 128;
inline constexpr int kLogitWaves = kLogitThreads / kWave;
inline constexpr int kLogitKeys = 256;  // of a block

// Pages of one token lie 132 bytes apart: their chunks are 4-byte aligned, no more.
GPU_DEVICE Piece chunk_at(const uint8_t* p, bool whole) {
  if (whole) return piece_at(p);
  const auto* w = reinterpret_cast<const uint32_t*>(p);
  return {w[0], w[1], w[2], w[3]};
}

// What a lane needs of 16 keys, so that the next ones lie under way while these are multiplied.
struct LogitKeys {
  Piece key[2][kPieces];
  float scale[kAcc];
};

// HT tiles of 16 heads.
template <int HT>
GPU_DEVICE void mqa_logits(const MqaLogitsArgs& a) {
  const int lane = lane_id();
  const int64_t b = blockIdx.y / a.next_n, row = blockIdx.y;
  const int64_t length = a.lengths[row], first = int64_t{blockIdx.x} * kLogitKeys;
  if (first >= length) return;
  const bool whole = a.cache.page_size % 4 == 0;
  // Queries and gates of this token: pieces of its heads, zero past the last.
  Ready q[HT][2][kPieces];
  float gate[HT][kAcc];
#pragma unroll
  for (int t = 0; t < HT; ++t) {
#pragma unroll
    for (int i = 0; i < kPieces; ++i) {
      const int64_t h = t * 16 + piece_row(lane, i);
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int64_t d = half * 64 + piece_part(lane) * 16;
        q[t][half][i] = ready(h < a.H ? piece_at(a.q + (row * a.H + h) * kIndexDim + d) : no_piece());
      }
    }
#pragma unroll
    for (int r = 0; r < kAcc; ++r) {
      const int64_t h = t * 16 + acc_col(lane, r);
      gate[t][r] = h < a.H ? a.gates[row * a.H + h] : 0.0f;
    }
  }
  const auto end = static_cast<int32_t>(first + kLogitKeys < length ? first + kLogitKeys : length);
  const auto page_size = static_cast<uint32_t>(a.cache.page_size);
  const int32_t* table = a.block_table + b * a.table_stride;
  // A lane's keys and scales of the 16 from t0 on; the last of the row stands in for those past the end.
  const auto load = [&](int32_t t0) {
    LogitKeys k;
    const auto page_of = [&](int32_t t, uint32_t* in_page) {
      const auto u = static_cast<uint32_t>(t < length ? t : length - 1);
      *in_page = u % page_size;
      return a.cache.data + table[u / page_size] * index_page_bytes(a.cache.page_size);
    };
    uint32_t in_page;
#pragma unroll
    for (int i = 0; i < kPieces; ++i) {
      const uint8_t* page = page_of(t0 + piece_row(lane, i), &in_page);
#pragma unroll
      for (int half = 0; half < 2; ++half)
        k.key[half][i] = chunk_at(
            page + index_key_offset(a.cache.layout, static_cast<int>(in_page), half * 64 + piece_part(lane) * 16), whole);
    }
#pragma unroll
    for (int r = 0; r < kAcc; ++r) {
      const uint8_t* page = page_of(t0 + acc_row(lane, r), &in_page);
      k.scale[r] = *reinterpret_cast<const float*>(page + index_scale_offset(a.cache.page_size, static_cast<int>(in_page)));
    }
    return k;
  };
  int32_t t0 = static_cast<int32_t>(first) + wave_id() * 16;
  if (t0 >= end) return;  // a whole wave
  LogitKeys now = load(t0);
  for (; t0 < end; t0 += kLogitWaves * 16) {
    LogitKeys next = now;
    if (t0 + kLogitWaves * 16 < end) next = load(t0 + kLogitWaves * 16);
    Ready key[2][kPieces];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int i = 0; i < kPieces; ++i) key[half][i] = ready(now.key[half][i]);
    }
    float sum[kAcc] = {};
#pragma unroll
    for (int t = 0; t < HT; ++t) {
      Acc dot = {};
      const bool both = a.H > t * 16 + 8;
      mma_ready(dot, key[0], q[t][0], both);
      mma_ready(dot, key[1], q[t][1], both);
#pragma unroll
      for (int r = 0; r < kAcc; ++r) {
        const float v = dot.c[r] * now.scale[r];
        // Columns past the heads hold no logit; NaN of a real one passes through.
        if (t * 16 + acc_col(lane, r) < a.H) sum[r] += gate[t][r] * (v < 0.0f ? 0.0f : v);
      }
    }
    sum_columns(sum);
#pragma unroll
    for (int r = 0; r < kAcc; ++r) {
      const int32_t t = t0 + acc_row(lane, r);
      if (leads_row(lane, r) && t < length) a.logits[row * a.S + t] = sum[r];
    }
    now = next;
  }
}

constexpr int64_t logit_blocks(const MqaLogitsArgs& a, int64_t, int64_t) {
  return (a.S + kLogitKeys - 1) / kLogitKeys;
}
inline constexpr int64_t kLogitLds = 0;

}  // namespace kernels::GPU_NS
