// The MLA partial for waves of 32 (kernels/gpu/attention.h): sm_90a, with m16n8k16, and its emulation. Rows of the
// cache are the sixteen-row operand of both products, heads its columns, eight at a time; four waves:
//   scores  a wave 16 of a tile's 64 rows, K = latent + rope
//   P V     a wave 128 columns of V, K = the tile's rows. A lane loads 16 bytes of four rows and pairs them up: the
//           K of its part are rows part, part + 4, part + 8, part + 12 of sixteen, and P lies in that order
// A tile comes by asynchronous copies while the one before it is worked on; e4m3 becomes f16 in registers, once for
// each product. What a lane holds of the scores and of P V belongs to the same heads, so a running maximum never
// leaves its registers. Within 128 bytes of a row the 16-byte chunks are permuted: eight lanes that read at once,
// two rows x 64 bytes for the scores and four rows x 32 for P V, find them in different banks.
#pragma once
#include "kernels/gpu/mla_group.h"
#include "kernels/gpu/mma.h"

namespace kernels::GPU_NS {

constexpr int mla_swizzle(int row) {
  return (row & 1) << 2 | (row & 2);
}

// Where the parts of a block's shared memory lie, in bytes; the tiles come first.
struct MlaPlaces {
  int row, tile, q_row, queries, p, tops, slots, end;
};
inline constexpr int kMlaPRow = kMlaTile * 2 + 16;
constexpr MlaPlaces mla_places(int width, int size, int heads, int stages) {
  MlaPlaces m{};
  const int two = (width * 2 + 127) / 128 * 128;  // queries are f16 or bf16
  m.row = (width * size + 127) / 128 * 128;
  m.tile = kMlaTile * m.row;
  m.q_row = two + (size == 1 ? 16 : 64);
  m.queries = stages * m.tile;
  m.p = m.queries + heads * m.q_row;
  m.tops = m.p + heads * kMlaPRow;
  m.slots = m.tops + kMlaWaves * heads * 4;
  m.end = m.slots + 2 * kMlaTile * 4;
  return m;
}

// Sixteen bytes of e4m3 become eight words of f16; of bf16 they are four words already.
template <int kSize>
struct MlaWords {
  uint32_t w[kSize == 1 ? 8 : 4];
};
template <int kSize>
GPU_DEVICE MlaWords<kSize> mla_words(const Piece& p) {
  MlaWords<kSize> out;
#pragma unroll
  for (int s = 0; s < 4; ++s) {
    if constexpr (kSize == 1)
      out.w[2 * s] = f16_of_e4m3(word_of(p, s)), out.w[2 * s + 1] = f16_of_upper_e4m3(word_of(p, s));
    else
      out.w[s] = word_of(p, s);
  }
  return out;
}

template <int kSize, int kTiles>  // kTiles of eight heads
struct MlaBlock {
  static constexpr int kHeads = 8 * kTiles;
  static constexpr int kWordsOf = kSize == 1 ? 8 : 4;  // of a 16-byte chunk, as the matrix operand takes it
  static constexpr int kChains = kTiles >= 4 ? 1 : 4 / kTiles;  // sums that a score is made of, so that they overlap
  const MlaGroup& g;
  MlaPlaces at;
  int lane = lane_id(), wave = wave_id(), group = lane / 4, part = lane % 4;
  float top[kTiles][2], sum[kTiles][2], shrink[kTiles][2];  // heads 8 n + 2 part + c; a lane sums its rows only
  int32_t length[kTiles][2];                                // that the head's token sees
  float acc[8][kTiles][4] = {};                             // [two columns][eight heads]

  GPU_DEVICE explicit MlaBlock(const MlaGroup& of)
      : g(of), at(mla_places(static_cast<int>(of.cache.latent + of.cache.rope), kSize, kHeads, static_cast<int>(of.stages))) {
#pragma unroll
    for (int n = 0; n < kTiles; ++n) {
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        top[n][c] = -INFINITY, sum[n][c] = 0;
        const int64_t h = head(n, c) < g.heads ? head(n, c) : g.heads - 1;
        length[n][c] = g.lengths ? g.lengths[static_cast<uint32_t>(h) / static_cast<uint32_t>(g.per_token)] : 0x7fffffff;
      }
    }
  }

