// GEMMs of 17 tokens and more, for waves of 32: 64 columns x 64 tokens a block. Four waves take a step of K together:
// each streams its 16 rows of weights and 16 of the tokens through its ring (ring.h) and leaves its tokens to the others
// in shared memory, widened, as their lanes hold them. The blocks of a cluster split K.
// (Four stages and two blocks a multiprocessor were measured too: slower where clusters are wide.)
// Bytes: weights once, tokens once a block of 64 columns (as many bytes again at 64 tokens, out of the cache). Bound by
// shared memory: 64 KB of tokens are read for 8 KB of weights, some 15 bytes of weights a cycle and multiprocessor.
// (wgmma was tried, which reads tokens once for four waves: it needs a fence between writing and reading them, which
// cost more than the reads, in every step.)
#pragma once
#include "kernels/gpu/gemm.h"

#if GPU_WAVE == 32
namespace kernels::GPU_NS {

inline constexpr int kWideColumns = 64, kWideTokens = 64;
inline constexpr int kWideWaves = 4, kWideBlock = kWideWaves * kWave;
inline constexpr int kWideRing = 2, kWideResident = 3;  // stages a wave; blocks a multiprocessor has room for
inline constexpr int kWideTiles = kWideTokens / 16;

// Two buffers of tokens (fp8 as f16: twice the bytes) and of their scales.
constexpr int64_t wide_tokens_bytes(bool bf16) {
  return int64_t{kWideTokens} * kStageBytes * (bf16 ? 1 : 2);
}
constexpr int64_t wide_bytes(bool bf16) {
  return 2 * wide_tokens_bytes(bf16) + 2 * kWideTokens * 4 + ring_bytes(true, kWideWaves, kWideRing);
}

// Blocks of 64 columns by blocks of 64 tokens, as clusters that split K where they are too few.
inline Launch wide_launch(Kernel kernel, int64_t M, int64_t N, int64_t row_bytes, bool bf16, const Traits& device) {
  const int64_t tiles = gpu::divide_up(N, kWideColumns), tokens = gpu::divide_up(M, kWideTokens), steps = row_bytes / kStageBytes;
  const int64_t cluster = std::clamp<int64_t>(std::min(kWideResident * device.units / (tiles * tokens), steps / 2), 1, device.cluster);
  Launch l = gpu::blocks(kernel, tiles, tokens * cluster, kWideBlock, wide_bytes(bf16));
  l.cluster = static_cast<int>(cluster);
  return l;
}

// Eight tokens of a half stage as the lanes of any wave take them.
template <bool kBf16>
struct WideTokens {
  uint8_t* memory;  // of a buffer
  static constexpr int kParts = kBf16 ? 1 : 2;

  GPU_DEVICE Vec16* at(int octet, int half) const {
    return reinterpret_cast<Vec16*>(memory) + ((octet * 2 + half) * kParts) * kWave + lane_id();
  }
  GPU_DEVICE void put(int octet, int half, const Piece& p) const {
    if constexpr (kBf16) {
      *at(octet, half) = p;
    } else {
      const Ready r = ready(p);
      Vec16* to = at(octet, half);
      to[0] = {r.f16[0], r.f16[1], r.f16[2], r.f16[3]};
      to[kWave] = {r.f16[4], r.f16[5], r.f16[6], r.f16[7]};
    }
  }
  GPU_DEVICE Ready ready_at(int octet, int half) const {
    const Vec16 low = at(octet, half)[0], high = at(octet, half)[kWave];
    return {{low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w}};
  }
};

// A wave's 16 rows by the block's 64 tokens over one stage; `rows`: the wave's pieces of weights.
template <bool kBf16>
GPU_DEVICE void wide_multiply(Acc (&acc)[kWideTiles], const Piece (&rows)[2][kPieces], const WideTokens<kBf16>& tokens, float unit,
                              const float* scales) {
  const int lane = lane_id();
  if constexpr (kBf16) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int t = 0; t < kWideTiles; ++t) {
        const Piece b[kPieces] = {*tokens.at(2 * t, half), *tokens.at(2 * t + 1, half)};
        mma_bf16(acc[t], rows[half], b, true);
      }
    }
  } else {
    Acc part[kWideTiles] = {};
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const Ready a[kPieces] = {ready(rows[half][0]), ready(rows[half][1])};
#pragma unroll
      for (int t = 0; t < kWideTiles; ++t) {
        const Ready b[kPieces] = {tokens.ready_at(2 * t, half), tokens.ready_at(2 * t + 1, half)};
        mma_ready(part[t], a, b, true);
      }
    }
