// The sparse MLA partial over e4m3 rows for 64 heads at a time, on Hopper: blocks that stay and walk over the tiles of
// neighbouring splits, two warpgroups each. A tile's 64 rows come by asynchronous copies while the one before it is worked
// on, become f16 in shared memory once for all heads, and serve both products:
//   scores  heads are the 64-row operand, rows of the cache the other; a warpgroup half of the 576 columns, and the halves
//           are exchanged through shared memory
//   P V     probabilities from registers, as e4m3 (times 448) and f16; a warpgroup half of V's columns
// The matrix units need some 2,200 cycles a tile (1,150 for the scores, 1,000 for P V). Measured on the way: a block a
// split, both warpgroups all scores: 6 us a block and 4.8 a tile.
// Not run by the emulator: elsewhere mla_wave32.h takes 32 heads a block.
#pragma once
#include "kernels/gpu/hopper.h"
#include "kernels/gpu/mla_group.h"
#include "kernels/gpu/mma.h"

#if GPU_WAVE == 32
namespace kernels::GPU_NS {

inline constexpr int kMla64Heads = 64, kMla64Threads = 256;
inline constexpr int kMla64Latent = 512, kMla64Width = 576, kMla64Chunks = kMla64Width / 16;
inline constexpr int kMla64Block = 64 * 128;  // 64 rows x 64 values of f16: what one swizzle spans
inline constexpr int kMla64F16 = kMla64Width / 64 * kMla64Block;
// From an address that is a multiple of 1,024 on: queries (at 0) and a tile's rows, both as f16; the rows as they come; the
// warpgroups' halves of the scores; slots of two tiles.
struct Mla64Places {
  int rows = kMla64F16, raw = 2 * kMla64F16, halves = raw + kMlaTile * kMla64Width, slots = halves + 2 * 64 * 64 * 4,
      end = slots + 2 * kMlaTile * 4;
};
inline constexpr Mla64Places kMla64At;
inline constexpr int64_t kMla64Bytes = kMla64At.end + 1024;

// Shapes that the kernel is made for.
inline bool mla64_fits(const SparsePartialArgs& a) {
  return a.cache.format == Format::e4m3 && a.cache.latent == kMla64Latent && a.cache.width() == kMla64Width && a.H % kMla64Heads == 0;
}

#if defined(GPU_CUDA)

// Where a block's n-th tile is: of which token, 64 heads and split.
struct Mla64Walk {
  int first;                 // item (token, heads, split) of the block
  int heads, splits, tiles;  // 64 heads of a token, splits of those, tiles of a split
  struct Place {
    int m, query;      // token; (token, heads)
    int head0, split, tile;  // tile: of the token
    bool begins, ends;       // the split
  };
  GPU_DEVICE Place at(int n) const {
    const auto item = static_cast<uint32_t>(first + n / tiles), query = item / static_cast<uint32_t>(splits);
    Place p{};
    p.query = static_cast<int>(query), p.split = static_cast<int>(item % static_cast<uint32_t>(splits));
    p.m = static_cast<int>(query / static_cast<uint32_t>(heads)), p.head0 = static_cast<int>(query % static_cast<uint32_t>(heads)) * kMla64Heads;
    p.tile = p.split * tiles + n % tiles, p.begins = n % tiles == 0, p.ends = n % tiles == tiles - 1;
    return p;
  }
};

struct Mla64 {
  const SparsePartialArgs& a;
  uint8_t* memory;
  LdsAddress at;
  Mla64Walk walk;
  int count;  // tiles of this block
  int lane = lane_id(), wave = static_cast<int>(threadIdx.x) / kWave % 4, part = lane_id() % 4;
  float top[2], sum[2];  // heads lane / 4 and lane / 4 + 8 of the wave's 16
  MatrixSums out[4];     // columns 64 n + 256 (warpgroup)