  GPU_DEVICE int64_t head(int n, int c) const { return g.head0 + n * 8 + part * 2 + c; }
  GPU_DEVICE int32_t* slots(int64_t tile) const {
    return reinterpret_cast<int32_t*>(lds() + at.slots) + (tile & 1) * kMlaTile;
  }
  GPU_DEVICE const uint8_t* rows(int64_t tile) const { return lds() + ((tile - g.first) & (g.stages - 1)) * at.tile; }
  GPU_DEVICE int chunks() const { return static_cast<int>(g.cache.latent + g.cache.rope) * kSize / 16; }
  GPU_DEVICE int steps() const { return (chunks() + 3) / 4; }  // of 64 bytes

  GPU_DEVICE int32_t slot_at(int64_t position) const {
    return position < g.count && position < g.last * kMlaTile ? g.slots[position] : -1;
  }

  // A tile's rows are under way when this returns; masked ones become zeros.
  GPU_DEVICE void fetch(int64_t tile) const {
    const auto* cache = static_cast<const uint8_t*>(g.cache.data);
    const int32_t* slot_of = slots(tile);
    uint8_t* to = lds() + ((tile - g.first) & (g.stages - 1)) * at.tile;
    const LdsAddress stage = lds_address_of_lane(to);
    const int pieces = chunks(), over = kMlaThreads / pieces, rest = kMlaThreads % pieces;
    int row = static_cast<int>(thread_id()) / pieces, c = static_cast<int>(thread_id()) % pieces;
#pragma unroll 6
    for (; row < kMlaTile;) {
      const int32_t slot = slot_of[row];
      const int place = row * at.row + (c ^ mla_swizzle(row)) * 16;
      if (slot >= 0)
        copy16_once(stage + place, cache + (int64_t{slot} * pieces + c) * 16);
      else
        *reinterpret_cast<Piece*>(to + place) = no_piece();
      row += over, c += rest;
      if (c >= pieces) c -= pieces, ++row;
    }
  }

  // Once: queries in two bytes a value; heads that there aren't, and what a last step sees behind a row, are zeros.
  GPU_DEVICE void load_queries() const {
    const int pieces = chunks(), all = steps() * 4;
    const auto* q = static_cast<const uint8_t*>(g.q);
    for (int i = static_cast<int>(thread_id()); i < kHeads * all; i += kMlaThreads) {
      const int h = i / all, c = i % all;
      const bool there = g.head0 + h < g.heads && c < pieces;
      const MlaWords<kSize> w = mla_words<kSize>(there ? piece_at(q + ((g.head0 + h) * pieces + c) * 16) : no_piece());
      auto* to = reinterpret_cast<Piece*>(lds() + at.queries + h * at.q_row + c * kWordsOf * 4);
#pragma unroll
      for (int k = 0; k < kWordsOf / 4; ++k) to[k] = {w.w[4 * k], w.w[4 * k + 1], w.w[4 * k + 2], w.w[4 * k + 3]};
    }
    const int behind = all - pieces;
    for (int i = static_cast<int>(thread_id()); i < behind * kMlaTile * static_cast<int>(g.stages); i += kMlaThreads) {
      const int row = i / behind, c = pieces + i % behind;
      *reinterpret_cast<Piece*>(lds() + row * at.row + (c ^ mla_swizzle(row)) * 16) = no_piece();
    }
  }

