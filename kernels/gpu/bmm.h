// A GEMM a head: absorb (q_nope x w_kc) and v (o_lat x w_vc). A block takes 16 tokens of one head; it quantises its
// activations into shared memory, then its waves split K of 16 columns, or take 16 columns each. Tiles are many rather
// than large: a rank has 8 heads, and the device 132 multiprocessors.
#pragma once
#include "kernels/gpu/gemm.h"
#include "kernels/gpu/quants.h"
#include "kernels/gpu/waits.h"

namespace kernels::GPU_NS {

inline constexpr int64_t kRowPad = 16;  // bytes between rows in shared memory, against bank conflicts

struct SharedFp8 : Tokens {
  const uint8_t* rows;
  const float* scales;  // [16][groups]
  int64_t stride, groups;
  GPU_DEVICE Piece piece(int token, int64_t k) const { return piece_at(rows + token * stride + k); }
  GPU_DEVICE float scale(int token, int64_t step) const { return scales[token * groups + step]; }
  GPU_DEVICE const uint8_t* row(int token) const { return rows + token * stride; }
  GPU_DEVICE const float* scale_row(int token) const { return scales + token * groups; }
  GPU_DEVICE static int64_t scale_step() { return 1; }
};
struct SharedBf16 : Tokens {
  const uint8_t* rows;
  int64_t stride;
  GPU_DEVICE void pieces(int token, int64_t k, Piece* out) const {  // one for bf16 weights
    *out = piece_at(rows + token * stride + k * 2);
  }
};
struct SharedMx : Tokens {
  const uint8_t *rows, *scales;  // [16][groups of 32]
  int64_t stride, groups;
  GPU_DEVICE Piece piece(int token, int64_t k) const { return piece_at(rows + token * stride + k / 2); }
  GPU_DEVICE uint8_t mx_scale(int token, int64_t k) const { return scales[token * groups + k / kMxGroup]; }
};

// N vectors of eight values a lane, of tokens' rows in shared memory, quantised as the weights are. All lanes of the wave
// call it.
template <int N>
struct StagedRows {
  const BmmArgs& a;
  const Tokens& tokens;
  uint8_t* rows;
  float* scales;
  int64_t stride, groups;
  int vectors, all;  // of a token, the last group filled up; of all tokens
  int token[N], k[N];
  bool inside[N];
  Eight x[N];

