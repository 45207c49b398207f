// GEMMs of 17 tokens and more on Hopper: tiles of 64 x 64 or, where there are enough columns, of 128 columns x 64 tokens. Four
// warpgroups a block, in teams of one or, for 128 columns, of two: a warpgroup has 64 columns, the teams share a block's steps
// of K (128 bytes), each with a ring of its own: weights and tokens come by the copy engine, which knows them as matrices of
// bytes (WideArgs: the maps are made where the kernel is launched), weights ahead of what the kernel before writes. Few
// columns: the blocks of a cluster split K too.
//   bf16  the warpgroup's matrix instruction takes both sides from where the copies left them
//   fp8   weights become f16 in registers, the 64-row operand; tokens f16 in shared memory, the other one. e4m3 is exact in
//         f16 and sums are fp32; the instruction's own fp8 form keeps some 13 bits of a product, too few for the
//         reference's bound. A step's sums are scaled before they are added.
// Bytes: weights once, tokens once a block (as many bytes again for 64 columns at 64 tokens, out of the cache). Of shared
// memory, a step of 64 columns: 64 KiB; with a team's tokens widened once for 128 columns 48 KiB. Bound by the way of a step
// (19.5 us of matrix instructions and 16.8 us of waits and copies of o_proj's 48 lie one behind the other): who asks for
// copies is shared by waves for that.
// Measured on the way: one warpgroup a block, clusters of up to 8 for all shapes: a step was 1,400 cycles of one wave a
// scheduler waiting for itself, and reading the sums of other blocks took 2 to 4 us. Blocks that walk over tiles: the compiler
// keeps so much from tile to tile that sums leave their registers.
// Not run by the emulator, which has neither the engine nor the instruction: there, and wherever Traits::matrix_copies is
// not said, gemm.h's kernels take as many tokens.
#pragma once
#include <type_traits>

#include "kernels/gpu/gemm.h"
#include "kernels/gpu/hopper.h"

#if GPU_WAVE == 32
namespace kernels::GPU_NS {

inline constexpr int kWideTokens = 64, kWideBlock = 512;
inline constexpr int kWideScaleSlots = 4;               // steps whose scales are kept
inline constexpr int kWideScales = kWideTokens + 4;     // floats a step; the weights' is at kWideTokens
inline constexpr int64_t kWideTile = 64 * kStageBytes;  // of 64 rows of weights or tokens, a step

// A block's teams and its shared memory, from an address that is a multiple of 1,024 on: of each team, tiles of weights, tiles
// of tokens, tokens as f16 (fp8 alone); behind those of all teams scales of steps' tokens and weights, barriers. Sums take the
// place of the tiles.
template <bool kBf16, int kStrips>
struct WideShape {
  static_assert(!kBf16 || kStrips == 1);
  static constexpr int kColumns = 64 * kStrips, kTeams = 4 / kStrips, kTeam = kWideBlock / kTeams;
  static constexpr int kStages = kBf16 || kStrips == 2 ? 3 : 2;  // steps under way a team
  static constexpr int kWidened = kBf16 ? 0 : kStrips;           // steps whose tokens are kept as f16
  static constexpr bool kAhead = kWidened > 1;                   // the next step's become so beside the matrix instructions
  // The sums of a token: with four floats more a row neither writing nor reading them meets a bank twice.
  static constexpr int kRow = kColumns + 4;
  static constexpr int64_t kSumBytes = int64_t{kWideTokens} * kRow * 4;
  static constexpr int64_t kTokensAt = kStages * kStrips * kWideTile, kF16At = kTokensAt + kStages * kWideTile;
  static constexpr int64_t kTeamBytes = kF16At + kWidened * 2 * kWideTile;
  static_assert(kSumBytes <= kF16At);
  static constexpr int64_t kScalesAt = kTeams * kTeamBytes;
  static constexpr int64_t kBarriersAt = kScalesAt + (kBf16 ? 0 : kTeams * kWideScaleSlots * kWideScales * 4);
  static constexpr int64_t kBytes = kBarriersAt + kTeams * kStages * 8 + 1024;
};

template <class Shape>
Launch wide_tiles(Kernel kernel, int64_t M, int64_t N, int cluster) {
  Launch l = gpu::blocks(kernel, gpu::divide_up(N, Shape::kColumns), gpu::divide_up(M, kWideTokens) * cluster, kWideBlock, Shape::kBytes);
  l.cluster = cluster;
  return l;
}
// Tiles of 128 columns where they fill two thirds of the device, if need be as pairs of blocks that split K; else tiles of 64
// and, where they leave most of the device idle, clusters.
inline Launch wide_launch(Kernel kernel, int64_t M, int64_t N, int64_t row_bytes, bool bf16, const Traits& device) {
  const int64_t tokens = gpu::divide_up(M, kWideTokens), steps = row_bytes / kStageBytes;
  if (!bf16) {
    const int64_t tiles = gpu::divide_up(N, 128) * tokens;
    const int cluster = 2 * tiles <= device.units && steps >= 64 && device.cluster >= 2 ? 2 : 1;
    if (3 * cluster * tiles >= 2 * device.units)
      return wide_tiles<WideShape<false, 2>>(Kernel::gemm_fp8_wide_128, M, N, cluster);
  }
  const int64_t tiles = gpu::divide_up(N, 64) * tokens;
  int cluster = 1;  // two where they fit at once; more, whose blocks read each other for longer, where columns are very few
  while (2 * cluster <= device.cluster && 2 * cluster * tiles <= (cluster == 1 ? device.units : device.units / 2) && 8 * cluster <= steps)
    cluster *= 2;
  return bf16 ? wide_tiles<WideShape<true, 1>>(kernel, M, N, cluster) : wide_tiles<WideShape<false, 1>>(kernel, M, N, cluster);
}

#if defined(GPU_CUDA)

// What a team works on: steps first, first + by, ... of K. What can be had from the arguments
// anew is not kept: registers are short.
template <bool kBf16, int kStrips>
struct WideTeam : WideShape<kBf16, kStrips> {
  using Shape = WideShape<kBf16, kStrips>;
  using Args = std::conditional_t<kBf16, GemmBf16Args, GemmFp8Args>;
  using Shape::kTeam, Shape::kTeams, Shape::kStages;
  const WideArgs<Args>& wide;
  uint32_t shift;                // of the block's shared memory, to a multiple of 1,024
  int thread, token;             // of the block; its first token
  int first, by, turns;          // steps of the team
  int turn = 0, slot = 0;        // worked on
  uint32_t phase = 0;