  GPU_DEVICE int group() const { return static_cast<int>(threadIdx.x) / 128; }
  GPU_DEVICE int32_t* slots(int n) const { return reinterpret_cast<int32_t*>(memory + kMla64At.slots) + (n & 1) * kMlaTile; }
  // A slot of tile n a thread, of the first 64; into shared memory a tile later, so that nobody waits for it.
  GPU_DEVICE int32_t slot_of(int n) const {
    if (threadIdx.x >= kMlaTile || n >= count) return -1;
    const Mla64Walk::Place p = walk.at(n);
    return a.slots[int64_t{p.m} * a.topk + p.tile * kMlaTile + threadIdx.x];
  }
  GPU_DEVICE void put_slots(int n, int32_t slot) const {
    if (threadIdx.x < kMlaTile) slots(n)[threadIdx.x] = slot;
  }
  // A thread's share of 64 rows: 16-byte chunks part, part + 4, ... of one, so that all addresses are one and constants.
  GPU_DEVICE static int share_row() { return static_cast<int>(threadIdx.x) / 4; }
  GPU_DEVICE int share_raw() const { return kMla64At.raw + share_row() * kMla64Width + part * 16; }

  // A tile's rows are under way when this returns; masked ones are zeros.
  GPU_DEVICE void fetch(int tile) const {
    const int32_t slot = slots(tile)[share_row()];
    const uint8_t* from = static_cast<const uint8_t*>(a.cache.data) + int64_t{slot} * kMla64Width + part * 16;
    uint8_t* to = memory + share_raw();
    const LdsAddress row = lds_address_of_lane(to);
#pragma unroll
    for (int i = 0; i < kMla64Chunks / 4; ++i) {
      if (slot >= 0)
        copy16_once(row + i * 64, from + i * 64);
      else
        *reinterpret_cast<Piece*>(to + i * 64) = no_piece();
    }
    copies_close();
  }
  // This thread's share as f16 to where the matrix instructions look for it; piece(i): its i-th chunk.
  template <class Source>
  GPU_DEVICE void widen_all(int to, const Source& piece) const {
    const int chunk = part * 2, swizzle = share_row() % 8;
    uint8_t* row = memory + to + share_row() * 128;
    uint8_t *low = row + (chunk ^ swizzle) * 16, *high = row + ((chunk + 1) ^ swizzle) * 16;
#pragma unroll
    for (int i = 0; i < kMla64Chunks / 4; ++i) {
      const Ready r = ready(piece(i));
      *reinterpret_cast<Piece*>(low + i * kMla64Block) = {r.f16[0], r.f16[1], r.f16[2], r.f16[3]};
      *reinterpret_cast<Piece*>(high + i * kMla64Block) = {r.f16[4], r.f16[5], r.f16[6], r.f16[7]};
    }
  }

  // The same address, of which the compiler does not know it: else it keeps what follows from it in registers, from tile to
  // tile, and others have to leave.
  GPU_DEVICE static LdsAddress of_this_tile(LdsAddress address) {
    asm volatile("" : "+r"(address));
    return address;
  }
  // The scores of a tile, this warpgroup's half of the columns and then the other's; `meanwhile` runs beside the first.
  template <class Meanwhile>
  GPU_DEVICE void score(MatrixSums& s, const Meanwhile& meanwhile) const {
    // Four of the nine blocks of 64 columns, and half of the last.
    const LdsAddress four = of_this_tile(at + group() * 4 * kMla64Block), half = of_this_tile(at + 8 * kMla64Block + group() * 64);
    mma_begin();
#pragma unroll
    for (int i = 0; i < kMla64Width / 16 / 2; ++i) {
      const LdsAddress step = i < 16 ? four + static_cast<LdsAddress>(i / 4 * kMla64Block + i % 4 * 32) : half + (i - 16) * 32;
      mma_f16_lds(s, lds_matrix(step), lds_matrix(step + kMla64At.rows), i > 0);
    }
    mma_commit();
    meanwhile();
    mma_wait();
    const int thread = static_cast<int>(threadIdx.x) % 128;
    auto* halves = reinterpret_cast<float4*>(memory + kMla64At.halves);  // [warpgroup][4 of 32][thread]
#pragma unroll
    for (int i = 0; i < 8; ++i) halves[(group() * 8 + i) * 128 + thread] = {s.c[4 * i], s.c[4 * i + 1], s.c[4 * i + 2], s.c[4 * i + 3]};
    barrier();
#pragma unroll
    for (int i = 0; i < 8; ++i) {  // either way the same sum: both must find the same probabilities
      const float4 other = halves[((group() ^ 1) * 8 + i) * 128 + thread];
      s.c[4 * i] += other.x, s.c[4 * i + 1] += other.y, s.c[4 * i + 2] += other.z, s.c[4 * i + 3] += other.w;
    }
  }

