// Index logits of 33 to 64 heads on Hopper: tiles and their copies are those of logits_wave32.h, four waves side by side; a
// key is a row of the warpgroup's matrix operand, in registers, and the queries are the other one, in shared memory as f16.
// What it replaces held the queries in registers: 64 heads took 224 of them, eight waves a multiprocessor, and 34 % of the
// issue slots (ncu); here a wave has 128 and sixteen are there.
// Not run by the emulator: elsewhere logits_wave32.h takes 64 heads too.
#pragma once
#include "kernels/gpu/hopper.h"
#include "kernels/gpu/logits_wave32.h"

namespace kernels::GPU_NS {

inline constexpr int kWideLogitHeads = 64, kWideLogitBlocks = 4;  // blocks a multiprocessor
inline constexpr int kWideLogitQuery = kWideLogitHeads * 128;     // bytes of half of the queries' columns as f16
// From an address that is a multiple of 1,024 on: queries, rings.
inline constexpr int64_t kWideLogitLds = 2 * kWideLogitQuery + kLogitLds + 1024;

#if defined(GPU_CUDA)

GPU_DEVICE void mqa_logits_wide(const MqaLogitsArgs& a) {
  const int lane = lane_id(), group = lane / 4, part = lane % 4;
  const int64_t row = blockIdx.y;
  uint8_t* memory = lds() + static_cast<uint32_t>(-lds_address(lds())) % 1024;
  const LdsAddress queries = lds_address(memory);
  int first = 0;
  LogitTiles ahead = logit_tiles(a, memory + 2 * kWideLogitQuery, &first);
  const int32_t length = ahead.length;
  const int last = ahead.last;
  if (first >= last) return;  // the whole block; waves without a tile go along: the matrix instruction wants all four
  int32_t pages[kLogitStages - 1];
#pragma unroll
  for (int i = 0; i < kLogitStages - 1; ++i) pages[i] = ahead.page_of(ahead.tile + i * kLogitWaves);
  int32_t page = 0;
#pragma unroll
  for (int i = 0; i < kLogitStages - 1; ++i) {
    page = ahead.fetch(pages[i], kLogitStages - 1);
    pages[i] = page;
  }
  page = pages[0];
  // Each wave widens 16 heads; zeros past the token's.
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const int head = wave_id() * 16 + 8 * i;
    const int64_t h = head + group;
#pragma unroll
    for (int half = 0; half < 2; ++half)
      store_ready(queries + half * kWideLogitQuery, head,
                  ready(h < a.H ? piece_at(a.q + (row * a.H + h) * kIndexDim + half * 64 + part * 16) : no_piece()));
  }
  float gate[8][2];
#pragma unroll
  for (int n = 0; n < 8; ++n) {
#pragma unroll
    for (int c = 0; c < 2; ++c) {
      const int64_t h = n * 8 + part * 2 + c;
      gate[n][c] = h < a.H ? a.gates[row * a.H + h] : 0.0f;
    }
  }
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  barrier();
  const int swizzle = logit_swizzle(group);  // keys group and group + 8
  const uint8_t* from = ahead.ring + group * kIndexDim + (part ^ (swizzle & 3)) * 16;
  float* logits = a.logits + row * a.S;
  int stage = 0;
  for (int tile0 = first; tile0 < last; tile0 += kLogitWaves, stage = (stage + 1) % kLogitStages) {
    copies_wait<kLogitStages - 2>();
    wave_barrier();
    const int stage_of = stage * kLogitStage;
    page = ahead.fetch(page, 1);  // into the place of the last tile, which no lane looks at any more
    uint32_t keys[8][4];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const uint8_t* at = from + stage_of + (half * 4 ^ (swizzle & 4)) * 16;
      const Ready low = ready(piece_at(at)), high = ready(piece_at(at + 8 * kIndexDim));
#pragma unroll
      for (int s = 0; s < 4; ++s) {
        uint32_t* k = keys[half * 4 + s];
        k[0] = low.f16[2 * s], k[1] = high.f16[2 * s], k[2] = low.f16[2 * s + 1], k[3] = high.f16[2 * s + 1];
      }
    }
    const auto* scales = reinterpret_cast<const float*>(ahead.ring + stage_of + kLogitTile * kIndexDim);
    const float scale[2] = {scales[group], scales[group + 8]};
    MatrixSums dot;
    mma_begin();
#pragma unroll
    for (int s = 0; s < 8; ++s) mma_f16(dot, keys[s], lds_matrix(queries) + lds_matrix_bytes(s / 4 * kWideLogitQuery + s % 4 * 32), s > 0);
    mma_end();
    float sum[2] = {};
#pragma unroll
    for (int n = 0; n < 8; ++n) {
#pragma unroll
      for (int r = 0; r < 4; ++r) sum[r / 2] = fmaf(gate[n][r % 2], relu(dot.c[4 * n + r] * scale[r / 2]), sum[r / 2]);
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      sum[i] = group_sum<4>(sum[i]);
      const int32_t t = (tile0 + wave_id()) * kLogitTile + group + 8 * i;
      if (part == 0 && tile0 + wave_id() < last && t < length) logits[t] = sum[i];
    }
  }
}

#endif
}  // namespace kernels::GPU_NS