  // This wave's 16 rows against the heads: rows group and group + 8, heads 8 n + 2 part and the next.
  GPU_DEVICE void score(int64_t tile, float (&out)[kTiles][4]) const {
    float sums[kTiles][kChains][4] = {};
    const int swizzle = mla_swizzle(group);
    const uint8_t* row = rows(tile) + (wave * 16 + group) * at.row + (part ^ (swizzle & 2)) * 16;
    const uint8_t* in_turn[2] = {row + (swizzle & 4) * 16, row + (4 - (swizzle & 4)) * 16};
    const uint8_t* query = lds() + at.queries + group * at.q_row + part * kWordsOf * 4;
    const auto step = [&](int k, const uint8_t* from) {
      const MlaWords<kSize> a = mla_words<kSize>(piece_at(from)), b = mla_words<kSize>(piece_at(from + 8 * at.row));
#pragma unroll
      for (int n = 0; n < kTiles; ++n) {
        uint32_t q[kWordsOf];
        const uint8_t* of = query + n * 8 * at.q_row + k * kWordsOf * 16;
#pragma unroll
        for (int i = 0; i < kWordsOf; i += 4) {
          const Piece p = piece_at(of + i * 4);
          q[i] = p.x, q[i + 1] = p.y, q[i + 2] = p.z, q[i + 3] = p.w;
        }
#pragma unroll
        for (int s = 0; s < kWordsOf / 2; ++s) {
          const uint32_t left[4] = {a.w[2 * s], b.w[2 * s], a.w[2 * s + 1], b.w[2 * s + 1]};
          const uint32_t right[2] = {q[2 * s], q[2 * s + 1]};
          mma_16816(sums[n][s % kChains], left, right, kSize == 2);
        }
      }
    };
    const int count = steps();
    int k = 0;
#pragma unroll (kTiles < 4 ? 2 : 1)
    for (; k + 1 < count; k += 2) {
      step(k, in_turn[0] + k * 64);
      step(k + 1, in_turn[1] + k * 64);
    }
    if (k < count) step(k, in_turn[0] + k * 64);
#pragma unroll
    for (int n = 0; n < kTiles; ++n) {
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        float s = sums[n][0][r];
#pragma unroll
        for (int i = 1; i < kChains; ++i) s += sums[n][i][r];
        out[n][r] = s * g.scale;
      }
    }
  }

  // Scores become probabilities in the cache's format, in shared memory; the heads' maxima and sums move on.
  GPU_DEVICE void soften(int64_t tile, float (&s)[kTiles][4]) {
    const int row = wave * 16 + group;
    auto* tops = reinterpret_cast<float*>(lds() + at.tops);
    const bool there[2] = {slots(tile)[row] >= 0, slots(tile)[row + 8] >= 0};
    const auto position = static_cast<int32_t>(tile * kMlaTile + row);
#pragma unroll
    for (int n = 0; n < kTiles; ++n) {
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        if (!there[0] || position >= length[n][c]) s[n][c] = -INFINITY;
        if (!there[1] || position + 8 >= length[n][c]) s[n][2 + c] = -INFINITY;
        float most = larger(s[n][c], s[n][2 + c]);
        most = larger(most, wave_xor(most, 4));
        most = larger(most, wave_xor(most, 8));
        most = larger(most, wave_xor(most, 16));
        if (group == 0) tops[wave * kHeads + n * 8 + part * 2 + c] = most;
      }
    }
    barrier();
