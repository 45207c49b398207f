// GEMMs of 17 tokens and more on Hopper: 64 columns x 64 tokens a block. kWideGroups warpgroups share its steps of K (128
// bytes), each with a ring of its own: weights and tokens come by the copy engine, which knows them as matrices of bytes
// (WideArgs: the maps are made where the kernel is launched), weights ahead of what the kernel before writes. Few columns:
// the blocks of a cluster split K too.
//   bf16  the warpgroup's matrix instruction takes both sides from where the copies left them
//   fp8   weights become f16 in registers, the 64-row operand; tokens f16 in shared memory, the other one. e4m3 is exact in
//         f16 and sums are fp32; the instruction's own fp8 form keeps some 13 bits of a product, too few for the
//         reference's bound. A step's sums are scaled before they are added.
// Bytes: weights once, tokens once a block of 64 columns (as many bytes again at 64 tokens, out of the cache).
// Measured on the way: one warpgroup a block, clusters of up to 8 for all shapes: a step was 1,400 cycles of one wave a
// scheduler waiting for itself, and reading the sums of other blocks took 2 to 4 us.
// Not run by the emulator, which has neither the engine nor the instruction: there, and wherever Traits::matrix_copies is
// not said, gemm.h's kernels take as many tokens.
#pragma once
#include "kernels/gpu/gemm.h"
#include "kernels/gpu/hopper.h"

#if GPU_WAVE == 32
namespace kernels::GPU_NS {

inline constexpr int kWideColumns = 64, kWideTokens = 64;
inline constexpr int kWideGroups = 4, kWideGroup = 128, kWideBlock = kWideGroups * kWideGroup;
constexpr int wide_stages(bool bf16) {  // steps under way a group
  return bf16 ? 3 : 2;
}
inline constexpr int kWideScaleSlots = 4;               // steps whose scales are kept
inline constexpr int64_t kWideTile = 64 * kStageBytes;  // of weights or tokens, a step
// The sums of a token in shared memory: with 68 floats a row neither writing nor reading them meets a bank twice.
inline constexpr int kWideRow = kWideColumns + 4;
inline constexpr int64_t kWideSums = kWideTokens * kWideRow;  // floats of a group

// Shared memory of a group, from an address that is a multiple of 1,024 on: tiles of weights, tiles of tokens, tokens as
// f16 (fp8 alone). Behind those of all groups: scales of steps' tokens and weights, barriers. The sums take the place of
// the tiles.
struct WidePlaces {
  int64_t tokens, f16, group, scales, barriers, end;
};
inline constexpr int kWideScales = kWideTokens + 4;  // floats a step; the weights' is at kWideTokens
constexpr WidePlaces wide_places(bool bf16) {
  WidePlaces p{};
  p.tokens = wide_stages(bf16) * kWideTile;
  p.f16 = 2 * p.tokens;
  p.group = p.f16 + (bf16 ? 0 : 2 * kWideTile);
  p.scales = kWideGroups * p.group;
  p.barriers = p.scales + (bf16 ? 0 : kWideGroups * kWideScaleSlots * kWideScales * 4);
  p.end = p.barriers + kWideGroups * wide_stages(bf16) * 8;
  return p;
}
static_assert(kWideSums * 4 <= wide_places(false).group && kWideSums * 4 <= wide_places(true).group);

// Blocks of 64 columns by blocks of 64 tokens; where they leave most of the device idle, clusters that split K.
inline Launch wide_launch(Kernel kernel, int64_t M, int64_t N, int64_t row_bytes, bool bf16, const Traits& device) {
  const int64_t tiles = gpu::divide_up(N, kWideColumns) * gpu::divide_up(M, kWideTokens), steps = row_bytes / kStageBytes;
  int cluster = 1;  // two where they fit at once; more, whose blocks read each other for longer, where columns are very few
  while (2 * cluster <= device.cluster && 2 * cluster * tiles <= (cluster == 1 ? device.units : device.units / 2) &&
         2 * cluster * kWideGroups <= steps)
    cluster *= 2;
  Launch l = gpu::blocks(kernel, gpu::divide_up(N, kWideColumns), gpu::divide_up(M, kWideTokens) * cluster, kWideBlock,
                         wide_places(bf16).end + 1024);
  l.cluster = cluster;
  return l;
}

#if defined(GPU_CUDA)

// What a group works on: steps first, first + by, ... of K, from the ahead-th on.
template <bool kBf16>
struct WideGroup {
  static constexpr WidePlaces kAt = wide_places(kBf16);
  static constexpr int kStages = wide_stages(kBf16);
  uint8_t* memory;               // the block's
  LdsAddress at;                 // the same
  const CUtensorMap &w, &x;
  int column, token;             // the first of each
  const float *scale, *unit;     // of this lane's token at step 0; of the weights (fp8)
  int64_t scale_step;
  int group, first, by, turns, ahead;

