// Vector code of the CPU path, once for three instruction sets. A reduction always runs over 16
// accumulators and ends in one fixed tree, so SSE2, AVX2 and AVX-512 (and every split of an op)
// give the same bytes. A product and a sum are fused where the code says so and nowhere else (the
// build forbids it); without the instruction that is slow, and only such old machines are. Bodies
// are always_inline templates over the vector width; DS_CPU_OP compiles them three times and picks
// one when the op first runs. (Not target_clones: its resolvers run before a sanitizer is up.)
#pragma once
#include <cstring>

#include "kernels/formats.h"
#include "kernels/layout.h"

#if defined(__x86_64__) && !defined(__clang__)
#include <immintrin.h>  // declares the builtins used here and in simd_rows.h
#define DS_X86_BUILTINS 1
// Vectors wider than the base instruction set never cross a call: every function here is inlined.
#pragma GCC diagnostic ignored "-Wpsabi"
#else
#define DS_X86_BUILTINS 0
#endif

#define DS_INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define DS_TARGET_AVX2 __attribute__((target("avx2,f16c,fma")))
#if defined(__clang__)
#define DS_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,f16c,fma")))
#else
#define DS_TARGET_AVX512 \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,f16c,fma,prefer-vector-width=512")))
#endif
#define DS_CPU_OP(Args, body)                                                   \
  static void run_generic(const Args& a, Part p) {                              \
    body<4>(a, p);                                                              \
  }                                                                             \
  DS_TARGET_AVX2 static void run_avx2(const Args& a, Part p) {                  \
    body<8>(a, p);                                                              \
  }                                                                             \
  DS_TARGET_AVX512 static void run_avx512(const Args& a, Part p) {              \
    body<16>(a, p);                                                             \
  }                                                                             \
  void run(const Args& a, Part p) {                                             \
    using Run = void (*)(const Args&, Part);                                    \
    static const Run chosen = by_width<Run>(run_generic, run_avx2, run_avx512); \
    chosen(a, p);                                                               \
  }
#else
#define DS_CPU_OP(Args, body)       \
  void run(const Args& a, Part p) { \
    body<4>(a, p);                  \
  }
#endif

