// The experts' products with fp8 weights, for waves of 32: blocks that stay and walk over tiles, so that weights never
// stop streaming (ring.h). A tile is up to 16 rows of one expert, of which the ring brings eight: at decode few experts have
// more, and the rows of those come straight into registers. (Where registers are short a tile is up to eight rows.) Every
// block works out the list of tiles for itself, once.
//   gate_up: (tile, 16 columns) after (tile, 16 columns); the waves split K and join at the end of each
//   down:    16 columns of all tokens; the waves share tiles and steps of K, each adds its rows' weighted sums into a table
//            of its own, and the tables are added in the order of waves
#pragma once
#include "kernels/gpu/experts.h"
#include "kernels/gpu/ring.h"

#if GPU_WAVE == 32
namespace kernels::GPU_NS {

inline constexpr int kTileRows = 16, kFewTileRows = 8;
using TileRing = Ring<false, false>;

// Where the list of tiles lies, in words from its begin (16-byte aligned); most: as many tiles as there can be.
struct TilePlaces {
  int64_t most, tokens, rows, sums, end;  // sums: of a scan, one a wave
};
constexpr TilePlaces tile_places(const ExpertRows& e, int waves, int most) {
  const int64_t rows = e.M * e.k;
  TilePlaces p{};
  p.most = (e.E < rows ? e.E : rows) + rows / most;
  p.tokens = p.most * 4;
  p.rows = p.tokens + rows;
  p.sums = p.rows + rows;
  p.end = (p.sums + waves + 3) / 4 * 4;
  return p;
}

struct Tile {
  int32_t expert, first, count;  // sorted rows from `first` on
};
struct Tiles {
  const Vec16* list;             // a Tile each
  const int32_t *tokens, *rows;  // of the sorted rows
  int count;
  GPU_DEVICE Tile at(int i) const {
    const Vec16 t = list[i];
    return {static_cast<int32_t>(t.x), static_cast<int32_t>(t.y), static_cast<int32_t>(t.z)};
  }
};

// Ascending experts, ascending rows. All threads of the block call it; two experts a thread and turn.
GPU_DEVICE Tiles list_tiles(const ExpertRows& e, int most, int32_t* words) {
  const int waves = block_waves();
  const TilePlaces at = tile_places(e, waves, most);
  auto* list = reinterpret_cast<Vec16*>(words);
  int32_t *tokens = words + at.tokens, *rows = words + at.rows, *sums = words + at.sums;
  const auto k = static_cast<int32_t>(e.k);
  for (int64_t i = thread_id(); i < e.M * e.k; i += block_threads()) {
    const int32_t row = e.rows[i];
    rows[i] = row, tokens[i] = row / k;
  }
  int seen = 0;
  for (int64_t start = 0; start < e.E; start += 2 * block_threads()) {
    const int64_t expert = start + 2 * thread_id();
    int32_t edges[3];
#pragma unroll
    for (int i = 0; i < 3; ++i) edges[i] = e.offsets[expert + i < e.E ? expert + i : e.E];
    int mine[2];
#pragma unroll
    for (int i = 0; i < 2; ++i) mine[i] = (edges[i + 1] - edges[i] + most - 1) / most;
    int upto = mine[0] + mine[1];  // tiles of this wave's experts up to these two
    for (int by = 1; by < kWave; by *= 2) {
      const int other = wave_from(upto, lane_id() >= by ? lane_id() - by : lane_id());
      if (lane_id() >= by) upto += other;
    }
    if (start > 0) barrier();  // the last turn's sums have been read
    if (lane_id() == kWave - 1) sums[wave_id()] = upto;
    barrier();
    int place = seen + upto - mine[0] - mine[1];
    for (int w = 0; w < waves; ++w) {
      if (w < wave_id()) place += sums[w];
      seen += sums[w];
    }
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      for (int first = edges[j]; first < edges[j + 1]; first += most) {
        const int left = edges[j + 1] - first;
        list[place++] = {static_cast<uint32_t>(expert + j), static_cast<uint32_t>(first),
                         static_cast<uint32_t>(left < most ? left : most), 0};
      }
    }
  }
  barrier();
  return {list, tokens, rows, seen};
}