  GPU_DEVICE int lane() const { return static_cast<int>(threadIdx.x) % kWideGroup; }
  GPU_DEVICE int wave() const { return lane() / kWave; }
  GPU_DEVICE int64_t place() const { return group * kAt.group; }
  GPU_DEVICE LdsAddress barrier_of(int slot) const { return at + static_cast<LdsAddress>(kAt.barriers) + (group * kStages + slot) * 8; }
  GPU_DEVICE float* scales(int i) const {
    return reinterpret_cast<float*>(memory + kAt.scales) + (group * kWideScaleSlots + i % kWideScaleSlots) * kWideScales;
  }
  // Every block begins elsewhere: else all would ask the cache for the same tokens at once.
  GPU_DEVICE int step(int i) const { return first + (i + ahead < turns ? i + ahead : i + ahead - turns) * by; }
  GPU_DEVICE LdsAddress weights_at(int slot) const { return at + static_cast<LdsAddress>(place() + slot * kWideTile); }
  GPU_DEVICE LdsAddress tokens_at(int slot) const { return at + static_cast<LdsAddress>(place() + kAt.tokens + slot * kWideTile); }
  GPU_DEVICE LdsAddress f16_at() const { return at + static_cast<LdsAddress>(place() + kAt.f16); }
  GPU_DEVICE void group_barrier() const {  // 0 is the block's own
    asm volatile("bar.sync %0, %1;" ::"r"(group + 1), "n"(kWideGroup) : "memory");
  }

  // By one lane of the group.
  GPU_DEVICE void copy_weights(int slot, int i) const {
    arrive_with_bytes(barrier_of(slot), kWideTile);
    copy_tile(weights_at(slot), w, step(i) * kStageBytes, column, barrier_of(slot));
  }
  GPU_DEVICE void copy_tokens(int slot, int i) const {
    arrive_with_bytes(barrier_of(slot), kWideTile);
    copy_tile(tokens_at(slot), x, step(i) * kStageBytes, token, barrier_of(slot));
  }
  // By all of them.
  GPU_DEVICE void copy_scales(int slot, int i) const {
    if constexpr (kBf16) return;
    copy4_async(lds_address(scales(i) + lane()), scale + step(i) * scale_step, scale != nullptr);
    copy4_async(lds_address(scales(i) + kWideTokens), unit + step(i), lane() == kWideTokens);
    arrive_with_copies(barrier_of(slot));
  }

  // The tile's 16-byte chunks 2 (lane % 4) + half of a row: in this order eight lanes that read at once, of two rows, meet
  // no bank twice.
  GPU_DEVICE Piece piece(int64_t tile, int row, int half) const {
    const int chunk = (2 * (lane_id() % 4) + half) ^ row % 8;
    return piece_at(memory + tile + row * kStageBytes + chunk * 16);
  }
  // This wave's 16 tokens as f16. The order of k within 16 is that of the weights' registers: a piece's word holds a lane's
  // four, two in each half.
  GPU_DEVICE void widen_tokens(int slot) const {
    const int row = wave() * 16 + lane_id() % 8;
#pragma unroll
    for (int i = 0; i < kPieces; ++i) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const Ready r = ready(piece(place() + kAt.tokens + slot * kWideTile, wave() * 16 + piece_row(lane_id(), i), half));
#pragma unroll
        for (int j = 0; j < 2; ++j) {  // matrices 4 j to 4 j + 3 of eight: chunks of the row
          const int chunk = (4 * j + lane_id() / 8) ^ row % 8;
          const LdsAddress to = f16_at() + half * static_cast<LdsAddress>(kWideTile) + (row + 8 * i) * kStageBytes + chunk * 16;
          store_matrices(to, r.f16[4 * j], r.f16[4 * j + 1], r.f16[4 * j + 2], r.f16[4 * j + 3]);
        }
      }
    }
  }

  GPU_DEVICE void multiply_fp8(MatrixSums& acc, int slot, int i) const {
    const int row = wave() * 16 + lane_id() / 4;
    widen_tokens(slot);
    uint32_t rows[8][4];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int64_t tile = place() + slot * kWideTile;
      const Ready low = ready(piece(tile, row, half)), high = ready(piece(tile, row + 8, half));
#pragma unroll
      for (int s = 0; s < 4; ++s) {
        uint32_t* a = rows[half * 4 + s];
        a[0] = low.f16[2 * s], a[1] = high.f16[2 * s], a[2] = low.f16[2 * s + 1], a[3] = high.f16[2 * s + 1];
      }
    }
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    group_barrier();  // the stage has been read, the tokens are there as f16
    refill(slot, i + kStages);
    MatrixSums part;
    mma_begin();
