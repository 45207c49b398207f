// A GEMM a head: absorb (q_nope x w_kc) and v (o_lat x w_vc). A block takes 16 tokens of one head and 16 output
// columns; it quantises its activations into shared memory, then its waves split K. Tiles are many rather than
// large: a rank has 8 heads, and the device 132 multiprocessors.
#pragma once
#include "kernels/gpu/gemm.h"
#include "kernels/gpu/quants.h"

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

// Eight values of a token's row, quantised as the weights are. All lanes of the wave call it.
GPU_DEVICE void stage_vector(const BmmArgs& a, const Eight& x, bool inside, uint8_t* row, int64_t k, int64_t token, float* scales,
                             int64_t groups) {
  if (a.format == WeightFormat::fp8) {
    const float s = group_scale(x);
    if (inside) store8(reinterpret_cast<E4m3*>(row) + k, x, s);
    if (inside && k % kGroup == 0) scales[token * groups + k / kGroup] = s;
  } else if (a.format == WeightFormat::mxfp4) {
    const uint8_t code = mx_group_scale(x);
    if (inside) reinterpret_cast<uint32_t*>(row)[k / 8] = pack_e2m1(x, mx_inverse(code));
    if (inside && k % kMxGroup == 0)
      reinterpret_cast<uint8_t*>(scales)[token * (a.K / kMxGroup) + k / kMxGroup] = code;
  } else if (inside) {
    store8(reinterpret_cast<Bf16*>(row) + k, x);
  }
}

// Rows of the block's tokens into shared memory, 16 lanes of eight values a group of 128. Rows past the count
// are left as they are: they are columns of the product that nobody writes.
GPU_DEVICE void stage_rows(const BmmArgs& a, const Tokens& tokens, int64_t h, uint8_t* rows, int64_t stride,
                           float* scales, int64_t groups) {
  const int64_t vectors = groups * kGroupLanes;  // of a token, the last group filled up
  const int64_t all = tokens.count * vectors;
  for (int64_t first = 0; first < all; first += block_threads()) {  // whole waves: lanes share their maxima
    const int64_t i = first + thread_id(), token = i / vectors, k = i % vectors * 8;
    const bool inside = i < all && k < a.K;
    Eight x = {};
    if (inside) x = load8(a.x + (tokens.m0 + token) * a.x_stride + h * a.x_head_stride + k);
    stage_vector(a, x, inside, rows + token * stride, k, token, scales, groups);
  }
}

// Bytes of a token's row in shared memory. The scales ahead of the rows are a float a group of 128 or a byte a group
// of 32: as many bytes either way.
constexpr int64_t bmm_row(WeightFormat format, int64_t K) {
  return (format == WeightFormat::fp8 ? K : format == WeightFormat::bf16 ? K * 2 : K / 2) + kRowPad;
}

GPU_DEVICE void bmm(const BmmArgs& a) {
  const int64_t blocks = (a.N + 15) / 16, h = blockIdx.x / blocks, n0 = blockIdx.x % blocks * 16;
  const Tokens tokens = tokens_of(int64_t{blockIdx.y} * 16, a.M, 16);
  const int64_t groups = (a.K + kGroup - 1) / kGroup, stride = bmm_row(a.format, a.K);
  auto* scales = reinterpret_cast<float*>(lds());
  uint8_t* rows = lds() + 16 * groups * 4;
  if (a.format != WeightFormat::mxfp4) {
    const int64_t row = a.K * (a.format == WeightFormat::fp8 ? 1 : 2), at = (h * a.N + n0) * row, end = (h * a.N + a.N) * row;
    for (int64_t i = thread_id() * 128; i < 16 * row; i += block_threads() * 128) {
      if (at + i < end) prefetch(static_cast<const uint8_t*>(a.w) + at + i);
    }
  }
  wait_for_previous();
  stage_rows(a, tokens, h, rows, stride, scales, groups);
  barrier();
  Acc acc[1] = {};
  float unit = 1;
  if (a.format == WeightFormat::fp8) {
    unit = a.w_scale;
    add_fp8(acc, Fp8Rows{static_cast<const E4m3*>(a.w) + h * a.N * a.K, nullptr, n0, a.N, a.K},
            SharedFp8{tokens, rows, scales, stride, groups}, a.K, wave_id(), block_waves());
  } else if (a.format == WeightFormat::bf16) {
    add_bf16<1>(acc, Bf16Rows{static_cast<const Bf16*>(a.w) + h * a.N * a.K, n0, a.N, a.K},
                SharedBf16{tokens, rows, stride}, 0, a.K, wave_id(), block_waves());
  } else {
    add_mx(acc, MxRows{static_cast<const uint8_t*>(a.w) + h * a.N * a.K / 2,
                       a.w_scales + h * a.N * a.K / kMxGroup, n0, a.N, a.K},
           SharedMx{tokens, rows, reinterpret_cast<const uint8_t*>(scales), stride, a.K / kMxGroup}, a.K, wave_id(),
           block_waves());
  }
  barrier();  // the rows have been read: their place takes the sums
  join_waves(acc, block_waves(), 0, [&](int token, int row, float sum) {
    if (token < tokens.count && n0 + row < a.N)
      a.out[(tokens.m0 + token) * a.out_stride + h * a.out_head_stride + n0 + row] = to_bf16(sum * unit);
  });
}
inline Launch launch(const BmmArgs& a, const Traits&) {
  const int64_t groups = gpu::divide_up(a.K, kGroup);
  const int64_t row = a.format == WeightFormat::bf16 ? 8 : a.format == WeightFormat::fp8 ? 16 : 32;
  if (!gpu::multiples({a.x_stride, a.x_head_stride}, 8) || a.K % row != 0 || !gpu::aligned(a.x, 16) ||
      !gpu::aligned(a.w, 16))
    return gpu::refused("bmm: rows must be 16-byte aligned on a GPU");
  constexpr int kWaves = 4;
  return gpu::blocks(Kernel::bmm, a.M ? a.H * gpu::divide_up(a.N, 16) : 0, gpu::divide_up(a.M, 16),
                     kWaves * kWave,
                     std::max(16 * (groups * 4 + bmm_row(a.format, a.K)), join_bytes(1, kWaves)));
}

}  // namespace kernels::GPU_NS