  GPU_DEVICE void load(int first, int64_t h) {
#pragma unroll
    for (int j = 0; j < N; ++j) {
      const int i = first + j * static_cast<int>(block_threads()) + static_cast<int>(thread_id());
      token[j] = i / vectors, k[j] = i % vectors * 8;
      inside[j] = i < all && k[j] < a.K;
      Vec16 u = {0, 0, 0, 0};
      if (inside[j]) u = piece_at(a.x + (tokens.m0 + token[j]) * a.x_stride + h * a.x_head_stride + k[j]);
      x[j] = eight_bf16(u);
    }
  }
  GPU_DEVICE void store() const {
    float s[N];
    if (a.format == WeightFormat::fp8) group_scales(x, s);
#pragma unroll
    for (int j = 0; j < N; ++j) {
      uint8_t* row = rows + token[j] * stride;
      if (a.format == WeightFormat::fp8) {
        if (inside[j]) store8(reinterpret_cast<E4m3*>(row) + k[j], x[j], s[j]);
        if (inside[j] && k[j] % kGroup == 0) scales[token[j] * groups + k[j] / kGroup] = s[j];
      } else if (a.format == WeightFormat::mxfp4) {
        const uint8_t code = mx_group_scale(x[j]);
        if (inside[j]) reinterpret_cast<uint32_t*>(row)[k[j] / 8] = pack_e2m1(x[j], mx_inverse(code));
        if (inside[j] && k[j] % kMxGroup == 0)
          reinterpret_cast<uint8_t*>(scales)[token[j] * (a.K / kMxGroup) + k[j] / kMxGroup] = code;
      } else if (inside[j]) {
        store8(reinterpret_cast<Bf16*>(row) + k[j], x[j]);
      }
    }
  }
};

// Rows of the block's tokens into shared memory, 16 lanes of eight values a group of 128. Rows past the count
// are left as they are: they are columns of the product that nobody writes.
template <int N>
GPU_DEVICE void stage_rows_of(const BmmArgs& a, const Tokens& tokens, int64_t h, uint8_t* rows, int64_t stride,
                              float* scales, int64_t groups) {
  const int vectors = static_cast<int>(groups) * kGroupLanes;
  StagedRows<N> staged{a, tokens, rows, scales, stride, groups, vectors, tokens.count * vectors, {}, {}, {}, {}};
  for (int first = 0; first < staged.all; first += N * static_cast<int>(block_threads())) {
    staged.load(first, h);
    staged.store();
  }
}
GPU_DEVICE void stage_rows(const BmmArgs& a, const Tokens& tokens, int64_t h, uint8_t* rows, int64_t stride,
                           float* scales, int64_t groups) {
  if (tokens.count * groups * kGroupLanes <= block_threads())
    stage_rows_of<1>(a, tokens, h, rows, stride, scales, groups);
  else
    stage_rows_of<4>(a, tokens, h, rows, stride, scales, groups);
}

// Bytes of a token's row in shared memory. The scales ahead of the rows are a float a group of 128 or a byte a group
// of 32: as many bytes either way.
constexpr int64_t bmm_row(WeightFormat format, int64_t K) {
  return (format == WeightFormat::fp8 ? K : format == WeightFormat::bf16 ? K * 2 : K / 2) + kRowPad;
}

// Asks for the weights of `rows` columns from n0 on, ahead of what the previous kernel writes.
GPU_DEVICE void ask_for_weights(const BmmArgs& a, int64_t h, int64_t n0, int64_t rows) {
  if (a.format == WeightFormat::mxfp4) return;
  const int64_t row = a.K * (a.format == WeightFormat::fp8 ? 1 : 2), at = (h * a.N + n0) * row, end = (h * a.N + a.N) * row;
  for (int64_t i = thread_id() * 128; i < rows * row; i += block_threads() * 128) {
    if (at + i < end) prefetch(static_cast<const uint8_t*>(a.w) + at + i);
  }
}
// A wave's share of 16 columns from n0 on, steps first, first + by, ... of K; `rows` and `scales`: the staged tokens.
GPU_DEVICE void add_staged(Acc (&acc)[1], const BmmArgs& a, const Tokens& tokens, int64_t h, int64_t n0, const uint8_t* rows,
                           const float* scales, int64_t stride, int64_t groups, int first, int by) {
  if (a.format == WeightFormat::fp8) {
    add_fp8(acc, Fp8Rows{static_cast<const E4m3*>(a.w) + h * a.N * a.K, nullptr, n0, a.N, a.K},
            SharedFp8{tokens, rows, scales, stride, groups}, a.K, first, by);
  } else if (a.format == WeightFormat::bf16) {
    add_bf16<1>(acc, Bf16Rows{static_cast<const Bf16*>(a.w) + h * a.N * a.K, n0, a.N, a.K},
                SharedBf16{tokens, rows, stride}, 0, a.K, first, by);
  } else {
    add_mx(acc, MxRows{static_cast<const uint8_t*>(a.w) + h * a.N * a.K / 2,
                       a.w_scales + h * a.N * a.K / kMxGroup, n0, a.N, a.K},
           SharedMx{tokens, rows, reinterpret_cast<const uint8_t*>(scales), stride, a.K / kMxGroup}, a.K, first, by);
  }
}

// 16 columns a block, its waves split K.
GPU_DEVICE void bmm(const BmmArgs& a) {
  const int64_t blocks = (a.N + 15) / 16, h = blockIdx.x / blocks, n0 = blockIdx.x % blocks * 16;
  const Tokens tokens = tokens_of(int64_t{blockIdx.y} * 16, a.M, 16);
  const int64_t groups = (a.K + kGroup - 1) / kGroup, stride = bmm_row(a.format, a.K);
  auto* scales = reinterpret_cast<float*>(lds());
  uint8_t* rows = lds() + 16 * groups * 4;
  ask_for_weights(a, h, n0, 16);
  wait_for_previous();
  stage_rows(a, tokens, h, rows, stride, scales, groups);
  barrier();
  Acc acc[1] = {};
  const float unit = a.format == WeightFormat::fp8 ? a.w_scale : 1;
  add_staged(acc, a, tokens, h, n0, rows, scales, stride, groups, wave_id(), block_waves());
  barrier();  // the rows have been read: their place takes the sums
  join_waves(acc, block_waves(), 0, [&](int token, int row, float sum) {
    if (token < tokens.count && n0 + row < a.N)
      a.out[(tokens.m0 + token) * a.out_stride + h * a.out_head_stride + n0 + row] = to_bf16(sum * unit);
  });
}

// 16 columns a wave, which takes all of K: for more tokens than 16, whose staging more columns then share.
GPU_DEVICE void bmm_wide(const BmmArgs& a) {
  const int waves = block_waves();
  const int64_t columns = waves * 16, blocks = (a.N + columns - 1) / columns, h = blockIdx.x / blocks;
  const int64_t first = blockIdx.x % blocks * columns, n0 = first + wave_id() * 16;
  const Tokens tokens = tokens_of(int64_t{blockIdx.y} * 16, a.M, 16);
  const int64_t groups = (a.K + kGroup - 1) / kGroup, stride = bmm_row(a.format, a.K);
  auto* scales = reinterpret_cast<float*>(lds());
  uint8_t* rows = lds() + 16 * groups * 4;
  ask_for_weights(a, h, first, columns);
  wait_for_previous();
  stage_rows(a, tokens, h, rows, stride, scales, groups);
  barrier();
  Acc acc[1] = {};
  if (n0 < a.N) add_staged(acc, a, tokens, h, n0, rows, scales, stride, groups, 0, 1);
  barrier();  // the rows have been read: their place takes the sums
  const float unit = a.format == WeightFormat::fp8 ? a.w_scale : 1;
  auto* sums = reinterpret_cast<float*>(lds()) + wave_id() * 256;  // [token][row]
  const int lane = lane_id();
#pragma unroll
  for (int r = 0; r < kAcc; ++r) sums[acc_col(lane, r) * 16 + acc_row(lane, r)] = acc[0].c[r] * unit;
  wave_barrier();
  for (int i = lane; i < 256; i += kWave) {
    if (i / 16 < tokens.count && n0 + i % 16 < a.N)
      a.out[(tokens.m0 + i / 16) * a.out_stride + h * a.out_head_stride + n0 + i % 16] = to_bf16(sums[i]);
  }
}

inline Launch launch(const BmmArgs& a, const Traits&) {
  const int64_t groups = gpu::divide_up(a.K, kGroup);
  const int64_t row = a.format == WeightFormat::bf16 ? 8 : a.format == WeightFormat::fp8 ? 16 : 32;
  if (!gpu::multiples({a.x_stride, a.x_head_stride}, 8) || a.K % row != 0 || !gpu::aligned(a.x, 16) ||
      !gpu::aligned(a.w, 16))
    return gpu::refused("bmm: rows must be 16-byte aligned on a GPU");
  constexpr int kWaves = 4;
  const bool wide = a.M > 16;
  return gpu::blocks(wide ? Kernel::bmm_wide : Kernel::bmm, a.M ? a.H * gpu::divide_up(a.N, wide ? kWaves * 16 : 16) : 0,
                     gpu::divide_up(a.M, 16), kWaves * kWave,
                     std::max(16 * (groups * 4 + bmm_row(a.format, a.K)), join_bytes(1, kWaves)));
}

}  // namespace kernels::GPU_NS