#pragma unroll
    for (int n = 0; n < kTiles; ++n) {
      float p[4];
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        float most = top[n][c];
#pragma unroll
        for (int w = 0; w < kMlaWaves; ++w) most = larger(most, tops[w * kHeads + n * 8 + part * 2 + c]);
        const bool none = most == -INFINITY;
        p[c] = none ? 0.0f : exp2f(s[n][c] - most);
        p[2 + c] = none ? 0.0f : exp2f(s[n][2 + c] - most);
        shrink[n][c] = none ? 1.0f : exp2f(top[n][c] - most);  // 0 at the first tile
        sum[n][c] = sum[n][c] * shrink[n][c] + (p[c] + p[2 + c]);
        top[n][c] = most;
      }
      put_probabilities(n, p);
    }
    barrier();
  }

  // Row j of sixteen is K number j / 4 of part j % 4.
  GPU_DEVICE void put_probabilities(int n, const float (&p)[4]) const {
    uint32_t two[2];  // rows group and group + 8 of a head
#pragma unroll
    for (int c = 0; c < 2; ++c) {
      if constexpr (kSize == 1)
        two[c] = f16_of_e4m3(pack_e4m3(p[c] * kE4m3Max, p[2 + c] * kE4m3Max, 0, 0));
      else
        two[c] = two_bf16(p[c], p[2 + c]);
      auto* to = reinterpret_cast<uint16_t*>(lds() + at.p + (n * 8 + part * 2 + c) * kMlaPRow) + group % 4 * 16 +
                 wave * 4 + group / 4;
      to[0] = static_cast<uint16_t>(two[c]);
      to[2] = static_cast<uint16_t>(two[c] >> 16);
    }
  }

  // Columns of this lane in half `half` of the wave's (e4m3: there is one half): 16 bytes from this one on.
  GPU_DEVICE int64_t column(int half) const {
    return wave * 128 + (kSize == 1 ? group * 16 : half * 64 + group * 8);
  }

  GPU_DEVICE void weigh(int64_t tile) {
#pragma unroll
    for (int t = 0; t < 8; ++t) {
#pragma unroll
      for (int n = 0; n < kTiles; ++n) {
#pragma unroll
        for (int r = 0; r < 4; ++r) acc[t][n][r] *= shrink[n][r % 2];
      }
    }
    const uint8_t* from[kSize];
#pragma unroll
    for (int half = 0; half < kSize; ++half) {
      const int c = column(half) < g.cache.latent ? static_cast<int>(column(half)) * kSize / 16 : 0;
      from[half] = rows(tile) + part * at.row + (c ^ mla_swizzle(part)) * 16;
    }
#pragma unroll (kTiles < 4 ? 4 : 1)
    for (int sixteen = 0; sixteen < kMlaTile / 16; ++sixteen) {
      uint32_t p[kTiles][2];
#pragma unroll
      for (int n = 0; n < kTiles; ++n) {
        const auto two = *reinterpret_cast<const Vec8*>(lds() + at.p + (n * 8 + group) * kMlaPRow + part * 32 + sixteen * 8);
        p[n][0] = two.x, p[n][1] = two.y;
      }
#pragma unroll
      for (int half = 0; half < kSize; ++half) {
        Piece v[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) v[i] = piece_at(from[half] + (sixteen * 16 + i * 4) * at.row);
#pragma unroll
        for (int w = 0; w < 4; ++w) weigh_word(w, half, v, p);
      }
    }
  }
  // A word of each of four rows: four columns of e4m3, two of bf16.
  GPU_DEVICE void weigh_word(int w, int half, const Piece (&v)[4], const uint32_t (&p)[kTiles][2]) {
    const uint32_t low[2] = {word_of(v[0], w), word_of(v[1], w)}, high[2] = {word_of(v[2], w), word_of(v[3], w)};
    if constexpr (kSize == 1) {
      const uint32_t a = pick_bytes<0x5140>(low[0], low[1]), b = pick_bytes<0x5140>(high[0], high[1]);
      const uint32_t c = pick_bytes<0x7362>(low[0], low[1]), d = pick_bytes<0x7362>(high[0], high[1]);
      const uint32_t first[4] = {f16_of_e4m3(a), f16_of_upper_e4m3(a), f16_of_e4m3(b), f16_of_upper_e4m3(b)};
      const uint32_t second[4] = {f16_of_e4m3(c), f16_of_upper_e4m3(c), f16_of_e4m3(d), f16_of_upper_e4m3(d)};
#pragma unroll
      for (int n = 0; n < kTiles; ++n) {
        mma_16816(acc[2 * w][n], first, p[n], false);
        mma_16816(acc[2 * w + 1][n], second, p[n], false);
      }
    } else {
      const uint32_t both[4] = {pick_bytes<0x5410>(low[0], low[1]), pick_bytes<0x7632>(low[0], low[1]),
                                pick_bytes<0x5410>(high[0], high[1]), pick_bytes<0x7632>(high[0], high[1])};
#pragma unroll
      for (int n = 0; n < kTiles; ++n) mma_16816(acc[4 * half + w][n], both, p[n], true);
    }
  }

  // A head's sum is that of its lanes, then of the waves.
  template <class Place>
  GPU_DEVICE void finish(Bf16* out, float* lse, const Place& place) {
    auto* parts = reinterpret_cast<float*>(lds() + at.tops);
    constexpr float kUnit = kSize == 1 ? kE4m3Max : 1.0f;
#pragma unroll
    for (int n = 0; n < kTiles; ++n) {
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        float s = sum[n][c];
        for (int m = 4; m < kWave; m *= 2) s += wave_xor(s, m);
        if (group == 0) parts[wave * kHeads + n * 8 + part * 2 + c] = s;
      }
    }
    barrier();