  GPU_DEVICE explicit WideTeam(const WideArgs<Args>& all)
      : wide(all), shift(static_cast<uint32_t>(-lds_address(lds())) % 1024), thread(static_cast<int>(threadIdx.x)) {
    const int blocks = cluster_size();
    token = static_cast<int>(blockIdx.y) / blocks * kWideTokens, first = cluster_rank() * kTeams + team(), by = blocks * kTeams;
    turns = turns_of(first, by, steps());
  }
  GPU_DEVICE uint8_t* memory() const { return lds() + shift; }
  GPU_DEVICE int steps() const { return static_cast<int>(wide.args.K / (kBf16 ? kStageBytes / 2 : kStageBytes)); }
  GPU_DEVICE int team() const { return thread / kTeam; }
  GPU_DEVICE int step(int i) const { return first + i * by; }
  GPU_DEVICE int column() const { return static_cast<int>(blockIdx.x) * Shape::kColumns; }

  GPU_DEVICE int lane() const { return thread % kTeam; }
  GPU_DEVICE int in_wave() const { return thread % kWave; }
  GPU_DEVICE int wave() const { return lane() / kWave; }  // of the team: 16 columns of 64 kStrips
  GPU_DEVICE int64_t place() const { return team() * Shape::kTeamBytes; }
  GPU_DEVICE LdsAddress barrier_of(int s) const { return address(Shape::kBarriersAt) + (team() * kStages + s) * 8; }
  GPU_DEVICE float* scales(int i) const {
    return reinterpret_cast<float*>(memory() + Shape::kScalesAt) + (team() * kWideScaleSlots + i % kWideScaleSlots) * kWideScales;
  }
  GPU_DEVICE int64_t weights_of(int s) const { return place() + s * (kStrips * kWideTile); }
  GPU_DEVICE int64_t tokens_of(int s) const { return place() + Shape::kTokensAt + s * kWideTile; }
  GPU_DEVICE LdsAddress address(int64_t offset) const { return lds_address(lds()) + shift + static_cast<LdsAddress>(offset); }
  GPU_DEVICE LdsAddress f16_at(int i) const { return address(place() + Shape::kF16At + (Shape::kAhead ? i % 2 * 2 * kWideTile : 0)); }
  GPU_DEVICE void team_barrier() const {  // 0 is the block's own
    asm volatile("bar.sync %0, %1;" ::"r"(team() + 1), "n"(kTeam) : "memory");
  }

