// The matrix instruction as kernels see it: C[16 rows x 16 columns] += A[16 x K] B[16 x K]^T by one wave, fp32
// sums. A lane holds 16-byte pieces of rows of A and of B, in the order in which they lie in memory, and asks
// which: row piece_row(lane, i), quarter piece_part(lane) of the K bytes. Which k meets which is the same on
// both sides, and a sum does not care.
//   sm_90a   m16n8k16 in f16 (e4m3 unpacked, exactly: fp8 mma.sync is emulated there) or bf16; 2 pieces a lane
//   gfx950   MFMA 16x16x32 in fp8 or bf16; 1 piece a lane; MXFP4 16x16x128 with its scales, which kMxScaled says
// The scaled instruction's layout of scales (lane l: one for the 32 k of row l % 16 from 32 (l / 16) on) is Triton's
// reading of it: unconfirmed on hardware.
#pragma once
#include "kernels/gpu/gpu.h"

namespace kernels::GPU_NS {

using Piece = Vec16;

#if GPU_WAVE == 32
inline constexpr int kPieces = 2, kAcc = 8;
#else
inline constexpr int kPieces = 1, kAcc = 4;
#endif

inline constexpr bool kMxScaled = kWave == 64;

struct Acc {
  float c[kAcc];
};

GPU_DEVICE int piece_row(int lane, int i) {
  return kWave == 32 ? lane / 4 + 8 * i : lane % 16;
}
GPU_DEVICE int piece_part(int lane) {
  return kWave == 32 ? lane % 4 : lane / 16;
}
GPU_DEVICE int acc_row(int lane, int r) {
  return kWave == 32 ? lane / 4 + 8 * (r / 2 % 2) : lane / 16 * 4 + r;
}
GPU_DEVICE int acc_col(int lane, int r) {
  return kWave == 32 ? lane % 4 * 2 + r % 2 + 8 * (r / 4) : lane % 16;
}
// The columns that a lane's elements lie in, each once: column_of(lane, column_index(r)) is acc_col(lane, r).
inline constexpr int kAccColumns = kWave == 32 ? 4 : 1;
constexpr GPU_DEVICE int column_index(int r) {
  return kWave == 32 ? r % 2 + 2 * (r / 4) : 0;
}
GPU_DEVICE int column_of(int lane, int i) {
  return kWave == 32 ? lane % 4 * 2 + i % 2 + 8 * (i / 2) : lane % 16;
}
// The lane and element that speaks for a row of the accumulator after a sum over its columns.
GPU_DEVICE bool leads_row(int lane, int r) {
  return kWave == 32 ? lane % 4 == 0 && r < 4 && r % 2 == 0 : lane % 16 == 0;
}
// Adds each row's columns: a lane's own, then those of the lanes with the same rows. All lanes call it.
GPU_DEVICE void sum_columns(float (&v)[kAcc]) {
#if GPU_WAVE == 32
  for (int r = 0; r < 4; r += 2) v[r] = (v[r] + v[r + 1]) + (v[r + 4] + v[r + 5]);
  for (int r = 0; r < 4; r += 2) v[r] = group_sum<4>(v[r]);
#else
  for (int r = 0; r < kAcc; ++r) v[r] = group_sum<16>(v[r]);
#endif
}

#if GPU_WAVE == 32
#if defined(GPU_CUDA)
// The lower or the upper two e4m3 of a word as two f16: one instruction each.
GPU_DEVICE uint32_t f16_of_e4m3(uint32_t two) {
  uint32_t out;
  asm("{.reg .b16 low, high; mov.b32 {low, high}, %1; cvt.rn.f16x2.e4m3x2 %0, low;}" : "=r"(out) : "r"(two));
  return out;
}
GPU_DEVICE uint32_t f16_of_upper_e4m3(uint32_t four) {
  uint32_t out;
  asm("{.reg .b16 low, high; mov.b32 {low, high}, %1; cvt.rn.f16x2.e4m3x2 %0, high;}" : "=r"(out) : "r"(four));
  return out;
}
GPU_DEVICE void mma_16816(float c[4], const uint32_t a[4], const uint32_t b[2], bool bf16) {
  if (bf16)
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  else
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif

GPU_DEVICE uint32_t word_of(const Piece& p, int i) {
  return i == 0 ? p.x : i == 1 ? p.y : i == 2 ? p.z : p.w;
}

// K = 64 of e4m3. `both`: columns 8 and up count; else their pieces are not looked at.
GPU_DEVICE void mma_fp8(Acc& acc, const Piece a[kPieces], const Piece b[kPieces], bool both) {
#pragma unroll
  for (int s = 0; s < 4; ++s) {
    const uint32_t low = word_of(a[0], s), high = word_of(a[1], s);
    const uint32_t rows[4] = {f16_of_e4m3(low), f16_of_e4m3(high), f16_of_upper_e4m3(low),
                              f16_of_upper_e4m3(high)};
    const uint32_t first = word_of(b[0], s), second = word_of(b[1], s);
    const uint32_t left[2] = {f16_of_e4m3(first), f16_of_upper_e4m3(first)};
    mma_16816(acc.c, rows, left, false);
    if (!both) continue;
    const uint32_t right[2] = {f16_of_e4m3(second), f16_of_upper_e4m3(second)};
    mma_16816(acc.c + 4, rows, right, false);
  }
}

// A piece of e4m3 as the matrix instruction takes it, for operands that meet several others.
struct Ready {
  uint32_t f16[8];
};
GPU_DEVICE Ready ready(const Piece& p) {
  Ready r;
#pragma unroll
  for (int s = 0; s < 4; ++s) {
    r.f16[2 * s] = f16_of_e4m3(word_of(p, s));
    r.f16[2 * s + 1] = f16_of_upper_e4m3(word_of(p, s));
  }
  return r;
}
GPU_DEVICE void mma_ready(Acc& acc, const Ready a[kPieces], const Ready b[kPieces], bool both) {
#pragma unroll
  for (int s = 0; s < 4; ++s) {
    const uint32_t rows[4] = {a[0].f16[2 * s], a[1].f16[2 * s], a[0].f16[2 * s + 1], a[1].f16[2 * s + 1]};
    const uint32_t left[2] = {b[0].f16[2 * s], b[0].f16[2 * s + 1]};
    mma_16816(acc.c, rows, left, false);
    if (!both) continue;
    const uint32_t right[2] = {b[1].f16[2 * s], b[1].f16[2 * s + 1]};
    mma_16816(acc.c + 4, rows, right, false);
  }
}

// K = 32 of bf16.
GPU_DEVICE void mma_bf16(Acc& acc, const Piece a[kPieces], const Piece b[kPieces], bool both) {
#pragma unroll
  for (int s = 0; s < 2; ++s) {
    const uint32_t rows[4] = {word_of(a[0], 2 * s), word_of(a[1], 2 * s), word_of(a[0], 2 * s + 1),
                              word_of(a[1], 2 * s + 1)};
    const uint32_t left[2] = {word_of(b[0], 2 * s), word_of(b[0], 2 * s + 1)};
    mma_16816(acc.c, rows, left, true);
    if (!both) continue;
    const uint32_t right[2] = {word_of(b[1], 2 * s), word_of(b[1], 2 * s + 1)};
    mma_16816(acc.c + 4, rows, right, true);
  }
}

#elif defined(GPU_HIP)

typedef float MfmaSums __attribute__((ext_vector_type(4)));
typedef __bf16 MfmaBf16 __attribute__((ext_vector_type(8)));

GPU_DEVICE void mma_fp8(Acc& acc, const Piece a[kPieces], const Piece b[kPieces], bool) {
  MfmaSums c = {acc.c[0], acc.c[1], acc.c[2], acc.c[3]};
  const auto pair = [](uint32_t low, uint32_t high) {
    return static_cast<long>(static_cast<uint64_t>(low) | static_cast<uint64_t>(high) << 32);
  };
  c = __builtin_amdgcn_mfma_f32_16x16x32_fp8_fp8(pair(a[0].x, a[0].y), pair(b[0].x, b[0].y), c, 0, 0, 0);
  c = __builtin_amdgcn_mfma_f32_16x16x32_fp8_fp8(pair(a[0].z, a[0].w), pair(b[0].z, b[0].w), c, 0, 0, 0);
  for (int r = 0; r < 4; ++r) acc.c[r] = c[r];
}
GPU_DEVICE void mma_bf16(Acc& acc, const Piece a[kPieces], const Piece b[kPieces], bool) {
  MfmaSums c = {acc.c[0], acc.c[1], acc.c[2], acc.c[3]};
  MfmaBf16 left, right;
  __builtin_memcpy(&left, a, sizeof left);
  __builtin_memcpy(&right, b, sizeof right);
  c = __builtin_amdgcn_mfma_f32_16x16x32_bf16(left, right, c, 0, 0, 0);
  for (int r = 0; r < 4; ++r) acc.c[r] = c[r];
}

// K = 128 of MXFP4: 32 codes a lane and their e8m0 scale, a row of a and one of b.
typedef int MfmaMx __attribute__((ext_vector_type(8)));
GPU_DEVICE void mma_mx(Acc& acc, const Piece& a, uint8_t a_scale, const Piece& b, uint8_t b_scale) {
  constexpr int kE2m1 = 4;
  MfmaSums c = {acc.c[0], acc.c[1], acc.c[2], acc.c[3]};
  const auto operand = [](const Piece& p) {
    return MfmaMx{static_cast<int>(p.x), static_cast<int>(p.y), static_cast<int>(p.z), static_cast<int>(p.w), 0, 0, 0, 0};
  };
  c = __builtin_amdgcn_mfma_scale_f32_16x16x128_f8f6f4(operand(a), operand(b), c, kE2m1, kE2m1, 0, a_scale, 0, b_scale);
  for (int r = 0; r < 4; ++r) acc.c[r] = c[r];
}

#else  // the emulator, waves of 64

inline void mma_mx(Acc& acc, const Piece& a, uint8_t a_scale, const Piece& b, uint8_t b_scale) {
  const uint32_t left[4] = {a.x, a.y, a.z, a.w}, right[4] = {b.x, b.y, b.z, b.w};
  mfma_scale_16x16x128(acc.c, left, a_scale, right, b_scale);
}
inline void mma_fp8(Acc& acc, const Piece a[kPieces], const Piece b[kPieces], bool) {
  const uint32_t left[4] = {a[0].x, a[0].y, a[0].z, a[0].w}, right[4] = {b[0].x, b[0].y, b[0].z, b[0].w};
  for (int half = 0; half < 2; ++half) {
    float x[8], y[8];
    for (int i = 0; i < 2; ++i) {
      unpack_e4m3(left[2 * half + i], x + 4 * i);
      unpack_e4m3(right[2 * half + i], y + 4 * i);
    }
    mfma_16x16x32(acc.c, x, y, E4m3{});
  }
}
inline void mma_bf16(Acc& acc, const Piece a[kPieces], const Piece b[kPieces], bool) {
  const Eight x = load8(reinterpret_cast<const Bf16*>(a)), y = load8(reinterpret_cast<const Bf16*>(b));
  mfma_16x16x32(acc.c, x.v, y.v, Bf16{});
}

#endif

#if GPU_WAVE == 64  // the instruction takes e4m3
using Ready = Piece;
GPU_DEVICE Ready ready(const Piece& p) {
  return p;
}
GPU_DEVICE void mma_ready(Acc& acc, const Ready a[kPieces], const Ready b[kPieces], bool both) {
  mma_fp8(acc, a, b, both);
}
#endif

GPU_DEVICE Piece no_piece() {
  return {0, 0, 0, 0};
}
GPU_DEVICE Piece piece_at(const void* p) {
  return *static_cast<const Piece*>(p);
}

// Two bf16 times the same, each rounded (here: exact).
GPU_DEVICE uint32_t times_bf16(uint32_t two, float by) {
#if defined(GPU_CUDA)
  uint32_t out;
  asm("mul.bf16x2 %0, %1, %2;" : "=r"(out) : "r"(two), "r"(two_bf16(by, by)));
  return out;
#else
  return two_bf16(low_bf16(two) * by, high_bf16(two) * by);
#endif
}
// Eight MXFP4 values (one word) as bf16, times their scale: exact, since e8m0 has bf16's exponents. In the order 0, 4, 1,
// 5, ...: the two sides of a product share it. A code's exponent and mantissa, put where bf16 has its own, are its value
// times 2^-126.
GPU_DEVICE Piece bf16_of_mx(uint32_t codes, float scale) {
  uint32_t w[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const uint32_t two = codes >> 4 * i;
    w[i] = times_bf16(times_bf16((two & 0x00070007u) << 6 | (two & 0x00080008u) << 12, 0x1p126f), scale);
  }
  return {w[0], w[1], w[2], w[3]};
}

// Eight fp32 values as three bf16 each, whose sum is the value: 8 + 8 + 8 bits of mantissa.
GPU_DEVICE void three_bf16(const float x[8], Piece out[3]) {
  float rest[8];
  for (int i = 0; i < 8; ++i) rest[i] = x[i];
  for (int part = 0; part < 3; ++part) {
    Eight e;
    for (int i = 0; i < 8; ++i) {
      e.v[i] = to_float(to_bf16(rest[i]));
      rest[i] -= e.v[i];
    }
    out[part] = {two_bf16(e.v[0], e.v[1]), two_bf16(e.v[2], e.v[3]), two_bf16(e.v[4], e.v[5]),
                 two_bf16(e.v[6], e.v[7])};
  }
}

}  // namespace kernels::GPU_NS