// What a lane copies of a tile's rows (of the activations: sources of the sorted rows) and of the expert's 16 weight rows
// from n0 on. What does not depend on the tile is worked out once.
struct TileFeed {
  const uint8_t *weights, *values;  // of row piece_row(lane, 0) of expert 0; of row 0 of the activations
  const float *weight_scales, *scales;
  const int32_t* sources;
  int64_t expert_bytes, expert_scales, K, groups;

  GPU_DEVICE void begin(const ExpertInput& x, const ExpertWeights& w, const int32_t* of_rows, int64_t n0, int64_t N, int64_t k) {
    const int lane = lane_id();
    K = k, groups = K / kGroup, expert_bytes = N * K, expert_scales = N / kGroup * groups, sources = of_rows;
    weights = static_cast<const uint8_t*>(w.values) + (n0 + piece_row(lane, 0)) * K + piece_part(lane) * 16;
    values = static_cast<const uint8_t*>(x.values) + piece_part(lane) * 16;
    weight_scales = static_cast<const float*>(w.scales) + n0 / kGroup * groups;
    scales = static_cast<const float*>(x.scales);
  }
  GPU_DEVICE Feed of(const Tile& tile) const {
    const int lane = lane_id(), row = piece_row(lane, 0);
    Feed f{};
    f.left[0] = weights + tile.expert * expert_bytes;
    f.left[1] = f.left[0] + 8 * K;
    if (row < tile.count) f.right[0] = values + sources[tile.first + row] * K;
    if (lane < tile.count) f.scale = scales + sources[tile.first + lane] * groups;
    if (lane == kUnitScale) f.scale = weight_scales + tile.expert * expert_scales;
    f.scale_step = 1, f.bytes = K;
    return f;
  }
};

// A tile's rows 8 to 15, as a lane takes them: its steps are `each` neighbours from `first` on, `by` apart.
struct MoreRows {
  static constexpr bool kIs = true;
  bool there;
  const uint8_t* values;  // null: not of this lane
  int first, by, each;

  // A wave without steps has no feed either.
  GPU_DEVICE MoreRows(const TileFeed& rows, const Tile& tile, int of_first, int of_by, int of_each)
      : there(tile.count > 8 && rows.sources), values(nullptr), first(of_first), by(of_by), each(of_each) {
    const int row = 8 + piece_row(lane_id(), 0);
    if (there && row < tile.count) values = rows.values + rows.sources[tile.first + row] * rows.K;
  }
  GPU_DEVICE Piece piece(int i, int half) const {
    const int64_t step = first + i / each * by + i % each;
    return values ? piece_at(values + step * kStageBytes + half * 64) : no_piece();
  }
};

// (tile, 16 columns) in turn, steps of K in turn: what a wave copies next.
struct GateUpWalk {
  int64_t item, items, by, columns;
  int step, first_step, steps;
  TileFeed rows;
  Feed feed;

  GPU_DEVICE void enter(const MoeGateUpArgs& a, const Tiles& tiles) {
    step = first_step;
    if (item >= items) return;
    rows.begin(a.x, a.w, tiles.tokens, item % columns * 16, a.N, a.K);
    feed = rows.of(tiles.at(static_cast<int>(item / columns)));
  }
  GPU_DEVICE void copy(const TileRing& ring, int slot, const MoeGateUpArgs& a, const Tiles& tiles) {
    if (item < items) {
      ring.weights(slot, feed, step);
      ring.tokens(slot, feed, step);
      step += kGemmWaves;
      if (step >= steps) item += by, enter(a, tiles);
    }
    copies_close();
  }
};

// Sums of one (tile, 16 columns) are joined in one half of an area while the next ones' may go to the other.
inline constexpr int64_t kJoinBytes = join_bytes(1, kGemmWaves);