  // 2^x, 0 below 2^-126: what is behind the smallest code either way.
  GPU_DEVICE static float power(float x) {
    float out;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(out) : "f"(x));
    return out;
  }

  // Scores become probabilities, the 64-row operand of P V; the heads' maxima and sums move on, and what they were shrinks.
  GPU_DEVICE void soften(int tile, MatrixSums& s, uint32_t (&p)[4][4], bool begins) {
    const float scale = a.scale * 1.44269504f;
    const int32_t* slot_of = slots(tile);
    float most[2] = {-INFINITY, -INFINITY};
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const int2 two = *reinterpret_cast<const int2*>(slot_of + 8 * j + 2 * part);
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        float& v = s.c[4 * j + r];
        v = (r % 2 == 0 ? two.x : two.y) >= 0 ? v * scale : -INFINITY;
        most[r / 2] = larger(most[r / 2], v);
      }
    }
    float shrink[2], from[2];
#pragma unroll
    for (int c = 0; c < 2; ++c) {
      most[c] = larger(most[c], wave_xor(most[c], 1));
      most[c] = larger(most[c], wave_xor(most[c], 2));
      if (!begins) most[c] = larger(top[c], most[c]);
      const bool none = most[c] == -INFINITY;
      shrink[c] = begins || none ? 1.0f : power(top[c] - most[c]);
      from[c] = none ? 0.0f : most[c];  // all masked: 2^-inf
      sum[c] = begins ? 0.0f : sum[c] * shrink[c];
      top[c] = most[c];
    }
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      float e[4];
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        e[r] = power(s.c[4 * j + r] - from[r / 2]);
        sum[r / 2] += e[r];
        e[r] *= kE4m3Max;
      }
      const uint32_t four = pack_e4m3(e[0], e[1], e[2], e[3]);
      p[j / 2][j % 2 * 2] = f16_of_e4m3(four), p[j / 2][j % 2 * 2 + 1] = f16_of_upper_e4m3(four);
    }
    if (begins || !__any_sync(0xffffffffu, shrink[0] != 1.0f || shrink[1] != 1.0f)) return;  // NaN shrinks
