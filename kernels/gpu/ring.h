// A wave's stream of weights through shared memory, for waves of 32 whose device copies asynchronously (gpu.h). A stage
// is 128 bytes of 16 weight rows and of up to 16 tokens, with the tokens' and the weights' scales; kRing of them are
// under way. Each lane copies the very pieces that it multiplies, so nothing but the scales is shared among lanes.
//
//   for each of the first kRing steps: weights(step), close      may stand before wait_for_previous()
//   for each of the first kRing steps: tokens(step), close
//   for each step: wait, read or multiply, then weights + tokens of the step kRing later, close
//
// Registers were tried first: one step ahead in them spilled at 128 a thread and was no faster.
#pragma once
#include "kernels/gpu/mma.h"

#if GPU_WAVE == 32
namespace kernels::GPU_NS {

inline constexpr int kRing = 3;            // stages under way a wave
inline constexpr int kStageBytes = 128;    // of a row
inline constexpr int kScaleBytes = 128;    // of a stage: 16 floats of tokens, one of the weights
inline constexpr int kUnitScale = 16;      // its place

constexpr int64_t stage_bytes(bool both) {  // both: tokens 8 and up count
  return (4 + (both ? 4 : 2)) * kWave * 16 + kScaleBytes;
}
constexpr int64_t ring_bytes(bool both, int waves, int depth = kRing) {
  return depth * stage_bytes(both) * waves;
}

// What one lane copies of 16 rows by 16 tokens: its pieces' addresses at the first byte of K, and the scale that is its
// to bring (lanes 0 to 15: of that token; lane 16: of the weights). Null where there is no such token: what the stage
// holds there makes columns that nobody reads. (Copying the last token instead was tried: equal addresses in one
// instruction cost as much as different ones, and a single token took three times as long as sixteen.)
struct Feed {
  const uint8_t *left[kPieces], *right[kPieces];
  const float* scale;
  int64_t scale_step;  // floats from one step's to the next
  int64_t bytes;       // of a row
};

struct Ring {
  uint8_t* memory;  // of this wave
  bool both;

  GPU_DEVICE uint8_t* piece(int slot, int i) const {
    return memory + slot * stage_bytes(both) + (i * kWave + lane_id()) * 16;
  }
  GPU_DEVICE float* scales(int slot) const {
    return reinterpret_cast<float*>(memory + (slot + 1) * stage_bytes(both) - kScaleBytes);
  }
  GPU_DEVICE void copy(int slot, int i, const uint8_t* from, bool inside) const {
    if (inside)
      copy16_async(piece(slot, i), from);
    else
      *reinterpret_cast<Piece*>(piece(slot, i)) = no_piece();
  }
  GPU_DEVICE void weights(int slot, const Feed& f, int64_t step) const {
    const int64_t at = step * kStageBytes, part = piece_part(lane_id()) * 16;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int i = 0; i < kPieces; ++i)
        copy(slot, half * 2 + i, f.left[i] + at + half * 64, at + half * 64 + part < f.bytes);
    }
    if (lane_id() == kUnitScale && f.scale) copy4_async(scales(slot) + kUnitScale, f.scale + step * f.scale_step);
  }
  GPU_DEVICE void tokens(int slot, const Feed& f, int64_t step) const {
    const int64_t at = step * kStageBytes, part = piece_part(lane_id()) * 16;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const bool inside = at + half * 64 + part < f.bytes;
      if (f.right[0]) copy(slot, 4 + half, f.right[0] + at + half * 64, inside);
      if (both && f.right[1]) copy(slot, 6 + half, f.right[1] + at + half * 64, inside);
    }
    if (lane_id() < kUnitScale && f.scale) copy4_async(scales(slot) + lane_id(), f.scale + step * f.scale_step);
  }
  GPU_DEVICE Piece at(int slot, int i) const { return *reinterpret_cast<const Piece*>(piece(slot, i)); }

  // The stage's product: e4m3, times its scales, or bf16. All lanes of the wave call it; the stage has arrived.
  GPU_DEVICE void multiply(int slot, Acc& acc, bool bf16) const {
    Acc part = {};
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const Piece a[kPieces] = {at(slot, half * 2), at(slot, half * 2 + 1)};
      const Piece b[kPieces] = {at(slot, 4 + half), both ? at(slot, 6 + half) : no_piece()};
      if (bf16)
        mma_bf16(acc, a, b, both);
      else
        mma_fp8(part, a, b, both);
    }
    if (bf16) return;
    const float unit = scales(slot)[kUnitScale];
    float by[kAccColumns];
#pragma unroll
    for (int i = 0; i < kAccColumns; ++i) by[i] = unit * scales(slot)[column_of(lane_id(), i)];
#pragma unroll
    for (int r = 0; r < kAcc; ++r) acc.c[r] += part.c[r] * by[column_index(r)];
  }
};

// Steps first, first + by, ... below `steps`: how many.
GPU_DEVICE int turns_of(int64_t first, int64_t by, int64_t steps) {
  return first < steps ? static_cast<int>((steps - first + by - 1) / by) : 0;
}

// One wave's share of one tile, all of its weights known before the launch: they are asked for ahead of what the
// previous kernel writes.
GPU_DEVICE void stream_tile(const Ring& ring, Acc& acc, const Feed& f, int64_t first, int64_t by, bool bf16) {
  const int turns = turns_of(first, by, (f.bytes + kStageBytes - 1) / kStageBytes);
#pragma unroll
  for (int i = 0; i < kRing; ++i) {
    if (i < turns) ring.weights(i, f, first + i * by);
    copies_close();
  }
  wait_for_previous();
#pragma unroll
  for (int i = 0; i < kRing; ++i) {
    if (i < turns) ring.tokens(i, f, first + i * by);
    copies_close();
  }
  for (int i = 0, slot = 0; i < turns; ++i, slot = slot + 1 == kRing ? 0 : slot + 1) {
    copies_wait<kRing - 1>();
    wave_barrier();  // the scales are other lanes' copies
    ring.multiply(slot, acc, bf16);
    wave_barrier();  // and have been read
    if (i + kRing < turns) {
      ring.weights(slot, f, first + (i + kRing) * by);
      ring.tokens(slot, f, first + (i + kRing) * by);
    }
    copies_close();
  }
}

}  // namespace kernels::GPU_NS
#endif