GPU_DEVICE void moe_gate_up_fp8(const MoeGateUpArgs& a) {
  const TileRing ring{lds() + 2 * kJoinBytes + wave_id() * kRing * TileRing::kBytes};
  const Tiles tiles = list_tiles(a.experts, kTileRows, reinterpret_cast<int32_t*>(lds() + 2 * kJoinBytes + ring_bytes(false, kGemmWaves)));
  const int64_t columns = a.N / 16, items = tiles.count * columns;
  const int steps = static_cast<int>(a.K / kStep);
  GateUpWalk walk{int64_t{blockIdx.x}, wave_id() < steps ? items : 0, gridDim.x, columns, 0, wave_id(), steps, {}, {}};
  walk.enter(a, tiles);
#pragma unroll
  for (int i = 0; i < kRing; ++i) walk.copy(ring, i, a, tiles);
  const int turns = turns_of(wave_id(), kGemmWaves, steps);
  int slot = 0, half = 0;
  for (int64_t item = blockIdx.x; item < items; item += gridDim.x, half ^= 1) {
    Acc acc[1] = {};
    const Tile tile = tiles.at(static_cast<int>(item / columns));
    const MoreRows more(walk.rows, tile, wave_id(), kGemmWaves, 1);
    ring.consume<kRing>(acc[0], slot, turns, [&](int free) { walk.copy(ring, free, a, tiles); }, more);
    const int64_t n0 = item % columns * 16;
    join_waves(acc, kGemmWaves, half * kJoinBytes, [&](int token, int row, float sum) {
      if (token < tile.count) a.out[tiles.rows[tile.first + token] * a.N + n0 + row] = sum;
    });
  }
}
inline Launch launch_fp8(const MoeGateUpArgs& a, const Traits& t) {
  // As many tiles as there can be, or as many blocks as fit twice.
  const TilePlaces at = tile_places(a.experts, kGemmWaves, kTileRows);
  return gpu::blocks(Kernel::moe_gate_up_fp8, std::min<int64_t>(at.most * (a.N / 16), 2 * t.units), 1, kGemmThreads,
                     2 * kJoinBytes + ring_bytes(false, kGemmWaves) + at.end * 4);
}

// (tile, step of K) in turn: a wave's steps are `each` neighbours from `first_step` on, `step_by` apart, of every `tile_by`th
// tile.
struct DownWalk {
  int tile, tile_by, step, first_step, step_by, each, steps;
  TileFeed rows;
  Feed feed;

  GPU_DEVICE bool more(const Tiles& tiles) const { return tile < tiles.count; }
  GPU_DEVICE void enter(const Tiles& tiles) {
    step = first_step;
    if (more(tiles)) feed = rows.of(tiles.at(tile));
  }
  GPU_DEVICE void copy(const TileRing& ring, int slot, const Tiles& tiles) {
    if (more(tiles)) {
      ring.weights(slot, feed, step);
      ring.tokens(slot, feed, step);
      step = each == 2 && step % 2 == 0 && step + 1 < steps ? step + 1 : step / each * each + step_by;
      if (step >= steps) tile += tile_by, enter(tiles);
    }
    copies_close();
  }
  GPU_DEVICE int steps_of_tile() const {
    int n = 0;
    for (int s = first_step; s < steps; s += step_by) n += s + each <= steps ? each : 1;
    return n;
  }
};

// Adds sums of up to 8 rows, weighted, to their tokens' rows of the wave's table. A token may own several of them: lanes
// that hold the same column of weights take turns, and so do a lane's two tokens.
GPU_DEVICE void add_weighted(const float* sums_of, float* table, const int32_t* tokens, const float* weights, int count) {
  const int lane = lane_id();
  for (int turn = 0; turn * 2 < count; ++turn) {
    if (lane % 4 == turn) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const int token = turn * 2 + i;
        if (token >= count) break;
        float *low = table + tokens[token] * 16 + lane / 4, *high = low + 8;
        const float weight = weights[token], sums[2] = {*low + weight * sums_of[i], *high + weight * sums_of[2 + i]};
        *low = sums[0], *high = sums[1];
      }
    }
    wave_barrier();
  }
}

// Steps, or pairs of them, that the waves of a block share out: the largest power of two up to both.
constexpr int shared_units(int steps, int waves) {
  int n = 1;
  while (2 * n <= steps && 2 * n <= waves) n *= 2;
  return n;
}