#pragma unroll
    for (int t = 0; t < kWideTiles; ++t) {
#pragma unroll
      for (int r = 0; r < kAcc; ++r) acc[t].c[r] += part[t].c[r] * (unit * scales[t * 16 + acc_col(lane, r)]);
    }
  }
}

// The block's sum over its steps, a wave's 16 rows of it. `f`: what this lane copies of its rows and tokens.
template <bool kBf16>
GPU_DEVICE void wide_sum(Acc (&acc)[kWideTiles], const Ring<true, kBf16>& ring, const Feed& f, uint8_t* memory, float* scales) {
  const int64_t by = cluster_size();
  const int turns = turns_of(cluster_rank(), by, f.bytes / kStageBytes), lane = lane_id();
  // Every block begins elsewhere: else all would ask the cache for the same tokens at once.
  const int ahead = turns > 0 ? static_cast<int>(blockIdx.x) % turns : 0;
  const auto step = [&](int i) { return cluster_rank() + (i + ahead < turns ? i + ahead : i + ahead - turns) * by; };
#pragma unroll
  for (int i = 0; i < kWideRing; ++i) {
    if (i < turns) ring.weights(i, f, step(i));
    copies_close();
  }
  wait_for_previous();
#pragma unroll
  for (int i = 0; i < kWideRing; ++i) {
    if (i < turns) ring.tokens(i, f, step(i));
    copies_close();
  }
  for (int i = 0; i < turns; ++i) {
    const int slot = i % kWideRing;
    const WideTokens<kBf16> tokens{memory + i % 2 * wide_tokens_bytes(kBf16)};
    float* by_token = scales + i % 2 * kWideTokens;
    float unit = 1;
    copies_wait<kWideRing - 1>();
    wave_barrier();  // the scales are other lanes' copies
#pragma unroll
    for (int j = 0; j < 4; ++j) tokens.put(wave_id() * 2 + j / 2, j % 2, ring.at(slot, 4 + j));
    if constexpr (!kBf16) {
      unit = ring.scales(slot)[kUnitScale];
      if (lane < 16) by_token[wave_id() * 16 + lane] = ring.scales(slot)[lane];
    }
    const Piece rows[2][kPieces] = {{ring.at(slot, 0), ring.at(slot, 1)}, {ring.at(slot, 2), ring.at(slot, 3)}};
    barrier();  // all tokens are there, the slot has been read; so have the tokens of the last step but one
    if (i + kWideRing < turns) {
      ring.weights(slot, f, step(i + kWideRing));
      ring.tokens(slot, f, step(i + kWideRing));
    }
    copies_close();
    wide_multiply<kBf16>(acc, rows, tokens, unit, by_token);
  }
}

