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

constexpr int stage_bytes(bool both) {  // both: tokens 8 and up count
  return (4 + (both ? 4 : 2)) * kWave * 16 + kScaleBytes;
}
constexpr int64_t ring_bytes(bool both, int waves, int depth = kRing) {
  return int64_t{depth} * stage_bytes(both) * waves;
}

// What one lane copies of 16 rows by 16 tokens: its pieces' addresses at the first byte of K, and the scale that is its
// to bring (lanes 0 to 15: of that token; lane 16: of the weights). Null where there is no such token: what the stage
// holds there makes columns that nobody reads. (Copying the last token instead was tried: equal addresses in one
// instruction cost as much as different ones, and a single token took three times as long as sixteen.)
struct Feed {
  const uint8_t *left[kPieces], *right[kPieces];
  const float* scale;
  int64_t scale_step;  // floats from one step's to the next
  int64_t bytes;       // of a row, a multiple of kStageBytes
};

// kBoth: of up to 16 tokens, else of up to 8. Every instruction counts: at full bandwidth a multiprocessor has some 400
// issue slots a stage.
template <bool kBoth, bool kBf16>
struct Ring {
  static constexpr int kBytes = stage_bytes(kBoth);
  uint8_t* memory;  // of this wave

  GPU_DEVICE uint8_t* piece(int slot, int i) const { return memory + slot * kBytes + (i * kWave + lane_id()) * 16; }
  GPU_DEVICE float* scales(int slot) const { return reinterpret_cast<float*>(memory + (slot + 1) * kBytes - kScaleBytes); }
  GPU_DEVICE void weights(int slot, const Feed& f, int64_t step) const {
    const int64_t at = step * kStageBytes;
    const LdsAddress to = lds_address(piece(slot, 0));
#pragma unroll
    for (int j = 0; j < 2 * kPieces; ++j) copy16_async(to + j * kWave * 16, f.left[j % kPieces] + at + j / kPieces * 64, true);
    if constexpr (!kBf16)
      copy4_async(lds_address(scales(slot) + kUnitScale), f.scale + step * f.scale_step, lane_id() == kUnitScale);
  }
  GPU_DEVICE void tokens(int slot, const Feed& f, int64_t step) const {
    const int64_t at = step * kStageBytes;
    const LdsAddress to = lds_address(piece(slot, 4));
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      copy16_async(to + half * kWave * 16, f.right[0] + at + half * 64, f.right[0] != nullptr);
      if constexpr (kBoth) copy16_async(to + (2 + half) * kWave * 16, f.right[1] + at + half * 64, f.right[1] != nullptr);
    }
    if constexpr (!kBf16)
      copy4_async(lds_address(scales(slot) + lane_id()), f.scale + step * f.scale_step, lane_id() < kUnitScale && f.scale);
  }
  GPU_DEVICE Piece at(int slot, int i) const { return *reinterpret_cast<const Piece*>(piece(slot, i)); }

  // The stage's product: e4m3, times its scales, or bf16. All lanes of the wave call it; the stage has arrived.
  GPU_DEVICE void multiply(int slot, Acc& acc) const {
    Acc part = {};
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const Piece a[kPieces] = {at(slot, half * 2), at(slot, half * 2 + 1)};
      const Piece b[kPieces] = {at(slot, 4 + half), kBoth ? at(slot, 6 + half) : no_piece()};
      if constexpr (kBf16)
        mma_bf16(acc, a, b, kBoth);
      else
        mma_fp8(part, a, b, kBoth);
    }
    if constexpr (!kBf16) {
      const float unit = scales(slot)[kUnitScale];
      constexpr int kUsed = kBoth ? kAcc : kAcc / 2;  // those of tokens 8 and up come last
      float by[kAccColumns];
#pragma unroll
      for (int i = 0; i < (kBoth ? kAccColumns : kAccColumns / 2); ++i) by[i] = unit * scales(slot)[column_of(lane_id(), i)];
#pragma unroll
      for (int r = 0; r < kUsed; ++r) acc.c[r] += part.c[r] * by[column_index(r)];
    }
  }
};

// Steps first, first + by, ... below `steps`: how many.
GPU_DEVICE int turns_of(int64_t first, int64_t by, int64_t steps) {
  return first < steps ? static_cast<int>((steps - first + by - 1) / by) : 0;
}

// One wave's share of one tile, all of its weights known before the launch: they are asked for ahead of what the
// previous kernel writes.
template <bool kBoth, bool kBf16>
GPU_DEVICE void stream_tile(const Ring<kBoth, kBf16>& ring, Acc& acc, const Feed& f, int64_t first, int64_t by) {
  const int turns = turns_of(first, by, f.bytes / kStageBytes);
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
    ring.multiply(slot, acc);
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
