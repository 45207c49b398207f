// Small-M GEMMs: weights are the 16-row operand and are streamed once; the waves of a block split K in steps of
// 128 and add their sums through shared memory in one order. A block owns 16 output columns and up to 64 tokens.
// Bound by the weights' bytes up to some 48 tokens (a fragment of 16 x 64 bytes serves 16 tokens an instruction).
#pragma once
#include "kernels/gpu/gemm_sums.h"
#include "kernels/gpu/waits.h"

namespace kernels::GPU_NS {

using gpu::Kernel;
using gpu::Launch;
using gpu::Traits;

inline constexpr int kGemmThreads = 256;
inline constexpr int kGemmWaves = kGemmThreads / kWave;
inline constexpr int kWideThreads = 512;  // where the columns alone are too few blocks for the device

template <int TT>
GPU_DEVICE void gemm_fp8(const GemmFp8Args& a) {
  const int64_t n0 = int64_t{blockIdx.x} * 16;
  const Tokens tokens = tokens_of(int64_t{blockIdx.y} * TT * 16, a.M, TT * 16);
  const Fp8Rows w{a.w, a.w_scales + n0 / kGroup * (a.K / kGroup), n0, a.N, a.K};
  const Fp8Tokens x{tokens, a.x, a.K};
  Acc acc[TT] = {};
  add_fp8(acc, w, x, a.K, wave_id(), block_waves());
  join_waves(acc, block_waves(), 0, [&](int token, int row, float sum) {
    if (token < tokens.count && n0 + row < a.N)
      a.out[(tokens.m0 + token) * a.out_stride + n0 + row] = to_bf16(sum);
  });
}
#if GPU_WAVE == 32
// What a lane copies for rows of w and tokens of x, whose scales end a step after the other.
template <class W, class X>
GPU_DEVICE Feed feed_of(const W& w, const X& x, int64_t bytes) {
  const int lane = lane_id();
  Feed f{};
#pragma unroll
  for (int i = 0; i < kPieces; ++i) {
    f.left[i] = w.row(piece_row(lane, i)) + piece_part(lane) * 16;
    f.right[i] = piece_row(lane, i) < x.count ? x.row(piece_row(lane, i)) + piece_part(lane) * 16 : nullptr;
  }
  f.bytes = bytes;
  return f;
}
// The waves of a cluster's blocks split K: this wave's first step, and how many there are.
GPU_DEVICE int first_step() {
  return cluster_rank() * block_waves() + wave_id();
}
GPU_DEVICE int step_by() {
  return cluster_size() * block_waves();
}

// The ring lies behind the sums of join_waves.
template <bool kBf16, bool kBoth>
GPU_DEVICE void stream_columns_of(Acc& acc, const Feed& f) {
  using Columns = Ring<kBoth, kBf16>;
  stream_tile(Columns{lds() + join_bytes(1, block_waves()) + wave_id() * kRing * Columns::kBytes}, acc, f, first_step(), step_by());
}
template <bool kBf16>
GPU_DEVICE void stream_columns(Acc& acc, const Feed& f, int tokens) {
  if (tokens > 8)
    stream_columns_of<kBf16, true>(acc, f);
  else
    stream_columns_of<kBf16, false>(acc, f);
}

GPU_DEVICE void gemm_fp8_16(const GemmFp8Args& a) {
  const int64_t n0 = int64_t{blockIdx.x} * 16;
  const Tokens tokens = tokens_of(int64_t{blockIdx.y} / cluster_size() * 16, a.M, 16);
  const Fp8Rows w{a.w, a.w_scales + n0 / kGroup * (a.K / kGroup), n0, a.N, a.K};
  const Fp8Tokens x{tokens, a.x, a.K};
  Feed f = feed_of(w, x, a.K);
  if (lane_id() < x.count) f.scale = x.scale_row(lane_id()), f.scale_step = x.scale_step();
  if (lane_id() == kUnitScale) f.scale = w.scales, f.scale_step = 1;
  Acc acc[1] = {};
  stream_columns<false>(acc[0], f, tokens.count);
  join_waves(acc, block_waves(), 0, [&](int token, int row, float sum) {
    if (token < tokens.count && n0 + row < a.N)
      a.out[(tokens.m0 + token) * a.out_stride + n0 + row] = to_bf16(sum);
  });
}

// 16 columns a block, up to 16 tokens. Few columns: more blocks share them, as a cluster. Many: smaller blocks, so that
// all fit on the device at once.
inline Launch ring_launch(Kernel kernel, int64_t M, int64_t N, int64_t row_bytes, int64_t y, const Traits& device) {
  const int64_t columns = gpu::divide_up(N, 16), tokens = gpu::divide_up(M, 16) * y, steps = gpu::divide_up(row_bytes, kStageBytes);
  const int waves = columns * tokens > 2 * device.units ? 4 : 8;
  int cluster = 1;
  while (2 * cluster <= device.cluster && columns * tokens * cluster * 2 <= device.units && waves * cluster * 2 <= steps)
    cluster *= 2;
  Launch l = gpu::blocks(kernel, M ? columns : 0, tokens * cluster, waves * kWave, join_bytes(1, waves) + ring_bytes(M > 8, waves));
  l.cluster = cluster;
  return l;
}
// gemm_wide.h
inline bool by_tiles(int64_t M, int64_t N, int64_t row_bytes, bool bf16, const Traits&);
inline Launch wide_launch(Kernel, int64_t M, int64_t N, int64_t row_bytes, bool bf16, const Traits&);
// Rows of weights that come out of the cache again for each 16 tokens, where all blocks fit at once.
inline bool by_ring(int64_t M, int64_t N, const Traits& t) {
  return M <= 16 || gpu::divide_up(N, 16) * gpu::divide_up(M, 16) <= t.units;
}
#else
GPU_DEVICE void gemm_fp8_16(const GemmFp8Args& a) { gemm_fp8<1>(a); }
#endif
GPU_DEVICE void gemm_fp8_32(const GemmFp8Args& a) { gemm_fp8<2>(a); }
GPU_DEVICE void gemm_fp8_64(const GemmFp8Args& a) { gemm_fp8<4>(a); }

// Blocks of 16 columns by blocks of tokens; `kernels` for 16, 32 and 64 tokens.
inline Launch gemm_launch(const Kernel (&kernels)[3], int64_t M, int64_t N, int64_t y, const Traits& device) {
  const int tiles = M <= 16 ? 1 : M <= 32 ? 2 : 4;
  const int64_t columns = gpu::divide_up(N, 16), tokens = gpu::divide_up(M, tiles * 16) * y;
  const int threads = tiles == 1 && columns * tokens <= device.units ? kWideThreads : kGemmThreads;
  return gpu::blocks(kernels[tiles / 2], M ? columns : 0, tokens, threads, join_bytes(tiles, threads / kWave));
}
inline Launch launch(const GemmFp8Args& a, const Traits& t) {
  if (!gpu::aligned(a.x.values, 16) || !gpu::aligned(a.w, 16))
    return gpu::refused("gemm_fp8: rows must be 16-byte aligned on a GPU");
#if GPU_WAVE == 32
  if (by_tiles(a.M, a.N, a.K, false, t)) return wide_launch(Kernel::gemm_fp8_wide, a.M, a.N, a.K, false, t);
  if (by_ring(a.M, a.N, t)) return ring_launch(Kernel::gemm_fp8_16, a.M, a.N, a.K, 1, t);
#endif
  return gemm_launch({Kernel::gemm_fp8_16, Kernel::gemm_fp8_32, Kernel::gemm_fp8_64}, a.M, a.N, 1, t);
}

template <int TT>
GPU_DEVICE void gemm_mxfp4(const GemmMxArgs& a) {
  const int64_t n0 = int64_t{blockIdx.x} * 16;
  const Tokens tokens = tokens_of(int64_t{blockIdx.y} * TT * 16, a.M, TT * 16);
  Acc acc[TT] = {};
  add_mx(acc, MxRows{a.w, a.w_scales, n0, a.N, a.K}, MxTokens{tokens, a.x, a.K}, a.K, wave_id(), kGemmWaves);
  join_waves(acc, kGemmWaves, 0, [&](int token, int row, float sum) {
    if (token < tokens.count && n0 + row < a.N)
      a.out[(tokens.m0 + token) * a.out_stride + n0 + row] = to_bf16(sum);
  });
}
GPU_DEVICE void gemm_mxfp4_16(const GemmMxArgs& a) { gemm_mxfp4<1>(a); }
GPU_DEVICE void gemm_mxfp4_32(const GemmMxArgs& a) { gemm_mxfp4<2>(a); }
inline Launch launch(const GemmMxArgs& a, const Traits&) {
  if (!gpu::aligned(a.x.values, 16) || !gpu::aligned(a.w, 16))
    return gpu::refused("gemm_mxfp4: rows must be 16-byte aligned on a GPU");
  const int tiles = a.M <= 16 ? 1 : 2;
  return gpu::blocks(tiles == 1 ? Kernel::gemm_mxfp4_16 : Kernel::gemm_mxfp4_32,
                     a.M ? gpu::divide_up(a.N, 16) : 0, gpu::divide_up(a.M, tiles * 16), kGemmThreads,
                     join_bytes(tiles, kGemmWaves));
}

template <int TT>
GPU_DEVICE void write_bf16(const GemmBf16Args& a, const Acc (&acc)[TT], const Tokens& tokens, int64_t n0, int64_t split) {
  join_waves(acc, block_waves(), 0, [&](int token, int row, float sum) {
    if (token >= tokens.count || n0 + row >= a.N) return;
    const int64_t at = (split * a.M + tokens.m0 + token) * a.out_stride + n0 + row;
    if (a.out_format == Format::f32)
      static_cast<float*>(a.out)[at] = sum;
    else
      static_cast<Bf16*>(a.out)[at] = to_bf16(sum);
  });
}
template <int TT, int kParts, class X>
GPU_DEVICE void gemm_bf16_of(const GemmBf16Args& a, const Tokens& tokens, int64_t split, const X& x) {
  const int64_t n0 = int64_t{blockIdx.x} * 16, k = a.K / a.splits;
  Acc acc[TT] = {};
  add_bf16<kParts>(acc, Bf16Rows{a.w, n0, a.N, a.K}, x, split * k, split * k + k, wave_id(), block_waves());
  write_bf16(a, acc, tokens, n0, split);
}
template <int TT>
GPU_DEVICE void gemm_bf16(const GemmBf16Args& a) {
  const int64_t tiles = (a.M + TT * 16 - 1) / (TT * 16);
  const Tokens tokens = tokens_of(blockIdx.y % tiles * TT * 16, a.M, TT * 16);
  gemm_bf16_of<TT, 1>(a, tokens, blockIdx.y / tiles,
                      Bf16Tokens{tokens, static_cast<const Bf16*>(a.x), a.x_stride});
}
#if GPU_WAVE == 32
GPU_DEVICE void gemm_bf16_16(const GemmBf16Args& a) {
  const int64_t n0 = int64_t{blockIdx.x} * 16, k = a.K / a.splits, tiles = (a.M + 15) / 16;
  const int64_t tile = int64_t{blockIdx.y} / cluster_size(), split = tile / tiles;
  const Tokens tokens = tokens_of(tile % tiles * 16, a.M, 16);
  const Bf16Tokens x{tokens, static_cast<const Bf16*>(a.x) + split * k, a.x_stride};
  Acc acc[1] = {};
  stream_columns<true>(acc[0], feed_of(Bf16Rows{a.w + split * k, n0, a.N, a.K}, x, k * 2), tokens.count);
  write_bf16(a, acc, tokens, n0, split);
}
#else
GPU_DEVICE void gemm_bf16_16(const GemmBf16Args& a) { gemm_bf16<1>(a); }
#endif
GPU_DEVICE void gemm_bf16_32(const GemmBf16Args& a) { gemm_bf16<2>(a); }
GPU_DEVICE void gemm_bf16_64(const GemmBf16Args& a) { gemm_bf16<4>(a); }
GPU_DEVICE void gemm_f32_16(const GemmBf16Args& a) {
  const int64_t tiles = (a.M + 15) / 16;
  const Tokens tokens = tokens_of(blockIdx.y % tiles * 16, a.M, 16);
  gemm_bf16_of<1, 3>(a, tokens, blockIdx.y / tiles,
                     F32Tokens{tokens, static_cast<const float*>(a.x), a.x_stride});
}
inline Launch launch(const GemmBf16Args& a, const Traits& t) {
  if (a.x_stride % 8 != 0 || a.K % (8 * a.splits) != 0 || !gpu::aligned(a.x, 16) || !gpu::aligned(a.w, 16))
    return gpu::refused("gemm_bf16: rows must be 16-byte aligned on a GPU");
#if GPU_WAVE == 32
  const bool whole = a.K / a.splits % 64 == 0;  // steps of 128 bytes
  if (a.x_format == Format::bf16 && a.splits == 1 && whole && by_tiles(a.M, a.N, a.K * 2, true, t))
    return wide_launch(Kernel::gemm_bf16_wide, a.M, a.N, a.K * 2, true, t);
  if (a.x_format == Format::bf16 && whole && by_ring(a.M, a.N * a.splits, t))
    return ring_launch(Kernel::gemm_bf16_16, a.M, a.N, a.K / a.splits * 2, a.splits, t);
#endif
  if (a.x_format == Format::f32)
    return gpu::blocks(Kernel::gemm_f32_16, a.M ? gpu::divide_up(a.N, 16) : 0,
                       gpu::divide_up(a.M, 16) * a.splits, kWideThreads, join_bytes(1, kWideThreads / kWave));
#if GPU_WAVE == 32  // rows that are no whole steps: whose kernel for up to 16 tokens wants them whole
  return gemm_launch({Kernel::gemm_bf16_32, Kernel::gemm_bf16_32, Kernel::gemm_bf16_64}, a.M ? std::max<int64_t>(a.M, 17) : 0, a.N, a.splits, t);
#else
  return gemm_launch({Kernel::gemm_bf16_16, Kernel::gemm_bf16_32, Kernel::gemm_bf16_64}, a.M, a.N, a.splits, t);
#endif
}

}  // namespace kernels::GPU_NS