// Adds the sums of the cluster's blocks in order.
template <class Write>
GPU_DEVICE void join_wide(const Acc (&acc)[kWideTiles], const Write& write) {
  constexpr int kAll = kWideColumns * kWideTokens;
  auto* sums = reinterpret_cast<float*>(lds());  // [token][row]
  const int lane = lane_id(), blocks = cluster_size();
  barrier();  // the rings and tokens have been read
#pragma unroll
  for (int t = 0; t < kWideTiles; ++t) {
#pragma unroll
    for (int r = 0; r < kAcc; ++r)
      sums[(t * 16 + acc_col(lane, r)) * kWideColumns + wave_id() * 16 + acc_row(lane, r)] = acc[t].c[r];
  }
  barrier();
  if (blocks > 1) cluster_barrier();
  // A stretch of outputs a block: neighbouring threads, neighbouring columns.
  const int stretch = (kAll + blocks - 1) / blocks, first = stretch * cluster_rank();
  const int left = kAll - first < stretch ? kAll - first : stretch;
#pragma unroll 2
  for (int i = static_cast<int>(thread_id()); i < left; i += kWideBlock)
    write((first + i) / kWideColumns, (first + i) % kWideColumns, blocks == 1 ? sums[i] : cluster_sum(sums + first + i, blocks));
  if (blocks > 1) cluster_barrier();  // no block is gone while another reads its sums
}

// W, X: the block's 64 rows and tokens. Scales of tokens and weights; null for bf16.
template <bool kBf16, class W, class X, class Write>
GPU_DEVICE void gemm_wide(const W& w, const X& x, int64_t bytes, const float* w_scales, const Write& write) {
  const int lane = lane_id(), wave = wave_id();
  auto* scales = reinterpret_cast<float*>(lds() + 2 * wide_tokens_bytes(kBf16));
  using Rows = Ring<true, kBf16>;
  const Rows ring{lds() + 2 * wide_tokens_bytes(kBf16) + 2 * kWideTokens * 4 + wave * kWideRing * Rows::kBytes};
  Feed f{};
#pragma unroll
  for (int i = 0; i < kPieces; ++i) {
    const int row = wave * 16 + piece_row(lane, i);
    f.left[i] = w.row(row) + piece_part(lane) * 16;
    f.right[i] = row < x.count ? x.row(row) + piece_part(lane) * 16 : nullptr;
  }
  f.bytes = bytes;
  if constexpr (!kBf16) {
    if (lane < kUnitScale && wave * 16 + lane < x.count) f.scale = x.scale_row(wave * 16 + lane), f.scale_step = x.scale_step();
    if (lane == kUnitScale) f.scale = w_scales, f.scale_step = 1;
  }
  Acc acc[kWideTiles] = {};
  wide_sum<kBf16>(acc, ring, f, lds(), scales);
  join_wide(acc, write);
}

GPU_DEVICE Tokens wide_tokens(int64_t M) {
  return tokens_of(int64_t{blockIdx.y} / cluster_size() * kWideTokens, M, kWideTokens);
}
GPU_DEVICE void gemm_fp8_wide(const GemmFp8Args& a) {
  const int64_t n0 = int64_t{blockIdx.x} * kWideColumns;
  const Tokens tokens = wide_tokens(a.M);
  const float* scales = a.w_scales + n0 / kGroup * (a.K / kGroup);
  gemm_wide<false>(Fp8Rows{a.w, scales, n0, a.N, a.K}, Fp8Tokens{tokens, a.x, a.K}, a.K, scales,
                   [&](int token, int row, float sum) {
                     if (token < tokens.count && n0 + row < a.N)
                       a.out[(tokens.m0 + token) * a.out_stride + n0 + row] = to_bf16(sum);
                   });
}
GPU_DEVICE void gemm_bf16_wide(const GemmBf16Args& a) {
  const int64_t n0 = int64_t{blockIdx.x} * kWideColumns;
  const Tokens tokens = wide_tokens(a.M);
  gemm_wide<true>(Bf16Rows{a.w, n0, a.N, a.K}, Bf16Tokens{tokens, static_cast<const Bf16*>(a.x), a.x_stride}, a.K * 2, nullptr,
                  [&](int token, int row, float sum) {
                    if (token >= tokens.count || n0 + row >= a.N) return;
                    const int64_t at = (tokens.m0 + token) * a.out_stride + n0 + row;
                    if (a.out_format == Format::f32)
                      static_cast<float*>(a.out)[at] = sum;
                    else
                      static_cast<Bf16*>(a.out)[at] = to_bf16(sum);
                  });
}

}  // namespace kernels::GPU_NS
#endif
