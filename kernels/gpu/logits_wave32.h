// Index logits for waves of 32 (kernels/gpu/logits.h): sm_90a, with m16n8k16, and its emulation. A block takes a share
// of a row's tiles of 16 keys, a wave every fourth of them; queries stay in its registers as f16. Tiles come by
// asynchronous copies into a ring of the wave's own, three ahead, so that no wave waits for another one. Within a key
// its eight 16-byte chunks are permuted, so that two keys x 64 bytes, and eight keys x 16 bytes, are different banks.
#pragma once
#include "kernels/gpu/mma.h"
#include "kernels/mqa_logits.h"

namespace kernels::GPU_NS {

inline constexpr int kLogitThreads = 128;
inline constexpr int kLogitWaves = kLogitThreads / kWave;
inline constexpr int kLogitTile = 16;
inline constexpr int kLogitStages = 4;
inline constexpr int kLogitStage = kLogitTile * kIndexTokenBytes;  // keys, then scales
inline constexpr int64_t kLogitLds = int64_t{kLogitWaves} * kLogitStages * kLogitStage;

constexpr int logit_swizzle(int key) {
  return (key & 1) << 2 | (key >> 1 & 3);
}

// The tiles that a wave walks, and their copies.
struct LogitTiles {
  const IndexCache& cache;
  const int32_t* table;
  int32_t length, page_size;
  bool whole;  // a tile lies in one page
  int tile, last;  // the next one to ask for, and the block's end
  uint8_t* ring;
  int lane = lane_id(), stage = 0;

