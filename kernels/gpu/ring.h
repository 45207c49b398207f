// A wave's stream of weights through shared memory, for waves of 32 whose device copies asynchronously (gpu.h). A stage
// is 128 bytes of 16 weight rows and of up to 16 tokens, with the tokens' and the weights' scales; kRing of them are
// under way. Each lane copies the very pieces that it multiplies, so nothing but the scales is shared among lanes.
//
//   for each of the first kRing steps: weights(step), close      may stand before wait_for_previous()
//   for each of the first kRing steps: tokens(step), close
//   consume(): for each step: wait, multiply, then weights + tokens of the step kRing later, close; or two steps at a time,
//              read into registers, so that two more are asked for before they are multiplied
//
// Registers were tried first: one step ahead in them spilled at 128 a thread and was no faster. Two steps at a time are
// faster where waves are few (three a scheduler, each waiting 6 cycles an instruction for itself), else a little slower.
#pragma once
#include "kernels/gpu/mma.h"
#include "kernels/gpu/waits.h"

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
    const LdsAddress to = lds_address_of_lane(piece(slot, 0));
#pragma unroll
    for (int j = 0; j < 2 * kPieces; ++j) copy16_once(to + j * kWave * 16, f.left[j % kPieces] + at + j / kPieces * 64);
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

  // A stage in registers. The scales that lie with other lanes' copies are behind a wave_barrier(); those of tokens 8 and up
  // are looked at where they count.
  struct Stage {
    Piece a[2][kPieces], b[2][kPieces];
    float by[kAccColumns];
  };
  GPU_DEVICE Stage load(int slot, bool scales_of_both) const {
    Stage s{};
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      s.a[half][0] = at(slot, half * 2), s.a[half][1] = at(slot, half * 2 + 1);
      s.b[half][0] = at(slot, 4 + half), s.b[half][1] = kBoth ? at(slot, 6 + half) : no_piece();
    }
    if constexpr (!kBf16) {
      const float unit = scales(slot)[kUnitScale];
#pragma unroll
      for (int i = 0; i < kAccColumns; ++i) {
        if (i < kAccColumns / 2 || scales_of_both) s.by[i] = unit * scales(slot)[column_of(lane_id(), i)];
      }
    }
    return s;
  }
  // Adds a stage's product: e4m3, times its scales, or bf16. Its halves are sums of their own, so that neither waits for
  // the other. All lanes of the wave call it.
  GPU_DEVICE static void multiply(const Stage& s, Acc& acc) {
    Acc part[2] = {};
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      if constexpr (kBf16)
        mma_bf16(part[half], s.a[half], s.b[half], kBoth);
      else
        mma_fp8(part[half], s.a[half], s.b[half], kBoth);
    }
    constexpr int kUsed = kBoth ? kAcc : kAcc / 2;  // those of tokens 8 and up come last
#pragma unroll
    for (int r = 0; r < kUsed; ++r) {
      const float sum = part[0].c[r] + part[1].c[r];
      acc.c[r] += kBf16 ? sum : sum * s.by[column_index(r)];
    }
  }

  // What a ring of 8 tokens may do beside: nothing, or eight more (experts_fp8.h).
  struct NoMore {
    static constexpr bool kIs = false;
    bool there = false;
    GPU_DEVICE Piece piece(int, int) const { return no_piece(); }
  };
  // The weights of a stage times the tokens 8 to 15.
  GPU_DEVICE static void multiply_more(const Stage& s, const Piece (&more)[2], Acc& acc) {
    Acc part[2] = {};
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const Piece b[kPieces] = {more[half], no_piece()};
      mma_fp8(part[half], s.a[half], b, false);
    }
#pragma unroll
    for (int r = 0; r < kAcc / 2; ++r) acc.c[kAcc / 2 + r] += (part[0].c[r] + part[1].c[r]) * s.by[column_index(kAcc / 2 + r)];
  }

  // `count` stages from `slot` on, which moves on; refill(slot) asks for the next of all (or nothing) and closes.
  // more.piece(i, half): of stage i, this lane's piece of tokens 8 to 15, where more.there.
  template <int kDepth, bool kPairs = false, class Refill, class More = NoMore>
  GPU_DEVICE void consume(Acc& acc, int& slot, int count, const Refill& refill, const More& more = {}) const {
    const auto next = [](int i) { return i + 1 == kDepth ? 0 : i + 1; };
    const auto ask = [&](int i, Piece (&to)[2]) {
      if (More::kIs && more.there) to[0] = more.piece(i, 0), to[1] = more.piece(i, 1);
    };
    const auto add = [&](const Stage& s, const Piece (&tokens)[2]) {
      multiply(s, acc);
      if (More::kIs && more.there) multiply_more(s, tokens, acc);
    };
    const bool both = kBoth || (More::kIs && more.there);
    Piece tokens[2][2] = {{no_piece(), no_piece()}, {no_piece(), no_piece()}};
    int i = 0;
    for (; kPairs && i + 1 < count; i += 2) {
      const int second = next(slot);
      ask(i, tokens[0]);
      ask(i + 1, tokens[1]);
      copies_wait<kDepth - 2>();
      wave_barrier();  // the scales are other lanes' copies
      const Stage stages[2] = {load(slot, both), load(second, both)};
      wave_barrier();  // and have been read
      refill(slot);
      refill(second);
      add(stages[0], tokens[0]);
      add(stages[1], tokens[1]);
      slot = next(second);
    }
    for (; i < count; ++i) {
      ask(i, tokens[0]);
      copies_wait<kDepth - 1>();
      wave_barrier();
      add(load(slot, both), tokens[0]);
      wave_barrier();
      refill(slot);
      slot = next(slot);
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
  int slot = 0, asked = kRing;
  ring.template consume<kRing>(acc, slot, turns, [&](int free) {
    if (asked < turns) {
      ring.weights(free, f, first + asked * by);
      ring.tokens(free, f, first + asked * by);
    }
    ++asked;
    copies_close();
  });
}

}  // namespace kernels::GPU_NS
#endif