#pragma unroll
    for (int s = 0; s < 8; ++s)
      mma_f16(part, rows[s], lds_matrix(f16_at() + s / 4 * static_cast<LdsAddress>(kWideTile) + s % 4 * 32), s > 0);
    mma_end();
    const float* by_token = scales(i);
    const float by_weight = by_token[kWideTokens];
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const float2 two = *reinterpret_cast<const float2*>(by_token + 8 * j + lane_id() % 4 * 2);
      const float by_both[2] = {two.x * by_weight, two.y * by_weight};
#pragma unroll
      for (int r = 0; r < 4; ++r) acc.c[4 * j + r] = fmaf(part.c[4 * j + r], by_both[r % 2], acc.c[4 * j + r]);
    }
    group_barrier();  // the tokens as f16 have been read by all
  }
  GPU_DEVICE void multiply_bf16(MatrixSums& acc, int slot, int i) const {
    mma_begin();
#pragma unroll
    for (int s = 0; s < 4; ++s) mma_bf16_lds(acc, lds_matrix(weights_at(slot) + s * 32), lds_matrix(tokens_at(slot) + s * 32));
    mma_end();
    group_barrier();
    refill(slot, i + kStages);
  }

  // A stage that has been read takes another step.
  GPU_DEVICE void refill(int slot, int i) const {
    if (i >= turns) return;
    if (lane() == 0) copy_weights(slot, i), copy_tokens(slot, i);
    copy_scales(slot, i);
  }

  GPU_DEVICE void sum(MatrixSums& acc) const {
    const bool copies = lane() == 0;
    if (copies) {
      for (int i = 0; i < kStages; ++i) arrivals_expected(barrier_of(i), kBf16 ? 2 : 2 + kWideGroup);
      asm volatile("fence.mbarrier_init.release.cluster;\n\tfence.proxy.async.shared::cta;" ::: "memory");
      for (int i = 0; i < kStages && i < turns; ++i) copy_weights(i, i);
    }
    group_barrier();
    wait_for_previous();
    for (int i = 0; i < kStages && i < turns; ++i) {
      if (copies) copy_tokens(i, i);
      copy_scales(i, i);
    }
    int slot = 0;
    uint32_t phase = 0;
    for (int i = 0; i < turns; ++i) {
      wait_for_arrivals(barrier_of(slot), phase);
      if constexpr (kBf16)
        multiply_bf16(acc, slot, i);
      else
        multiply_fp8(acc, slot, i);
      if (++slot == kStages) slot = 0, phase ^= 1;
    }
  }
};

GPU_DEVICE void add_four(float4& sum, const float4& v) {
  sum.x += v.x, sum.y += v.y, sum.z += v.z, sum.w += v.w;
}
// Adds the sums of the block's groups in order, then those of the cluster's blocks; write(token, column, four sums of
// neighbouring columns).
template <class Write>
GPU_DEVICE void join_wide(const MatrixSums& acc, uint8_t* memory, int64_t group_bytes, int group, const Write& write) {
  const int lane = lane_id(), wave = wave_id() % 4, blocks = cluster_size();
  // [token][column] of each group, in the place of its own tiles.
  auto* mine = reinterpret_cast<float*>(memory + group * group_bytes);
#pragma unroll
  for (int r = 0; r < 32; ++r)
    mine[(r / 4 * 8 + lane % 4 * 2 + r % 2) * kWideRow + wave * 16 + lane / 4 + r / 2 % 2 * 8] = acc.c[r];
  barrier();
  constexpr int kFours = kWideTokens * kWideColumns / 4, kTurns = kFours / kWideBlock;
  const auto place = [](int four) { return four / (kWideColumns / 4) * kWideRow + four % (kWideColumns / 4) * 4; };
  const auto place_of = [&](int g, int four) { return reinterpret_cast<float4*>(memory + g * group_bytes + place(four) * 4); };
#pragma unroll
  for (int turn = 0; turn < kTurns; ++turn) {
    const int four = turn * kWideBlock + static_cast<int>(threadIdx.x);
    float4 sum = *place_of(0, four);
#pragma unroll
    for (int g = 1; g < kWideGroups; ++g) add_four(sum, *place_of(g, four));
    if (blocks == 1)
      write(four / (kWideColumns / 4), four % (kWideColumns / 4) * 4, sum);
    else
      *place_of(0, four) = sum;
  }
  if (blocks == 1) return;
  cluster_barrier();
  for (int four = static_cast<int>(threadIdx.x) * blocks + cluster_rank(); four < kFours; four += kWideBlock * blocks) {
    float4 parts[kMostCluster];
#pragma unroll
    for (int b = 0; b < kMostCluster; ++b) {
      if (b < blocks) parts[b] = *lds_of(place_of(0, four), b);  // all under way at once
    }
    float4 sum = parts[0];
#pragma unroll
    for (int b = 1; b < kMostCluster; ++b) {
      if (b < blocks) add_four(sum, parts[b]);
    }
    write(four / (kWideColumns / 4), four % (kWideColumns / 4) * 4, sum);
  }
  cluster_barrier();  // no block is gone while another reads its sums
}