  // i: the number of the step among the team's. Waves share this: one that asked for all would be waited for by the others.
  GPU_DEVICE void copy_weights(int s, int i) const {  // by one lane
    arrive_with_bytes(barrier_of(s), kStrips * kWideTile);
#pragma unroll
    for (int strip = 0; strip < kStrips; ++strip)
      copy_tile(address(weights_of(s) + strip * kWideTile), wide.w, step(i) * kStageBytes, column() + 64 * strip, barrier_of(s));
  }
  GPU_DEVICE void copy_tokens(int s, int i) const {  // by one lane
    arrive_with_bytes(barrier_of(s), kWideTile);
    copy_tile(address(tokens_of(s)), wide.x, step(i) * kStageBytes, token, barrier_of(s));
    if constexpr (!kBf16) {
      copy4_async(lds_address(scales(i) + kWideTokens), wide.args.w_scales + column() / kGroup * steps() + step(i), true);
      arrive_with_copies(barrier_of(s));
    }
  }
  GPU_DEVICE void copy_scales(int s, int i) const {  // by a lane a token: two waves
    if constexpr (!kBf16) {
      const GemmFp8Args& a = wide.args;
      const int m = lane() - 2 * kWave;
      copy4_async(lds_address(scales(i) + m), a.x.scales + scale_offset(a.x.layout, a.M, steps(), token + m, step(i)), token + m < a.M);
      arrive_with_copies(barrier_of(s));
    }
  }
  // What follows on the kernel before.
  GPU_DEVICE void copy_rest(int s, int i) const {
    if (lane() == kWave) copy_tokens(s, i);
    if (wave() == 2 || wave() == 3) copy_scales(s, i);
  }
  // The tile's 16-byte chunks 2 (lane % 4) + half of a row: in this order eight lanes that read at once, of two rows, meet
  // no bank twice.
  GPU_DEVICE Piece piece(int64_t tile, int row, int half) const {
    const int chunk = (2 * (in_wave() % 4) + half) ^ row % 8;
    return piece_at(memory() + tile + row * kStageBytes + chunk * 16);
  }
  // This wave's tokens of step i, which lie in stage s, as f16; their scales times the weights'.
  GPU_DEVICE void widen_tokens(int s, int i) const {
    if (wave() == 2 || wave() == 3) scales(i)[lane() - 2 * kWave] *= scales(i)[kWideTokens];
    const int row = wave() * (16 / kStrips);
#pragma unroll
    for (int eight = 0; eight < kPieces / kStrips; ++eight) {
#pragma unroll
      for (int half = 0; half < 2; ++half)
        store_ready(f16_at(i) + half * static_cast<LdsAddress>(kWideTile), row + 8 * eight, ready(piece(tokens_of(s), row + 8 * eight + in_wave() / 4, half)));
    }
  }

  GPU_DEVICE void multiply_fp8(MatrixSums& acc) {
    const int row = wave() * 16 + in_wave() / 4;
    if (!Shape::kAhead || turn == 0) widen_tokens(slot, turn);
    uint32_t rows[8][4];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const Ready low = ready(piece(weights_of(slot), row, half)), high = ready(piece(weights_of(slot), row + 8, half));
#pragma unroll
      for (int s = 0; s < 4; ++s) {
        uint32_t* a = rows[half * 4 + s];
        a[0] = low.f16[2 * s], a[1] = high.f16[2 * s], a[2] = low.f16[2 * s + 1], a[3] = high.f16[2 * s + 1];
      }
    }
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    team_barrier();  // the stage has been read, the tokens are there as f16
    const uint64_t matrix = lds_matrix(f16_at(turn));
    MatrixSums part;
    mma_begin();
#pragma unroll
    for (int s = 0; s < 8; ++s)
      mma_f16(part, rows[s], matrix + lds_matrix_bytes(s / 4 * kWideTile + s % 4 * 32), s > 0);
    mma_commit();
    refill();
    if constexpr (Shape::kAhead) {
      if (turn + 1 < turns) {
        const bool around = slot + 1 == kStages;
        wait_for_arrivals(barrier_of(around ? 0 : slot + 1), phase ^ static_cast<uint32_t>(around));
        widen_tokens(around ? 0 : slot + 1, turn + 1);
      }
    }
    mma_wait();
    const float* by_both = scales(turn);
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const float2 two = *reinterpret_cast<const float2*>(by_both + 8 * j + in_wave() % 4 * 2);
#pragma unroll
      for (int r = 0; r < 4; ++r) acc.c[4 * j + r] = fmaf(part.c[4 * j + r], r % 2 == 0 ? two.x : two.y, acc.c[4 * j + r]);
    }
    if constexpr (!Shape::kAhead) team_barrier();  // the tokens as f16 have been read by all
  }
  GPU_DEVICE void multiply_bf16(MatrixSums& acc) {
    mma_begin();
#pragma unroll
    for (int s = 0; s < 4; ++s) mma_bf16_lds(acc, lds_matrix(address(weights_of(slot)) + s * 32), lds_matrix(address(tokens_of(slot)) + s * 32));
    mma_end();
    team_barrier();
    refill();
  }

  // A stage that has been read takes another step.
  GPU_DEVICE void refill() const {
    const int i = turn + kStages;
    if (i >= turns) return;
    if (lane() == 0) copy_weights(slot, i);
    copy_rest(slot, i);
  }

  // The compiler must not know these for the same as before: else it keeps what follows from them, and other values have to
  // leave.
  GPU_DEVICE void forget() { asm volatile("" : "+r"(shift), "+r"(thread), "+r"(token)); }
  GPU_DEVICE void sum(MatrixSums& acc) {
    const bool copies = lane() == 0;
    if (copies) {
      for (int i = 0; i < kStages; ++i) arrivals_expected(barrier_of(i), kBf16 ? 2 : 3 + kWideTokens);
      asm volatile("fence.mbarrier_init.release.cluster;\n\tfence.proxy.async.shared::cta;" ::: "memory");
      for (int i = 0; i < kStages && i < turns; ++i) copy_weights(i, i);
    }
    team_barrier();
    wait_for_previous();
    for (int i = 0; i < kStages && i < turns; ++i) copy_rest(i, i);
    for (; turn < turns; ++turn) {
      forget();
      if (!Shape::kAhead || turn == 0) wait_for_arrivals(barrier_of(slot), phase);
      if constexpr (kBf16)
        multiply_bf16(acc);
      else
        multiply_fp8(acc);
      if (++slot == kStages) slot = 0, phase ^= 1;
    }
    forget();
  }
};