#pragma unroll
    for (int n = 0; n < 4; ++n) {
#pragma unroll
      for (int r = 0; r < 32; ++r) out[n].c[r] *= shrink[r / 2 % 2];
    }
  }

  GPU_DEVICE void weigh(const uint32_t (&p)[4][4], bool begins) {
    const LdsAddress rows = of_this_tile(at + kMla64At.rows);
    mma_begin();
#pragma unroll
    for (int k = 0; k < 4; ++k) {
#pragma unroll
      for (int n = 0; n < 4; ++n)
        mma_f16_columns(out[n], p[k], lds_matrix(rows + (group() * 4 + n) * kMla64Block + k * 16 * 128), k > 0 || !begins);
    }
    mma_end();
  }

  // Through shared memory, in the place of the rows: whole lines of output.
  GPU_DEVICE void finish(const Mla64Walk::Place& p) {
    const int64_t first_row = (int64_t{p.m} * a.splits + p.split) * a.H + p.head0;
    float norm[2];
#pragma unroll
    for (int c = 0; c < 2; ++c) {
      sum[c] = group_sum<4>(sum[c]);
      norm[c] = sum[c] > 0 ? 1.0f / (sum[c] * kE4m3Max) : sum[c];  // 0 when all is masked, NaN stays NaN
      const int64_t row = first_row + wave * 16 + lane / 4 + 8 * c;
      if (group() == 0 && part == 0) a.lse[row] = sum[c] == 0.0f ? kNoLse : log2f(sum[c]) + top[c];
    }
    barrier();  // the rows have been read by all
    const int row = wave * 16 + lane / 8 % 2 * 8 + lane % 8;
#pragma unroll
    for (int n = 0; n < 4; ++n) {
#pragma unroll
      for (int j = 0; j < 8; j += 2) {
        const float* c = out[n].c + 4 * j;
        const LdsAddress to = at + kMla64At.rows + (group() * 4 + n) * kMla64Block + row * 128 + ((j + lane / 16) ^ row % 8) * 16;
        store_matrices(to, two_bf16(c[0] * norm[0], c[1] * norm[0]), two_bf16(c[2] * norm[1], c[3] * norm[1]),
                       two_bf16(c[4] * norm[0], c[5] * norm[0]), two_bf16(c[6] * norm[1], c[7] * norm[1]));
      }
    }
    barrier();
    constexpr int kPieces16 = kMla64Latent * 2 / 16;  // of a head's row
#pragma unroll 4
    for (int i = static_cast<int>(threadIdx.x); i < kMla64Heads * kPieces16; i += kMla64Threads) {
      const int head = i / kPieces16, c = i % kPieces16;
      const Piece piece = piece_at(memory + kMla64At.rows + c / 8 * kMla64Block + head * 128 + (c % 8 ^ head % 8) * 16);
      *reinterpret_cast<Piece*>(a.out + (first_row + head) * kMla64Latent + c * 8) = piece;
    }
  }
};

GPU_DEVICE void sparse_mla_fp8_64(const SparsePartialArgs& a) {
  const auto shift = static_cast<uint32_t>(-lds_address(lds())) % 1024;
  const int heads = static_cast<int>(a.H) / kMla64Heads, splits = static_cast<int>(a.splits);
  const int tiles = static_cast<int>(a.topk / kMlaTile) / splits;
  const int64_t items = a.M * heads * splits, first = items * blockIdx.x / gridDim.x, behind = items * (blockIdx.x + 1) / gridDim.x;
  Mla64 block{a, lds() + shift, lds_address(lds()) + shift, {static_cast<int>(first), heads, splits, tiles}, static_cast<int>(behind - first) * tiles};
  block.put_slots(0, block.slot_of(0));
  int32_t next = block.slot_of(1);
  barrier();
  block.fetch(0);
  int query = -1;  // whose queries lie in shared memory
  for (int n = 0; n < block.count; ++n) {
    const Mla64Walk::Place p = block.walk.at(n);
    copies_wait<0>();
    barrier();  // the rows have come; queries, and the last tile's f16 and slots, have been read
    block.put_slots(n + 1, next);
    next = block.slot_of(n + 2);
    if (p.query != query) {
      const auto* q = static_cast<const uint8_t*>(a.q) + (int64_t{p.m} * a.H + p.head0 + Mla64::share_row()) * kMla64Width + block.part * 16;
      block.widen_all(0, [&](int i) { return piece_at(q + i * 64); });
      query = p.query;
    }
    block.widen_all(kMla64At.rows, [&](int i) { return piece_at(block.memory + block.share_raw() + i * 64); });
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    barrier();
    MatrixSums scores;
    block.score(scores, [&] {
      if (n + 1 < block.count) block.fetch(n + 1);
    });
    uint32_t probabilities[4][4];
    block.soften(n, scores, probabilities, p.begins);
    block.weigh(probabilities, p.begins);
    if (p.ends) block.finish(p);
  }
}

#endif
}  // namespace kernels::GPU_NS
#endif
