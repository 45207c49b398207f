// GEMMs of many tokens on Hopper: tiles of 64, 128 or 192 columns x 64 tokens. A warpgroup has 64 columns; a team is the
// warpgroups of a tile's columns, and the teams of a block (4, 2, 1) share its steps of K (128 bytes), each with a ring of its
// own: weights and tokens come by the copy engine, which knows them as matrices of bytes (WideArgs: the maps are made where the
// kernel is launched), weights ahead of what the kernel before writes, and the matrix instruction takes both from where the
// copies left them. Few columns: the blocks of a cluster split K too.
//   fp8   a step's sums, as exact as the instruction makes them (kernels/gemm_fp8.h), are scaled and added in fp32
// Bytes: weights once, tokens once a block out of the cache: half of what a multiprocessor takes in of 64 columns, a quarter
// of 192.
// Measured on the way: one warpgroup a block, clusters of up to 8 for all shapes: a step was 1,400 cycles of one wave a
// scheduler waiting for itself, and reading the sums of other blocks took 2 to 4 us. Blocks that walk over tiles: the compiler
// keeps so much from tile to tile that sums leave their registers. e4m3 widened to f16, which is exact: matrix instructions
// and the widening lay one behind the other, o_proj of one rank 48 us.
// Not run by the emulator, which has neither the engine nor the instruction: there, and wherever Traits::matrix_copies is
// not said, gemm.h's kernels take as many tokens.
#pragma once
#include <type_traits>

#include "kernels/gpu/gemm.h"
#include "kernels/gpu/hopper.h"
#include "kernels/gpu/waits.h"

