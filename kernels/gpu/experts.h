// Grouped GEMMs over the experts that have rows. Weights and activations share a format.
//   gate_up: a block an expert with rows and 16 columns; its waves split K; rows in tiles of 16
//   down:    a block 16 columns of all tokens; its waves share the experts, each adds its rows' weighted sums
//            into a table of its own in shared memory, and the tables are added in the order of waves
#pragma once
#include "kernels/gpu/gemm.h"

namespace kernels::GPU_NS {

// 16 sorted rows of an expert as tokens of a tile. Which rows of the activations they are is worked out once a
// wave, into shared memory: every piece and scale of a step asks for it.
struct ExpertTile {
  const int32_t* rows;     // sorted, at the tile
  const int32_t* sources;  // [16] rows of the activations; the last stands in for those past the count
  int count;
  GPU_DEVICE int64_t at(int token) const { return sources[token]; }
};
inline constexpr int64_t kSourceBytes = 16 * 4;  // of a wave

// `per`: sorted rows to a row of the activations. All lanes of the wave call it.
GPU_DEVICE ExpertTile expert_tile(const int32_t* rows, int32_t left, int32_t per, int32_t* sources) {
  const ExpertTile tile{rows, sources, left < 16 ? left : 16};
  wave_barrier();  // the last tile's sources have been read
  if (lane_id() < 16) sources[lane_id()] = rows[lane_id() < tile.count ? lane_id() : tile.count - 1] / per;
  wave_barrier();
  return tile;
}
struct Fp8Expert : ExpertTile {
  const E4m3* values;
  const float* scales;
  int64_t K;
  GPU_DEVICE Piece piece(int token, int64_t k) const { return piece_at(values + at(token) * K + k); }
  GPU_DEVICE float scale(int token, int64_t step) const { return scale_row(token)[step]; }
  GPU_DEVICE const uint8_t* row(int token) const { return reinterpret_cast<const uint8_t*>(values + at(token) * K); }
  GPU_DEVICE const float* scale_row(int token) const { return scales + at(token) * (K / kGroup); }
  GPU_DEVICE static int64_t scale_step() { return 1; }
};
struct Bf16Expert : ExpertTile {
  const Bf16* values;
  int64_t K;
  GPU_DEVICE void pieces(int token, int64_t k, Piece* out) const { *out = piece_at(values + at(token) * K + k); }
};
struct MxExpert : ExpertTile {
  const uint8_t *values, *scales;
  int64_t K;
  GPU_DEVICE Piece piece(int token, int64_t k) const { return piece_at(values + (at(token) * K + k) / 2); }
  GPU_DEVICE uint8_t mx_scale(int token, int64_t k) const { return scales[(at(token) * K + k) / kMxGroup]; }
};

// One tile of rows against 16 columns of one expert.
GPU_DEVICE void add_expert(Acc (&acc)[1], const ExpertInput& x, const ExpertWeights& w, const ExpertTile& tile,
                           int64_t expert, int64_t n0, int64_t N, int64_t K, int64_t first, int64_t by) {
  if (kWave == 64 && w.format == WeightFormat::fp8) {  // waves of 32: experts_fp8.h
    const float* scales =
        static_cast<const float*>(w.scales) + (expert * (N / kGroup) + n0 / kGroup) * (K / kGroup);
    add_fp8(acc, Fp8Rows{static_cast<const E4m3*>(w.values) + expert * N * K, scales, n0, N, K},
            Fp8Expert{tile, static_cast<const E4m3*>(x.values), static_cast<const float*>(x.scales), K}, K, first,
            by);
  } else if (w.format == WeightFormat::mxfp4) {
    add_mx(acc,
           MxRows{static_cast<const uint8_t*>(w.values) + expert * N * K / 2,
                  static_cast<const uint8_t*>(w.scales) + expert * N * K / kMxGroup, n0, N, K},
           MxExpert{tile, static_cast<const uint8_t*>(x.values), static_cast<const uint8_t*>(x.scales), K}, K,
           first, by);
  } else {
    add_bf16<1>(acc, Bf16Rows{static_cast<const Bf16*>(w.values) + expert * N * K, n0, N, K},
                Bf16Expert{tile, static_cast<const Bf16*>(x.values), K}, 0, K, first, by);
  }
}

// The expert of this rank among those with rows; -1 when there are fewer. All threads of the block call it.
GPU_DEVICE int32_t used_expert(const ExpertRows& e, int64_t rank, int32_t* area) {  // a number a wave, and one more
  const int waves = block_waves();
  if (thread_id() == 0) area[waves] = -1;
  int64_t seen = 0;
  for (int64_t start = 0; start < e.E && seen <= rank; start += block_threads()) {
    const int64_t expert = start + thread_id();
    const bool has = expert < e.E && e.offsets[expert] < e.offsets[expert + 1];
    int before;
    const int all = wave_count(has, &before);
    barrier();  // the last turn's numbers have been read
    if (lane_id() == 0) area[wave_id()] = all;
    barrier();
    int64_t place = seen + before;
    for (int w = 0; w < waves; ++w) {
      if (w < wave_id()) place += area[w];
      seen += area[w];
    }
    if (has && place == rank) area[waves] = static_cast<int32_t>(expert);
  }
  barrier();
  return area[waves];
}

GPU_DEVICE void moe_gate_up(const MoeGateUpArgs& a) {
  const ExpertRows& e = a.experts;
  auto* area = reinterpret_cast<int32_t*>(lds() + join_bytes(1, kGemmWaves));
  const int64_t expert = used_expert(e, blockIdx.y, area + kGemmWaves * 16), n0 = int64_t{blockIdx.x} * 16;
  if (expert < 0) return;  // the whole block
  const int32_t first = e.offsets[expert], last = e.offsets[expert + 1];
  int32_t* sources = area + wave_id() * 16;
  for (int32_t i = first; i < last; i += 16) {
    const ExpertTile tile = expert_tile(e.rows + i, last - i, static_cast<int32_t>(e.k), sources);
    Acc acc[1] = {};
    add_expert(acc, a.x, a.w, tile, expert, n0, a.N, a.K, wave_id(), kGemmWaves);
    if (i > first) barrier();  // the last tile's sums have been read
    join_waves(acc, kGemmWaves, 0, [&](int token, int row, float sum) {
      if (token < tile.count) a.out[tile.rows[token] * a.N + n0 + row] = sum;
    });
  }
}
inline bool expert_aligned(const ExpertInput& x, const ExpertWeights& w) {
  return x.format == w.format && x.layout == ScaleLayout::row && gpu::aligned(x.values, 16) &&
         gpu::aligned(w.values, 16);
}
#if GPU_WAVE == 32
inline Launch launch_fp8(const MoeGateUpArgs&, const Traits&);  // experts_fp8.h
inline Launch launch_fp8(const MoeDownArgs&, const Traits&);
#endif
inline Launch launch(const MoeGateUpArgs& a, [[maybe_unused]] const Traits& t) {
  if (!expert_aligned(a.x, a.w))
    return gpu::refused("moe_gate_up: weights and activations must share a format, rows be 16-byte aligned");
#if GPU_WAVE == 32
  if (a.w.format == WeightFormat::fp8) return launch_fp8(a, t);
#endif
  // As many experts as can have rows.
  return gpu::blocks(Kernel::moe_gate_up, a.experts.M ? a.N / 16 : 0,
                     std::min(a.experts.E, a.experts.M * a.experts.k), kGemmThreads,
                     join_bytes(1, kGemmWaves) + kGemmWaves * kSourceBytes + (kGemmWaves + 1) * 4);
}

// Where the parts of a block's shared memory lie, in words.
struct DownPlaces {
  int64_t tables, tile_sums, sources, used, offsets, rows, weights, end;
};
constexpr DownPlaces down_places(const ExpertRows& e) {
  DownPlaces p{};
  p.tile_sums = p.tables + kGemmWaves * e.M * 16;    // tables: [wave][token][column]
  p.sources = p.tile_sums + kGemmWaves * 16 * 16;    // [wave][row of the tile][column]
  p.used = p.sources + kGemmWaves * 16;
  p.offsets = p.used + e.E + 1;                      // how many experts have rows, and which, ascending
  p.rows = p.offsets + e.E + 1;
  p.weights = p.rows + e.M * e.k;
  p.end = p.weights + e.M * e.k;
  return p;
}

GPU_DEVICE void moe_down(const MoeDownArgs& a) {
  const ExpertRows& e = a.experts;
  const DownPlaces at = down_places(e);
  const int64_t n0 = int64_t{blockIdx.x} * 16;
  const int lane = lane_id();
  auto* words = reinterpret_cast<int32_t*>(lds());
  auto* tables = reinterpret_cast<float*>(words) + at.tables;
  float* table = tables + wave_id() * e.M * 16;
  float* tile_sums = reinterpret_cast<float*>(words) + at.tile_sums + wave_id() * 256;
  int32_t *sources = words + at.sources + wave_id() * 16, *used = words + at.used, *offsets = words + at.offsets,
          *rows = words + at.rows;
  auto* weights = reinterpret_cast<float*>(words) + at.weights;  // of the sorted rows
  for (int64_t i = thread_id(); i <= e.E; i += block_threads()) offsets[i] = e.offsets[i];
  for (int64_t i = thread_id(); i < e.M * e.k; i += block_threads()) {
    rows[i] = e.rows[i];
    weights[i] = a.weights[rows[i]];
  }
  for (int64_t i = lane; i < e.M * 16; i += kWave) table[i] = 0;
  barrier();
  if (wave_id() == 0) {
    int count = 0;
    for (int64_t start = 0; start < e.E; start += kWave) {
      const int64_t expert = start + lane;
      const bool has = expert < e.E && offsets[expert] < offsets[expert + 1];
      int before;
      const int all = wave_count(has, &before);
      if (has) used[1 + count + before] = static_cast<int32_t>(expert);
      count += all;
    }
    if (lane == 0) used[0] = count;
  }
  barrier();
  const int count = used[0];
  for (int turn = wave_id(); turn < count; turn += kGemmWaves) {
    const int64_t expert = used[1 + turn];
    const int32_t first = offsets[expert], last = offsets[expert + 1];
    for (int32_t i = first; i < last; i += 16) {
      const ExpertTile tile = expert_tile(rows + i, last - i, 1, sources);
      Acc acc[1] = {};
      add_expert(acc, a.x, a.w, tile, expert, n0, a.N, a.K, 0, 1);
#pragma unroll
      for (int r = 0; r < kAcc; ++r) tile_sums[acc_col(lane, r) * 16 + acc_row(lane, r)] = acc[0].c[r];
      wave_barrier();
      // A token may own several rows of a tile: a column's rows are added one after the other.
      if (lane < 16) {
        for (int j = 0; j < tile.count; ++j) {
          const int32_t row = tile.rows[j];
          table[row / static_cast<int32_t>(e.k) * 16 + lane] += weights[i + j] * tile_sums[j * 16 + lane];
        }
      }
      wave_barrier();
    }
  }
  barrier();
  for (int64_t i = thread_id(); i < e.M * 16; i += block_threads()) {
    float sum = tables[i];
    for (int w = 1; w < kGemmWaves; ++w) sum += tables[w * e.M * 16 + i];
    Bf16& out = a.out[i / 16 * a.N + n0 + i % 16];
    out = to_bf16(to_float(out) + sum);
  }
}
inline Launch launch(const MoeDownArgs& a, [[maybe_unused]] const Traits& t) {
  if (!expert_aligned(a.x, a.w))
    return gpu::refused("moe_down: weights and activations must share a format, rows be 16-byte aligned");
#if GPU_WAVE == 32
  if (a.w.format == WeightFormat::fp8) return launch_fp8(a, t);
#endif
  return gpu::blocks(Kernel::moe_down, a.experts.M ? a.N / 16 : 0, 1, kGemmThreads,
                     down_places(a.experts).end * 4);
}

}  // namespace kernels::GPU_NS
