// The MLA partial for waves of 64 (kernels/gpu/attention.h): up to 16 heads a block. A tile of 64 rows goes to
// shared memory once and serves both products:
//   scores  a wave 16 rows x 16 heads, K = latent + rope
//   P V     V is the row's first `latent` columns, transposed on the way into the matrix operand: a lane loads a
//           word (four e4m3 or two bf16 columns) of each row, and column c of a word goes to tile c. Rows are
//           taken in turns of four, so that the four quarters of K fall into different banks; P lies the same.
#pragma once
#include "kernels/gpu/mla_group.h"
#include "kernels/gpu/mma.h"

namespace kernels::GPU_NS {

inline constexpr int kMlaHeads = 16;
inline constexpr int kMlaPad = 32;          // bytes behind a row
inline constexpr int kMlaColumnTiles = 8;   // of 16 columns a wave: latent is at most 512
inline constexpr int kScoreStride = kMlaTile + 1;

// Where the parts of a block's shared memory lie, in bytes.
struct MlaPlaces {
  int64_t row, rows, queries, p_row, p, scores, numbers, slots, end;
};
constexpr MlaPlaces mla_places(int64_t width, int64_t size) {
  MlaPlaces m{};
  m.row = width * size + kMlaPad;
  m.queries = kMlaTile * m.row;
  m.p_row = kMlaTile * size + 16;
  m.p = m.queries + kMlaHeads * m.row;
  m.scores = m.p + kMlaHeads * m.p_row;
  m.numbers = m.scores + kMlaHeads * kScoreStride * 4;  // maximum, sum, shrink
  m.slots = m.numbers + 3 * kMlaHeads * 4;
  m.end = m.slots + kMlaTile * 4;
  return m;
}

GPU_DEVICE float* mla_numbers(const MlaPlaces& at) {
  return reinterpret_cast<float*>(lds() + at.numbers);
}

inline constexpr uint32_t kMlaLoads = 9;  // under way a thread: rows lie all over the cache

// Rows of a tile into shared memory, whose slots are there already; what is masked for all heads becomes zeros.
template <int kSize>
GPU_DEVICE void load_tile(const MlaGroup& g, const MlaPlaces& at) {
  const auto* slots = reinterpret_cast<const int32_t*>(lds() + at.slots);
  const auto pieces = static_cast<uint32_t>((g.cache.latent + g.cache.rope) * kSize / 16), all = kMlaTile * pieces;
  const auto* cache = static_cast<const uint8_t*>(g.cache.data);
  for (auto first = static_cast<uint32_t>(thread_id()); first < all; first += kMlaLoads * kMlaThreads) {
    Piece piece[kMlaLoads];
#pragma unroll
    for (uint32_t n = 0; n < kMlaLoads; ++n) {
      const uint32_t i = first + n * kMlaThreads, j = i / pieces, c = i - j * pieces;
      const int32_t slot = i < all ? slots[j] : -1;
      piece[n] = slot >= 0 ? piece_at(cache + (int64_t{slot} * pieces + c) * 16) : no_piece();
    }
#pragma unroll
    for (uint32_t n = 0; n < kMlaLoads; ++n) {
      const uint32_t i = first + n * kMlaThreads, j = i / pieces, c = i - j * pieces;
      if (i < all) *reinterpret_cast<Piece*>(lds() + j * at.row + c * 16) = piece[n];
    }
  }
}

// The slots of a tile; the last one's have been read.
GPU_DEVICE void load_slots(const MlaGroup& g, const MlaPlaces& at, int64_t tile) {
  auto* slots = reinterpret_cast<int32_t*>(lds() + at.slots);
  for (int64_t j = thread_id(); j < kMlaTile; j += kMlaThreads) {
    const int64_t position = tile * kMlaTile + j;
    slots[j] = position < g.count ? g.slots[position] : -1;
  }
}

template <int kSize>
GPU_DEVICE void load_queries(const MlaGroup& g, const MlaPlaces& at) {
  const int64_t width = g.cache.latent + g.cache.rope, pieces = width * kSize / 16;
  for (int64_t i = thread_id(); i < kMlaHeads * pieces; i += kMlaThreads) {
    const int64_t h = g.head0 + i / pieces, c = i % pieces;
    const auto* q = static_cast<const uint8_t*>(g.q);
    *reinterpret_cast<Piece*>(lds() + at.queries + i / pieces * at.row + c * 16) =
        h < g.heads ? piece_at(q + h * width * kSize + c * 16) : no_piece();
  }
}

template <int kSize>
GPU_DEVICE void mma_of(Acc& acc, const Piece a[kPieces], const Piece b[kPieces], bool both) {
  if constexpr (kSize == 1)
    mma_fp8(acc, a, b, both);
  else
    mma_bf16(acc, a, b, both);
}

// Scores of 16 rows a wave against the block's heads.
template <int kSize>
GPU_DEVICE void score_tile(const MlaGroup& g, const MlaPlaces& at, bool both) {
  const int lane = lane_id();
  const int64_t bytes = (g.cache.latent + g.cache.rope) * kSize;
  Acc acc = {};
  for (int64_t k = piece_part(lane) * 16; k - piece_part(lane) * 16 < bytes; k += 64) {
    Piece a[kPieces], b[kPieces];
#pragma unroll
    for (int i = 0; i < kPieces; ++i) {
      const int row = piece_row(lane, i);
      a[i] = k < bytes ? piece_at(lds() + (wave_id() * 16 + row) * at.row + k) : no_piece();
      b[i] = k < bytes ? piece_at(lds() + at.queries + row * at.row + k) : no_piece();
    }
    mma_of<kSize>(acc, a, b, both);
  }
  auto* scores = reinterpret_cast<float*>(lds() + at.scores);
#pragma unroll
  for (int r = 0; r < kAcc; ++r)
    scores[acc_col(lane, r) * kScoreStride + wave_id() * 16 + acc_row(lane, r)] = acc.c[r] * g.scale;
}

// A quarter of the heads a wave: running maximum and sum, probabilities rounded to the cache's format.
template <int kSize>
GPU_DEVICE void soften_tile(const MlaGroup& g, const MlaPlaces& at, int64_t tile) {
  constexpr int kEach = kMlaTile / kWave;
  const auto* scores = reinterpret_cast<const float*>(lds() + at.scores);
  const auto* slots = reinterpret_cast<const int32_t*>(lds() + at.slots);
  float* numbers = mla_numbers(at);
  for (int h = wave_id() * (kMlaHeads / kMlaWaves); h < (wave_id() + 1) * (kMlaHeads / kMlaWaves); ++h) {
    const int64_t head = g.head0 + h < g.heads ? g.head0 + h : g.heads - 1;
    const int64_t seen = g.lengths ? g.lengths[head / g.per_token] - tile * kMlaTile : kMlaTile;
    float s[kEach], top = numbers[h];
    for (int i = 0; i < kEach; ++i) {
      const int j = i * kWave + lane_id();
      s[i] = slots[j] >= 0 && j < seen ? scores[h * kScoreStride + j] : -INFINITY;
      top = larger(top, s[i]);
    }
    top = group_max<kWave>(top);
    const bool none = top == -INFINITY;
    float total = 0;
    for (int i = 0; i < kEach; ++i) {
      const int j = i * kWave + lane_id();
      const float p = none ? 0.0f : exp2f(s[i] - top);
      total += p;
      // Row j is the (j / 4)-th of quarter j % 4.
      if constexpr (kSize == 1) {
        lds()[at.p + h * at.p_row + j % 4 * 16 + j / 4] = static_cast<uint8_t>(pack_e4m3(p * kE4m3Max, 0, 0, 0));
      } else {
        auto* row = reinterpret_cast<Bf16*>(lds() + at.p + h * at.p_row);
        row[j / 32 * 32 + j % 4 * 8 + j % 32 / 4] = to_bf16(p);
      }
    }
    total = group_sum<kWave>(total);
    if (lane_id() == 0) {
      const float shrink = none ? 1.0f : exp2f(numbers[h] - top);  // 0 at the first tile
      numbers[kMlaHeads + h] = numbers[kMlaHeads + h] * shrink + total;
      numbers[2 * kMlaHeads + h] = shrink;
      numbers[h] = top;
    }
  }
}

// Four words of four bytes, transposed.
GPU_DEVICE void transpose_bytes(const uint32_t w[4], uint32_t out[4]) {
  const uint32_t a = pick_bytes<0x5140>(w[0], w[1]), b = pick_bytes<0x5140>(w[2], w[3]);
  const uint32_t c = pick_bytes<0x7362>(w[0], w[1]), d = pick_bytes<0x7362>(w[2], w[3]);
  out[0] = pick_bytes<0x5410>(a, b), out[1] = pick_bytes<0x7632>(a, b);
  out[2] = pick_bytes<0x5410>(c, d), out[3] = pick_bytes<0x7632>(c, d);
}

// acc[tile] += V^T P for this wave's columns.
template <int kSize>
GPU_DEVICE void weigh_tile(Acc (&acc)[kMlaColumnTiles], const MlaGroup& g, const MlaPlaces& at, bool both) {
  const int lane = lane_id(), part = piece_part(lane);
  constexpr int kWords = kSize == 1 ? 4 : 2;     // columns of a word, and tiles of a group
  constexpr int kGroupColumns = 16 * kWords;
  constexpr int kChunks = kSize;                 // matrix operations over the 64 rows
  constexpr int kRows = 16 / kSize;              // of a piece
  const float* shrink = mla_numbers(at) + 2 * kMlaHeads;
#pragma unroll
  for (int t = 0; t < kMlaColumnTiles; ++t) {
#pragma unroll
    for (int r = 0; r < kAcc; ++r) acc[t].c[r] *= shrink[acc_col(lane, r)];
  }
#pragma unroll
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    Piece p[kPieces];
#pragma unroll
    for (int i = 0; i < kPieces; ++i)
      p[i] = piece_at(lds() + at.p + piece_row(lane, i) * at.p_row + chunk * 64 + part * 16);
#pragma unroll
    for (int group = 0; group < kMlaColumnTiles / kWords; ++group) {
      const int64_t column = (group * kMlaWaves + wave_id()) * kGroupColumns;
      if (column >= g.cache.latent) continue;
      Piece v[kWords][kPieces];
#pragma unroll
      for (int i = 0; i < kPieces; ++i) {
        uint32_t w[kRows];
#pragma unroll
        for (int j = 0; j < kRows; ++j) {
          const int64_t row = chunk * (kRows * 4) + j * 4 + part;
          w[j] = *reinterpret_cast<const uint32_t*>(lds() + row * at.row + (column + piece_row(lane, i) * kWords) * kSize);
        }
        if constexpr (kSize == 1) {
          uint32_t out[4][4];  // [quad of rows][column]
#pragma unroll
          for (int quad = 0; quad < 4; ++quad) transpose_bytes(w + quad * 4, out[quad]);
#pragma unroll
          for (int c = 0; c < 4; ++c) v[c][i] = {out[0][c], out[1][c], out[2][c], out[3][c]};
        } else {
          v[0][i] = {pick_bytes<0x5410>(w[0], w[1]), pick_bytes<0x5410>(w[2], w[3]),
                     pick_bytes<0x5410>(w[4], w[5]), pick_bytes<0x5410>(w[6], w[7])};
          v[1][i] = {pick_bytes<0x7632>(w[0], w[1]), pick_bytes<0x7632>(w[2], w[3]),
                     pick_bytes<0x7632>(w[4], w[5]), pick_bytes<0x7632>(w[6], w[7])};
        }
      }
#pragma unroll
      for (int c = 0; c < kWords; ++c) mma_of<kSize>(acc[group * kWords + c], v[c], p, both);
    }
  }
}