  // The page of a tile, or of the tile's key that the lane speaks for; the last key stands in for those past it.
  GPU_DEVICE int32_t page_of(int t) const {
    if (t >= last) return 0;
    const int32_t key = whole ? t * kLogitTile : t * kLogitTile + lane % kLogitTile;
    return table[static_cast<uint32_t>(key < length ? key : length - 1) / static_cast<uint32_t>(page_size)];
  }
  // Asks for the next tile, whose page was looked up before, and looks up one `ahead` tiles behind it.
  GPU_DEVICE int32_t fetch(int32_t page, int ahead) {
    uint8_t* to = ring + stage * kLogitStage;
    if (tile < last) {
      if (whole)
        fetch_whole(to, page);
      else
        fetch_scattered(to, page);
    }
    copies_close();
    const int32_t later = page_of(tile + ahead * kLogitWaves);
    tile += kLogitWaves, stage = (stage + 1) % kLogitStages;
    return later;
  }
  GPU_DEVICE void fetch_whole(uint8_t* to, int32_t page) const {
    const uint32_t in_page = static_cast<uint32_t>(tile * kLogitTile) % static_cast<uint32_t>(page_size);
    const uint8_t* from = cache.data + page * index_page_bytes(page_size);
    const uint8_t* keys = from + in_page * kIndexDim;  // 2048 bytes in either layout
    const bool shuffled = cache.layout == IndexLayout::preshuffle;
    const LdsAddress at = lds_address_of_lane(to);
#pragma unroll
    for (int i = 0; i < kLogitTile * 8 / kWave; ++i) {
      const int j = i * kWave + lane, key = shuffled ? j % 16 : j / 8, chunk = shuffled ? j / 16 : j % 8;
      copy16_once(at + key * kIndexDim + (chunk ^ logit_swizzle(key)) * 16, keys + j * 16);
    }
    if (lane < kLogitTile)
      copy4_async(to + kLogitTile * kIndexDim + lane * 4, from + index_scale_offset(page_size, static_cast<int>(in_page)) + lane * 4);
  }
  // Pages of less than a tile: their keys are 4-byte aligned, no more. A key after the other, a word a lane.
  GPU_DEVICE void fetch_scattered(uint8_t* to, int32_t page) const {
    const int32_t own = tile * kLogitTile + lane % kLogitTile, key_of = own < length ? own : length - 1;
    const auto in_page = static_cast<int32_t>(static_cast<uint32_t>(key_of) % static_cast<uint32_t>(page_size));
    const int64_t at = page * index_page_bytes(page_size);
#pragma unroll
    for (int key = 0; key < kLogitTile; ++key)
      copy4_async(to + key * kIndexDim + (lane / 4 ^ logit_swizzle(key)) * 16 + lane % 4 * 4,
                  cache.data + wave_from(at + in_page * kIndexDim, key) + lane * 4);
    if (lane < kLogitTile)
      copy4_async(to + kLogitTile * kIndexDim + lane * 4, cache.data + at + index_scale_offset(page_size, in_page));
  }
};

// A block's share of its row's tiles, `first` on: those of this wave. rings: of all its waves.
GPU_DEVICE LogitTiles logit_tiles(const MqaLogitsArgs& a, uint8_t* rings, int* first) {
  const int32_t length = a.lengths[blockIdx.y];
  const int tiles = (length + kLogitTile - 1) / kLogitTile, each = (tiles + static_cast<int>(gridDim.x) - 1) / static_cast<int>(gridDim.x);
  *first = static_cast<int>(blockIdx.x) * each;
  return {.cache = a.cache,
          .table = a.block_table + blockIdx.y / static_cast<uint32_t>(a.next_n) * a.table_stride,
          .length = length,
          .page_size = a.cache.page_size,
          .whole = a.cache.page_size % kLogitTile == 0,
          .tile = *first + wave_id(),
          .last = *first + each < tiles ? *first + each : tiles,
          .ring = rings + wave_id() * kLogitStages * kLogitStage};
}

// HT tiles of 16 heads.
template <int HT>
GPU_DEVICE void mqa_logits(const MqaLogitsArgs& a) {
  const int lane = lane_id(), group = lane / 4, part = lane % 4;
  const int64_t row = blockIdx.y;
  int first = 0;
  LogitTiles ahead = logit_tiles(a, lds(), &first);
  const int32_t length = ahead.length;
  const int last = ahead.last;
  if (first + wave_id() >= last) return;  // a whole wave
  int32_t pages[kLogitStages - 1];
#pragma unroll
  for (int i = 0; i < kLogitStages - 1; ++i) pages[i] = ahead.page_of(ahead.tile + i * kLogitWaves);
  int32_t page = 0;
#pragma unroll 1
  for (int i = 0; i < kLogitStages - 1; ++i) {
    page = ahead.fetch(pages[0], kLogitStages - 1);
#pragma unroll
    for (int k = 0; k + 1 < kLogitStages - 1; ++k) pages[k] = pages[k + 1];
    pages[kLogitStages - 2] = page;
  }
  page = pages[0];
  // Queries and gates of this token, zero past its heads.
  Ready q[HT * 2][2];  // [eight heads][half of the key]
  float gate[HT * 2][2];
#pragma unroll
  for (int n = 0; n < HT * 2; ++n) {
    const int64_t h = n * 8 + group;
#pragma unroll
    for (int half = 0; half < 2; ++half)
      q[n][half] = ready(h < a.H ? piece_at(a.q + (row * a.H + h) * kIndexDim + half * 64 + part * 16) : no_piece());
#pragma unroll
    for (int c = 0; c < 2; ++c) {
      const int64_t of = n * 8 + part * 2 + c;
      gate[n][c] = of < a.H ? a.gates[row * a.H + of] : 0.0f;
    }
  }
  const int swizzle = logit_swizzle(group);  // keys group and group + 8
  const uint8_t* from = ahead.ring + group * kIndexDim + (part ^ (swizzle & 3)) * 16;
  float* logits = a.logits + row * a.S;
  for (int tile = first + wave_id(), stage = 0; tile < last; tile += kLogitWaves, stage = (stage + 1) % kLogitStages) {
    copies_wait<kLogitStages - 2>();
    wave_barrier();
    page = ahead.fetch(page, 1);  // into the place of the last tile, which no lane looks at any more
    const uint8_t* keys = from + stage * kLogitStage;
    Ready key[2][2];  // [half][group or group + 8]
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int i = 0; i < 2; ++i) key[half][i] = ready(piece_at(keys + i * 8 * kIndexDim + (half * 4 ^ (swizzle & 4)) * 16));
    }
    const auto* scales = reinterpret_cast<const float*>(ahead.ring + stage * kLogitStage + kLogitTile * kIndexDim);
    const float scale[2] = {scales[group], scales[group + 8]};
    float dot[HT * 2][4] = {};  // eight heads each, in turn: none waits for itself
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int s = 0; s < 8; s += 2) {
        const uint32_t* x = key[half][0].f16 + s;
        const uint32_t* y = key[half][1].f16 + s;
        const uint32_t left[4] = {x[0], y[0], x[1], y[1]};
#pragma unroll
        for (int n = 0; n < HT * 2; ++n) mma_16816(dot[n], left, q[n][half].f16 + s, false);
      }
    }
    float sum[2] = {};
#pragma unroll
    for (int n = 0; n < HT * 2; ++n) {
#pragma unroll
      for (int r = 0; r < 4; ++r) sum[r / 2] = fmaf(gate[n][r % 2], relu(dot[n][r] * scale[r / 2]), sum[r / 2]);
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      sum[i] = group_sum<4>(sum[i]);
      const int32_t t = tile * kLogitTile + group + 8 * i;
      if (part == 0 && t < length) logits[t] = sum[i];
    }
  }
}

// Of a row: as many as run at a time, dealt to the rows, and no more than there are tiles for four waves.
constexpr int64_t logit_blocks(const MqaLogitsArgs& a, int64_t rows, int64_t resident) {
  const int64_t most = (a.S + kLogitWaves * kLogitTile - 1) / (kLogitWaves * kLogitTile), share = rows ? resident / rows : 1;
  return share < 1 ? 1 : share < most ? share : most;
}

}  // namespace kernels::GPU_NS