#if GPU_WAVE == 32
namespace kernels::GPU_NS {

inline constexpr int kWideTokens = 64;
inline constexpr int64_t kWideTile = 64 * kStageBytes;  // of 64 rows of weights or tokens, a step

// A block's teams and its shared memory, from an address that is a multiple of 1,024 on: of each team, tiles of weights, tiles
// of tokens; behind those of all teams scales of steps' tokens and weights, barriers. Sums take the place of the tiles.
template <bool kBf16, int kStrips>
struct WideShape {
  static constexpr int kColumns = 64 * kStrips, kTeams = kStrips == 1 ? 4 : kStrips == 2 ? 2 : 1;
  static constexpr int kTeam = 128 * kStrips, kBlock = kTeams * kTeam;
  static constexpr int kStages = 24 / (kTeams * (kStrips + 1));  // steps under way a team: 192 KiB a block
  // Steps whose scales are kept: those asked for when a step's tiles have been read must not take the place of its own.
  static constexpr int kScaleSlots = kStages + 1;
  static constexpr int kScales = kWideTokens + 4;  // floats a step; the weights' begin at kWideTokens
  // The sums of a token: with four floats more a row neither writing nor reading them meets a bank twice.
  static constexpr int kRow = kColumns + 4;
  static constexpr int64_t kSumBytes = int64_t{kWideTokens} * kRow * 4;
  static constexpr int64_t kTokensAt = kStages * kStrips * kWideTile, kTeamBytes = kTokensAt + kStages * kWideTile;
  static_assert(kSumBytes <= kTeamBytes);
  static constexpr int64_t kScalesAt = kTeams * kTeamBytes;
  static constexpr int64_t kBarriersAt = kScalesAt + (kBf16 ? 0 : kTeams * kScaleSlots * kScales * 4);
  static constexpr int64_t kBytes = kBarriersAt + kTeams * kStages * 8 + 1024;
};

template <class Shape>
Launch wide_tiles(Kernel kernel, int64_t M, int64_t N, int cluster) {
  Launch l = gpu::blocks(kernel, gpu::divide_up(N, Shape::kColumns), gpu::divide_up(M, kWideTokens) * cluster, Shape::kBlock, Shape::kBytes);
  l.cluster = cluster;
  return l;
}
// How a GEMM is cut: 128 or 192 columns a block where 64 would take the device more than one turn and those do not; else 64,
// and clusters where blocks are few: of two with two steps a team or more, of more, whose blocks read each other for longer,
// with three. Measured: docs/results/h200-kernels.md.
struct WideForm {
  int strips = 1, cluster = 1;
  int64_t blocks = 0;
};
inline WideForm wide_form(int64_t M, int64_t N, int64_t row_bytes, bool bf16, const Traits& device) {
  const int64_t tokens = gpu::divide_up(M, kWideTokens), steps = row_bytes / kStageBytes;
  const auto blocks = [&](int strips) { return gpu::divide_up(N, 64 * strips) * tokens; };
  if (!bf16 && blocks(1) > device.units) {
    for (const int strips : {2, 3}) {
      if (blocks(strips) <= device.units) return {strips, 1, blocks(strips)};
    }
  }
  WideForm f{1, 1, blocks(1)};
  const auto doubled = [&] {
    const int64_t n = 2 * f.cluster;
    return n <= device.cluster && 8 * f.blocks <= (n == 2 ? 3 : 2) * device.units && steps >= (n == 2 ? 16 : 12 * n);
  };
  while (doubled()) f.cluster *= 2, f.blocks *= 2;
  return f;
}
// Which form takes a GEMM on a device that has the engine: tiles where tokens are many, and of 12 to 16 tokens where they keep
// three fifths of the device; else a ring a wave (gemm.h), up to 16 tokens or where that fills the device only once.
inline bool by_tiles(int64_t M, int64_t N, int64_t row_bytes, bool bf16, const Traits& device) {
  if (!device.matrix_copies || M < 12) return false;
  return M > 16 ? !by_ring(M, N, device) : 5 * wide_form(M, N, row_bytes, bf16, device).blocks >= 3 * device.units;
}
inline Launch wide_launch(Kernel kernel, int64_t M, int64_t N, int64_t row_bytes, bool bf16, const Traits& device) {
  const WideForm f = wide_form(M, N, row_bytes, bf16, device);
  if (bf16) return wide_tiles<WideShape<true, 1>>(kernel, M, N, f.cluster);
  if (f.strips == 3) return wide_tiles<WideShape<false, 3>>(Kernel::gemm_fp8_wide_192, M, N, f.cluster);
  if (f.strips == 2) return wide_tiles<WideShape<false, 2>>(Kernel::gemm_fp8_wide_128, M, N, f.cluster);
  return wide_tiles<WideShape<false, 1>>(kernel, M, N, f.cluster);
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
  GPU_DEVICE int strip() const { return wave() / 4; }
  GPU_DEVICE int64_t place() const { return team() * Shape::kTeamBytes; }
  GPU_DEVICE LdsAddress barrier_of(int s) const { return address(Shape::kBarriersAt) + (team() * kStages + s) * 8; }
  GPU_DEVICE float* scales(int i) const {
    return reinterpret_cast<float*>(memory() + Shape::kScalesAt) + (team() * Shape::kScaleSlots + i % Shape::kScaleSlots) * Shape::kScales;
  }
  GPU_DEVICE int64_t weights_of(int s, int strip) const { return place() + (s * kStrips + strip) * kWideTile; }
  GPU_DEVICE int64_t tokens_of(int s) const { return place() + Shape::kTokensAt + s * kWideTile; }
  GPU_DEVICE LdsAddress address(int64_t offset) const { return lds_address(lds()) + shift + static_cast<LdsAddress>(offset); }
  GPU_DEVICE void team_barrier() const {  // 0 is the block's own
    asm volatile("bar.sync %0, %1;" ::"r"(team() + 1), "n"(kTeam) : "memory");
  }

  // i: the number of the step among the team's. Waves share this: one that asked for all would be waited for by the others.
  GPU_DEVICE void copy_weights(int s, int i) const {  // by one lane
    arrive_with_bytes(barrier_of(s), kStrips * kWideTile);
#pragma unroll
    for (int strip = 0; strip < kStrips; ++strip)
      copy_tile_once(address(weights_of(s, strip)), wide.w, step(i) * kStageBytes, column() + 64 * strip, barrier_of(s));
  }
  GPU_DEVICE void copy_tokens(int s, int i) const {  // by one lane
    arrive_with_bytes(barrier_of(s), wide_tokens(wide.args.M) * kStageBytes);
    copy_tile(address(tokens_of(s)), wide.x, step(i) * kStageBytes, token, barrier_of(s));
    if constexpr (!kBf16) {
#pragma unroll
      for (int strip = 0; strip < kStrips; ++strip) {
        const int n = column() + 64 * strip;
        copy4_async(lds_address(scales(i) + kWideTokens + strip), wide.args.w_scales + n / kGroup * steps() + step(i), n < wide.args.N);
      }
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
  // A stage that has been read takes another step.
  GPU_DEVICE void refill() const {
    const int i = turn + kStages;
    if (i >= turns) return;
    if (lane() == 0) copy_weights(slot, i);
    copy_rest(slot, i);
  }

  GPU_DEVICE void multiply_fp8(MatrixSums& acc) const {
    const uint64_t weights = lds_matrix(address(weights_of(slot, strip()))), tokens = lds_matrix(address(tokens_of(slot)));
    MatrixSums part;
    mma_begin();
#pragma unroll
    for (int s = 0; s < 4; ++s) mma_fp8_lds(part, weights + lds_matrix_bytes(s * 32), tokens + lds_matrix_bytes(s * 32), s > 0);
    mma_commit();
    const float* of_tokens = scales(turn) + in_wave() % 4 * 2;
    const float unit = scales(turn)[kWideTokens + strip()];
    float2 by[8];
#pragma unroll
    for (int j = 0; j < 8; ++j) by[j] = *reinterpret_cast<const float2*>(of_tokens + 8 * j);
    mma_wait();
    team_barrier();
    refill();
#pragma unroll
    for (int j = 0; j < 8; ++j) {
#pragma unroll
      for (int r = 0; r < 4; ++r) acc.c[4 * j + r] = fmaf(part.c[4 * j + r], (r % 2 == 0 ? by[j].x : by[j].y) * unit, acc.c[4 * j + r]);
    }
  }
  GPU_DEVICE void multiply_bf16(MatrixSums& acc) const {
    const uint64_t weights = lds_matrix(address(weights_of(slot, strip()))), tokens = lds_matrix(address(tokens_of(slot)));
    mma_begin();
#pragma unroll
    for (int s = 0; s < 4; ++s) mma_bf16_lds(acc, weights + lds_matrix_bytes(s * 32), tokens + lds_matrix_bytes(s * 32));
    mma_end();
    team_barrier();
    refill();
  }

  // The compiler must not know these for the same as before: else it keeps what follows from them, and other values have to
  // leave.
  GPU_DEVICE void forget() { asm volatile("" : "+r"(shift), "+r"(thread), "+r"(token)); }
  GPU_DEVICE void sum(MatrixSums& acc) {
    if (lane() == 0) {
      for (int i = 0; i < kStages; ++i) arrivals_expected(barrier_of(i), kBf16 ? 2 : 3 + kWideTokens);
      asm volatile("fence.mbarrier_init.release.cluster;\n\tfence.proxy.async.shared::cta;" ::: "memory");
      for (int i = 0; i < kStages && i < turns; ++i) copy_weights(i, i);
    }
    if (lane() == kWave) prefetch_map(wide.x);
    team_barrier();
    wait_in_line();
    for (int i = 0; i < kStages && i < turns; ++i) copy_rest(i, i);
    for (; turn < turns; ++turn) {
      forget();
      wait_for_arrivals(barrier_of(slot), phase);
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
  constexpr int kColumns = Team::kColumns, kRow = Team::kRow, kFours = kWideTokens * kColumns / 4, kTurns = kFours / Team::kBlock;
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
    const int four = turn * Team::kBlock + team.thread;
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
  const auto summed = [&](int four) {
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
    return sum;
  };
  const auto bits = [](const float4& v) {
    return std::bit_cast<uint32_t>(v.x) | std::bit_cast<uint32_t>(v.y) | std::bit_cast<uint32_t>(v.z) | std::bit_cast<uint32_t>(v.w);
  };
  const auto put = [&](int four, const float4& sum) { write(four / (kColumns / 4), four % (kColumns / 4) * 4, sum); };
  const int by = Team::kBlock * blocks;
  int four = team.thread * blocks + cluster_rank();
  uint32_t read = 0;
  for (; four + by < kFours; four += by) {
    const float4 sum = summed(four);
    read |= bits(sum);
    put(four, sum);
  }
  const float4 last = four < kFours ? summed(four) : float4{};
  cluster_leave(read | bits(last));
  if (four < kFours) put(four, last);
  cluster_left();
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
GPU_DEVICE void gemm_fp8_wide_192(const WideArgs<GemmFp8Args>& wide) { gemm_fp8_wide_of<3>(wide); }
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