// Few tokens: many waves, a step at a time. Many: each wave's table takes 64 bytes a token, so waves are few, and take two
// steps at a time. Either way three blocks fit on a multiprocessor: all columns of 6144 at once on 132 of them.
inline constexpr int64_t kFewTokens = 16, kTwoSteps = 8;  // beyond kTwoSteps tiles are enough for a wave to take two steps of each
inline constexpr int kDownWaves[2] = {8, 4}, kDownRing[2] = {2, 3};  // few tokens, many

template <bool kMany>
GPU_DEVICE void moe_down_of(const MoeDownArgs& a) {
  constexpr int kWaves = kDownWaves[kMany], kDepth = kDownRing[kMany], kRows = kMany ? kTileRows : kFewTileRows;
  const ExpertRows& e = a.experts;
  const int64_t n0 = int64_t{blockIdx.x} * 16, table_words = e.M * 16, lists = tile_places(e, kWaves, kRows).end;
  const TileRing ring{lds() + wave_id() * kDepth * TileRing::kBytes};
  auto* words = reinterpret_cast<int32_t*>(lds() + ring_bytes(false, kWaves, kDepth));
  const Tiles tiles = list_tiles(e, kRows, words);
  const int steps = static_cast<int>(a.K / kStep), each = kMany || e.M > kTwoSteps ? 2 : 1,
            together = shared_units((steps + each - 1) / each, kWaves);
  DownWalk walk{wave_id() / together, kWaves / together, 0, wave_id() % together * each, together * each, each, steps, {}, {}};
  walk.rows.begin(a.x, a.w, tiles.rows, n0, a.N, a.K);
  walk.enter(tiles);
  const DownWalk mine = walk;
#pragma unroll
  for (int i = 0; i < kDepth; ++i) walk.copy(ring, i, tiles);
  auto* weights = reinterpret_cast<float*>(words + lists);  // of the sorted rows
  float *tables = weights + e.M * e.k, *table = tables + wave_id() * table_words;
  for (int64_t i = thread_id(); i < e.M * e.k; i += block_threads()) weights[i] = a.weights[tiles.rows[i]];
  for (int64_t i = lane_id(); i < table_words; i += kWave) table[i] = 0;
  barrier();
  const int turns = mine.steps_of_tile();
  int slot = 0;
  for (int i = mine.tile; i < tiles.count; i += mine.tile_by) {
    Acc acc = {};
    const Tile tile = tiles.at(i);
    const auto refill = [&](int free) { walk.copy(ring, free, tiles); };
    const int32_t* tokens = tiles.tokens + tile.first;
    const float* by = weights + tile.first;
    if constexpr (kMany) {
      const MoreRows more(walk.rows, tile, mine.first_step, mine.step_by, each);
      ring.template consume<kDepth, true>(acc, slot, turns, refill, more);
      if (more.there) add_weighted(acc.c + kAcc / 2, table, tokens + 8, by + 8, tile.count - 8);
    } else {
      ring.template consume<kDepth>(acc, slot, turns, refill);
    }
    add_weighted(acc.c, table, tokens, by, tile.count < 8 ? tile.count : 8);
  }
  barrier();
  for (int64_t i = thread_id(); i < table_words; i += block_threads()) {
    float sum = tables[i];
    for (int w = 1; w < kWaves; ++w) sum += tables[w * table_words + i];
    Bf16& out = a.out[i / 16 * a.N + n0 + i % 16];
    out = to_bf16(to_float(out) + sum);
  }
}
GPU_DEVICE void moe_down_fp8(const MoeDownArgs& a) {
  moe_down_of<false>(a);
}
GPU_DEVICE void moe_down_fp8_many(const MoeDownArgs& a) {
  moe_down_of<true>(a);
}
inline Launch launch_fp8(const MoeDownArgs& a, const Traits&) {
  const ExpertRows& e = a.experts;
  const bool many = e.M > kFewTokens;
  const int waves = kDownWaves[many];
  return gpu::blocks(many ? Kernel::moe_down_fp8_many : Kernel::moe_down_fp8, e.M ? a.N / 16 : 0, 1, waves * kWave,
                     ring_bytes(false, waves, kDownRing[many]) + (tile_places(e, waves, many ? kTileRows : kFewTileRows).end + e.M * e.k + waves * e.M * 16) * 4);
}

}  // namespace kernels::GPU_NS
#endif