namespace kernels::cpu {

// Floats a register holds: 16 with AVX-512, 8 with AVX2, else 4.
int vector_width();

template <class Run>
Run by_width(Run generic, Run avx2, Run avx512) {
  return vector_width() == 16 ? avx512 : vector_width() == 8 ? avx2 : generic;
}

// Scratch of the calling thread, kept between calls; slots are independent. 64-byte aligned,
// uninitialised.
float* scratch(int slot, int64_t floats);

inline constexpr int kLanes = 16;

template <int W>
struct Lanes {
  typedef float Register __attribute__((vector_size(W * 4)));
  Register r[kLanes / W];
};

template <int W>
DS_INLINE Lanes<W> zero() {
  Lanes<W> v;
  for (auto& r : v.r) r = typename Lanes<W>::Register{};
  return v;
}

// Register by register: one memcpy over all of them goes through the stack in halves where a
// register is narrower than 64 bytes (gcc 12 with AVX2: a tenth of the speed).
template <int W>
DS_INLINE Lanes<W> load(const float* from) {
  typedef float Unaligned __attribute__((vector_size(W * 4), aligned(4), may_alias));
  Lanes<W> v;
#pragma GCC unroll 4
  for (int i = 0; i < kLanes / W; ++i) v.r[i] = *reinterpret_cast<const Unaligned*>(from + i * W);
  return v;
}

template <int W>
DS_INLINE void store(float* to, const Lanes<W>& v) {
  typedef float Unaligned __attribute__((vector_size(W * 4), aligned(4), may_alias));
#pragma GCC unroll 4
  for (int i = 0; i < kLanes / W; ++i) *reinterpret_cast<Unaligned*>(to + i * W) = v.r[i];
}

// a += x * y, rounded once.
template <int W>
DS_INLINE void fuse(typename Lanes<W>::Register& a, const typename Lanes<W>::Register& x,
                    const typename Lanes<W>::Register& y) {
#if DS_X86_BUILTINS
  if constexpr (W == 16) {
    a = __builtin_ia32_vfmaddps512_mask(x, y, a, static_cast<unsigned short>(0xffff), 4);
    return;
  }
  if constexpr (W == 8) {
    a = __builtin_ia32_vfmaddps256(x, y, a);
    return;
  }
#endif
#if defined(__clang__)
  a = __builtin_elementwise_fma(x, y, a);
#else
  for (int i = 0; i < W; ++i) a[i] = __builtin_fmaf(x[i], y[i], a[i]);
#endif
}

// a += x * y
template <int W>
DS_INLINE void multiply_add(Lanes<W>& a, const Lanes<W>& x, const Lanes<W>& y) {
#pragma GCC unroll 4
  for (int i = 0; i < kLanes / W; ++i) fuse<W>(a.r[i], x.r[i], y.r[i]);
}

// a += s * y
template <int W>
DS_INLINE void multiply_add(Lanes<W>& a, float s, const Lanes<W>& y) {
  const typename Lanes<W>::Register all = s - typename Lanes<W>::Register{};
#pragma GCC unroll 4
  for (int i = 0; i < kLanes / W; ++i) fuse<W>(a.r[i], all, y.r[i]);
}

typedef float Eight __attribute__((vector_size(32)));
typedef float Four __attribute__((vector_size(16)));

// The fixed tree: lane i with lane i + 8, then 4, 2, 1. Its first two levels:
template <int W>
DS_INLINE Four fold(const Lanes<W>& v) {
  Eight half[2];
  std::memcpy(half, &v, sizeof half);
  const Eight eight = half[0] + half[1];
  Four quarter[2];
  std::memcpy(quarter, &eight, sizeof quarter);
  return quarter[0] + quarter[1];
}

template <int W>
DS_INLINE float sum(const Lanes<W>& v) {
  const Four w = fold<W>(v);
  return (w[0] + w[2]) + (w[1] + w[3]);
}

// Four sums at once, each by the same tree.
template <int W>
DS_INLINE void sum4(const Lanes<W> v[4], float out[4]) {
  const Four a = fold<W>(v[0]), b = fold<W>(v[1]), c = fold<W>(v[2]), d = fold<W>(v[3]);
  const Four ab =
      __builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(a, b, 2, 3, 6, 7);
  const Four cd =
      __builtin_shufflevector(c, d, 0, 1, 4, 5) + __builtin_shufflevector(c, d, 2, 3, 6, 7);
  const Four all =
      __builtin_shufflevector(ab, cd, 0, 2, 4, 6) + __builtin_shufflevector(ab, cd, 1, 3, 5, 7);
  std::memcpy(out, &all, sizeof all);
}

// x . y over k elements, k a multiple of 16.
template <int W>
DS_INLINE float dot(const float* x, const float* y, int64_t k) {
  Lanes<W> acc = zero<W>();
  for (int64_t i = 0; i < k; i += kLanes) multiply_add<W>(acc, load<W>(x + i), load<W>(y + i));
  return sum<W>(acc);
}

// Four tokens against one weight row, the row loaded once.
template <int W>
DS_INLINE void dot4(const float* const x[4], const float* y, int64_t k, float out[4]) {
  Lanes<W> acc[4] = {zero<W>(), zero<W>(), zero<W>(), zero<W>()};
  for (int64_t i = 0; i < k; i += kLanes) {
    const Lanes<W> row = load<W>(y + i);
#pragma GCC unroll 4
    for (int t = 0; t < 4; ++t) multiply_add<W>(acc[t], load<W>(x[t] + i), row);
  }
  sum4<W>(acc, out);
}

// One weight row against T activation rows x(t) of k floats, four at a time: put(t, x(t) . row).
template <int W, class X, class Put>
DS_INLINE void meet_row(int64_t T, int64_t k, const float* row, const X& x, const Put& put) {
  int64_t t = 0;
  for (; t + 4 <= T; t += 4) {
    const float* four[4] = {x(t), x(t + 1), x(t + 2), x(t + 3)};
    float y[4];
    dot4<W>(four, row, k, y);
    for (int64_t i = 0; i < 4; ++i) put(t + i, y[i]);
  }
  for (; t < T; ++t) put(t, dot<W>(x(t), row, k));
}

// The same with activation rows one behind the other.
template <int W, class Put>
DS_INLINE void times_row(const float* x, int64_t M, int64_t k, const float* row, const Put& put) {
  meet_row<W>(
      M, k, row, [&](int64_t m) { return x + m * k; }, put);
}

DS_INLINE void decode(const E4m3* from, int64_t n, float scale, float* to) {
  for (int64_t i = 0; i < n; ++i) to[i] = to_float_finite(from[i]) * scale;
}

DS_INLINE void decode(const Bf16* from, int64_t n, float* to) {
  for (int64_t i = 0; i < n; ++i) to[i] = to_float(from[i]);
}

DS_INLINE void encode(const float* from, int64_t n, Bf16* to) {
  for (int64_t i = 0; i < n; ++i) to[i] = to_bf16(from[i]);
}

DS_INLINE void encode(const float* from, int64_t n, float scale, E4m3* to) {
  for (int64_t i = 0; i < n; ++i) to[i] = to_e4m3(from[i] / scale);
}

DS_INLINE float largest_magnitude(const float* x, int64_t n) {
  uint32_t top = 0;  // floats without their sign compare like integers
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t bits = std::bit_cast<uint32_t>(x[i]) & 0x7fffffffu;
    top = bits > top ? bits : top;
  }
  return std::bit_cast<float>(top);
}

// 2^x to about 2 units in the last place, branch free; 0 below -126 and for -inf.
DS_INLINE float fast_exp2(float x) {
  const float clamped = x < -126.0f ? -126.0f : x > 127.0f ? 127.0f : x;
  const float magic = 12582912.0f;  // 1.5 x 2^23: the addition rounds to a whole number
  const float shifted = clamped + magic;
  const float r = clamped - (shifted - magic);  // [-0.5, 0.5]
  float y = 1.52527338e-5f;                     // Taylor series of 2^r: ln(2)^k / k!
  y = y * r + 1.54035304e-4f;
  y = y * r + 1.33335581e-3f;
  y = y * r + 9.61812911e-3f;
  y = y * r + 5.55041087e-2f;
  y = y * r + 2.40226507e-1f;
  y = y * r + 6.93147181e-1f;
  y = y * r + 1.0f;
  const uint32_t exponent = std::bit_cast<uint32_t>(shifted) << 23;
  const float scaled = std::bit_cast<float>(std::bit_cast<uint32_t>(y) + exponent);
  return x < -126.0f ? 0.0f : x == x ? scaled : x;
}

// One row of the 1x128 activation quantisation: k values, k a multiple of 128.
DS_INLINE void quantise_row(const float* x, int64_t k, int64_t m, int64_t rows,
                            const QuantOut& out) {
  for (int64_t g = 0; g < k / kGroup; ++g) {
    const float scale = activation_scale(largest_magnitude(x + g * kGroup, kGroup));
    encode(x + g * kGroup, kGroup, scale, out.values + m * k + g * kGroup);
    out.scales[scale_offset(out.layout, rows, k / kGroup, m, g)] = scale;
  }
}

}  // namespace kernels::cpu