// place(head of the group): index of its row in out and lse.
// kHeads: 16 whatever is asked for, a matrix operation has as many columns.
template <int kSize, int kHeads, class Place>
GPU_DEVICE void mla_partial(const MlaGroup& g, Bf16* out, float* lse, const Place& place) {
  const MlaPlaces at = mla_places(g.cache.latent + g.cache.rope, kSize);
  const bool both = g.heads - g.head0 > 8;
  float* numbers = mla_numbers(at);
  for (int64_t i = thread_id(); i < kMlaHeads; i += kMlaThreads)
    numbers[i] = -INFINITY, numbers[kMlaHeads + i] = 0, numbers[2 * kMlaHeads + i] = 1;
  if (g.first < g.last) load_slots(g, at, g.first);
  load_queries<kSize>(g, at);
  Acc acc[kMlaColumnTiles] = {};
  barrier();
  for (int64_t tile = g.first; tile < g.last; ++tile) {
    load_tile<kSize>(g, at);
    barrier();
    score_tile<kSize>(g, at, both);
    barrier();
    soften_tile<kSize>(g, at, tile);
    barrier();
    // Softening was the last to look at the slots.
    if (tile + 1 < g.last) load_slots(g, at, tile + 1);
    weigh_tile<kSize>(acc, g, at, both);
    barrier();
  }
  const int lane = lane_id();
  constexpr int kWords = kSize == 1 ? 4 : 2;
  constexpr float kUnit = kSize == 1 ? kE4m3Max : 1.0f;
#pragma unroll
  for (int r = 0; r < kAcc; ++r) {
    const int64_t head = g.head0 + acc_col(lane, r);
    if (head >= g.heads) continue;
    const float sum = numbers[kMlaHeads + acc_col(lane, r)];
    const float norm = sum > 0 ? 1.0f / (sum * kUnit) : sum;  // 0 when all is masked, NaN stays NaN
    Bf16* to = out + place(head) * g.cache.latent;
#pragma unroll
    for (int t = 0; t < kMlaColumnTiles; ++t) {
      const int64_t column = (t / kWords * kMlaWaves + wave_id()) * (16 * kWords) + acc_row(lane, r) * kWords + t % kWords;
      if (column < g.cache.latent) to[column] = to_bf16(acc[t].c[r] * norm);
    }
  }
  for (int64_t i = thread_id(); i < kMlaHeads; i += kMlaThreads) {
    const float sum = numbers[kMlaHeads + i];
    if (g.head0 + i < g.heads) lse[place(g.head0 + i)] = sum == 0.0f ? kNoLse : log2f(sum) + numbers[i];
  }
}

constexpr int64_t mla_heads(int64_t, int64_t, int64_t) {
  return kMlaHeads;
}
inline int64_t mla_lds_bytes(const KvCache& c, int64_t, int64_t) {
  return mla_places(c.width(), size_of(c.format)).end;
}

}  // namespace kernels::GPU_NS