template <bool kBf16>
GPU_DEVICE WideGroup<kBf16> wide_group(const CUtensorMap& w, const CUtensorMap& x, int64_t row_bytes) {
  const auto shift = static_cast<uint32_t>(-lds_address(lds())) % 1024;
  const int group = static_cast<int>(threadIdx.x) / kWideGroup, blocks = cluster_size();
  WideGroup<kBf16> b{lds() + shift, lds_address(lds()) + shift, w, x, 0, 0, nullptr, nullptr, 0, group, cluster_rank() * kWideGroups + group, blocks * kWideGroups, 0, 0};
  b.column = static_cast<int>(blockIdx.x) * kWideColumns;
  b.token = static_cast<int>(blockIdx.y) / blocks * kWideTokens;
  b.turns = turns_of(b.first, b.by, row_bytes / kStageBytes);
  b.ahead = b.turns > 0 ? static_cast<int>(blockIdx.x) % b.turns : 0;
  return b;
}
// Four neighbouring columns of a row of the output, those behind its end left out.
GPU_DEVICE void write_four(Bf16* to, const float4& v, int64_t left) {
  if (left >= 4 && reinterpret_cast<uintptr_t>(to) % 8 == 0) {
    *reinterpret_cast<Vec8*>(to) = {two_bf16(v.x, v.y), two_bf16(v.z, v.w)};
    return;
  }
  const float all[4] = {v.x, v.y, v.z, v.w};
  for (int i = 0; i < 4 && i < left; ++i) to[i] = to_bf16(all[i]);
}

GPU_DEVICE void gemm_fp8_wide(const WideArgs<GemmFp8Args>& wide) {
  const GemmFp8Args& a = wide.args;
  WideGroup<false> b = wide_group<false>(wide.w, wide.x, a.K);
  const int64_t token = b.token + b.lane();
  if (b.lane() < kWideTokens && token < a.M) b.scale = a.x.scales + scale_offset(a.x.layout, a.M, a.K / kGroup, token, 0);
  b.scale_step = scale_offset(a.x.layout, a.M, a.K / kGroup, 0, 1);
  b.unit = a.w_scales + b.column / kGroup * (a.K / kGroup);
  MatrixSums acc = {};
  b.sum(acc);
  join_wide(acc, b.memory, b.kAt.group, b.group, [&](int row, int column, const float4& sum) {
    const int64_t m = b.token + row, n = b.column + column;
    if (m < a.M && n < a.N) write_four(a.out + m * a.out_stride + n, sum, a.N - n);
  });
}
GPU_DEVICE void gemm_bf16_wide(const WideArgs<GemmBf16Args>& wide) {
  const GemmBf16Args& a = wide.args;
  const WideGroup<true> b = wide_group<true>(wide.w, wide.x, a.K * 2);
  MatrixSums acc = {};
  b.sum(acc);
  join_wide(acc, b.memory, b.kAt.group, b.group, [&](int row, int column, const float4& sum) {
    const int64_t m = b.token + row, n = b.column + column;
    if (m >= a.M || n >= a.N) return;
    if (a.out_format == Format::bf16) return write_four(static_cast<Bf16*>(a.out) + m * a.out_stride + n, sum, a.N - n);
    auto* to = static_cast<float*>(a.out) + m * a.out_stride + n;
    const float all[4] = {sum.x, sum.y, sum.z, sum.w};
    for (int i = 0; i < 4 && n + i < a.N; ++i) to[i] = all[i];
  });
}

#endif
}  // namespace kernels::GPU_NS
#endif