GPU_DEVICE void add_four(float4& sum, const float4& v) {
  sum.x += v.x, sum.y += v.y, sum.z += v.z, sum.w += v.w;
}
// Adds the sums of the block's teams in order, then those of the cluster's blocks; write(token, column, four sums of
// neighbouring columns).
template <class Team, class Write>
GPU_DEVICE void join_wide(const MatrixSums& acc, const Team& team, const Write& write) {
  constexpr int kColumns = Team::kColumns, kRow = Team::kRow, kFours = kWideTokens * kColumns / 4, kTurns = kFours / kWideBlock;
  const int lane = team.in_wave(), blocks = cluster_size();
  auto* mine = reinterpret_cast<float*>(team.memory() + team.place());  // [token][column]
#pragma unroll
  for (int r = 0; r < 32; ++r)
    mine[(r / 4 * 8 + lane % 4 * 2 + r % 2) * kRow + team.wave() * 16 + lane / 4 + r / 2 % 2 * 8] = acc.c[r];
  barrier();
  const auto place_of = [&](int t, int four) {
    const int at = four / (kColumns / 4) * kRow + four % (kColumns / 4) * 4;
    return reinterpret_cast<float4*>(team.memory() + t * Team::kTeamBytes + at * 4);
  };
#pragma unroll
  for (int turn = 0; turn < kTurns; ++turn) {
    const int four = turn * kWideBlock + team.thread;
    float4 sum = *place_of(0, four);
#pragma unroll
    for (int t = 1; t < Team::kTeams; ++t) add_four(sum, *place_of(t, four));
    if (blocks == 1)
      write(four / (kColumns / 4), four % (kColumns / 4) * 4, sum);
    else
      *place_of(0, four) = sum;
  }
  if (blocks == 1) return;
  cluster_barrier();
  for (int four = team.thread * blocks + cluster_rank(); four < kFours; four += kWideBlock * blocks) {
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
    write(four / (kColumns / 4), four % (kColumns / 4) * 4, sum);
  }
  cluster_barrier();  // no block is gone while another reads its sums
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

template <int kStrips>
GPU_DEVICE void gemm_fp8_wide_of(const WideArgs<GemmFp8Args>& wide) {
  const GemmFp8Args& a = wide.args;
  WideTeam<false, kStrips> team(wide);
  MatrixSums acc = {};
  team.sum(acc);
  join_wide(acc, team, [&](int row, int column, const float4& sum) {
    const int64_t m = team.token + row, n = team.column() + column;
    if (m < a.M && n < a.N) write_four(a.out + m * a.out_stride + n, sum, a.N - n);
  });
}
GPU_DEVICE void gemm_fp8_wide(const WideArgs<GemmFp8Args>& wide) { gemm_fp8_wide_of<1>(wide); }
GPU_DEVICE void gemm_fp8_wide_128(const WideArgs<GemmFp8Args>& wide) { gemm_fp8_wide_of<2>(wide); }
GPU_DEVICE void gemm_bf16_wide(const WideArgs<GemmBf16Args>& wide) {
  const GemmBf16Args& a = wide.args;
  WideTeam<true, 1> team(wide);
  MatrixSums acc = {};
  team.sum(acc);
  join_wide(acc, team, [&](int row, int column, const float4& sum) {
    const int64_t m = team.token + row, n = team.column() + column;
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