#pragma unroll
    for (int n = 0; n < kTiles; ++n) {
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        if (head(n, c) >= g.heads) continue;
        float s = 0;
#pragma unroll
        for (int w = 0; w < kMlaWaves; ++w) s += parts[w * kHeads + n * 8 + part * 2 + c];
        const int64_t row = place(head(n, c));
        if (wave == 0 && group == 0) lse[row] = s == 0.0f ? kNoLse : log2f(s) + top[n][c];
        const float norm = s > 0 ? 1.0f / (s * kUnit) : s;  // 0 when all is masked, NaN stays NaN
#pragma unroll
        for (int eight = 0; eight < 2; ++eight) {
          const int64_t at_column = kSize == 1 ? column(0) + eight * 8 : column(eight);
          if (at_column >= g.cache.latent) continue;
          Eight e;
#pragma unroll
          for (int i = 0; i < 8; ++i) e.v[i] = acc[eight * 4 + i / 2][n][i % 2 * 2 + c] * norm;
          store8(out + row * g.cache.latent + at_column, e);
        }
      }
    }
  }
};

// place(head of the group): index of its row in out and lse.
template <int kSize, int kHeads, class Place>
GPU_DEVICE void mla_partial(const MlaGroup& g, Bf16* out, float* lse, const Place& place) {
  MlaBlock<kSize, kHeads / 8> block(g);
  const int64_t j = thread_id();  // a thread a slot of two tiles
  block.slots(g.first + j / kMlaTile)[j % kMlaTile] = block.slot_at(g.first * kMlaTile + j);
  barrier();
  if (g.first < g.last) block.fetch(g.first);
  copies_close();
  if (g.stages > 1 && g.first + 1 < g.last) block.fetch(g.first + 1);
  copies_close();
  block.load_queries();
  for (int64_t tile = g.first; tile < g.last; ++tile) {
    if (tile == g.first)
      copies_wait<1>();
    else
      copies_wait<0>();
    barrier();
    // Its place was the last tile's, which no wave looks at any more.
    if (tile > g.first && tile + 1 < g.last) {
      block.fetch(tile + 1);
      copies_close();
    }
    const int32_t later = j < kMlaTile ? block.slot_at((tile + 2) * kMlaTile + j) : -1;
    float scores[kHeads / 8][4];
    block.score(tile, scores);
    block.soften(tile, scores);
    if (j < kMlaTile) block.slots(tile)[j] = later;
    block.weigh(tile);
  }
  block.finish(out, lse, place);
}

// Heads of a block: rows are read once for all of them, and fewer make more blocks.
constexpr int64_t mla_heads(int64_t heads, int64_t blocks, int64_t units) {
  if (heads <= 16) return heads <= 8 ? 8 : 16;
  return blocks * ((heads + 15) / 16) <= units ? 16 : 32;
}
inline int64_t mla_lds_bytes(const KvCache& c, int64_t heads, int64_t stages) {
  return mla_places(static_cast<int>(c.width()), static_cast<int>(size_of(c.format)), static_cast<int>(heads),
                    static_cast<int>(stages))
      .end;
}

}  // namespace kernels::GPU_NS
