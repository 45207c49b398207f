// Weight rows against a few tokens: what a decode step does most. The weights go from memory
// through registers straight into the products; e4m3 and bf16 become floats by one or two
// instructions for 8 or 16 of them, exactly, so that every instruction set gives the same bytes.
// With more than four tokens a row is widened once into a float row instead, and meets them four at
// a time.
#pragma once
#include "kernels/simd.h"

namespace kernels::cpu {

#if DS_X86_BUILTINS
typedef char Bytes16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef short Words8 __attribute__((vector_size(16), aligned(1), may_alias));
typedef short Words16 __attribute__((vector_size(32), aligned(1), may_alias));
typedef int Ints8 __attribute__((vector_size(32)));
typedef int Ints16 __attribute__((vector_size(64)));

// Codes in the upper bytes of words, as halves of 2^-8 times their value, subnormals included: the
// shift copies the sign into bit 14, which is no part of a code.
DS_INLINE Words8 as_halves(Bytes16 upper) {
  return (reinterpret_cast<Words8>(upper) >> 1) & static_cast<short>(0xbf80);
}
#endif

// e4m3 weights, which hold no NaN: 16 values x 2^-8.
struct Fp8Rows {
  const E4m3* w;
  static constexpr float kUnit = 256.0f;

  const void* address(int64_t element) const { return w + element; }
};

template <int W>
DS_INLINE Lanes<W> at(const Fp8Rows& rows, int64_t element) {
  const E4m3* from = rows.w + element;
  Lanes<W> v;
#if DS_X86_BUILTINS
  if constexpr (W == 16) {
    const auto wide = __builtin_ia32_pmovsxbw256(*reinterpret_cast<const Bytes16*>(from));
    v.r[0] = __builtin_ia32_vcvtph2ps512_mask((wide << 7) & static_cast<short>(0xbf80),
                                              typename Lanes<W>::Register{},
                                              static_cast<unsigned short>(0xffff), 4);
    return v;
  }
  if constexpr (W == 8) {
    const Bytes16 bytes = *reinterpret_cast<const Bytes16*>(from), none = {};
    v.r[0] = __builtin_ia32_vcvtph2ps256(as_halves(__builtin_shufflevector(
        none, bytes, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)));
    v.r[1] = __builtin_ia32_vcvtph2ps256(as_halves(__builtin_shufflevector(
        none, bytes, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)));
    return v;
  }
#endif
  float values[kLanes];
  for (int i = 0; i < kLanes; ++i) values[i] = to_float_finite(from[i]) * (1 / Fp8Rows::kUnit);
  return load<W>(values);
}

// n codes, a multiple of 16, NaNs among them: activations and caches, whose poison must show.
template <int W>
DS_INLINE void decode_exact(const E4m3* from, int64_t n, float* to) {
  uint8_t any = 0;
  for (int64_t i = 0; i < n; ++i) any |= static_cast<uint8_t>((from[i].bits & 0x7f) == 0x7f);
  if (any) {
    for (int64_t i = 0; i < n; ++i) to[i] = to_float(from[i]);
    return;
  }
  const Fp8Rows codes{from};
  for (int64_t i = 0; i < n; i += kLanes) {
    Lanes<W> v = at<W>(codes, i);
#pragma GCC unroll 4
    for (auto& part : v.r) part *= Fp8Rows::kUnit;
    store<W>(to + i, v);
  }
}

// Dequantised activations (rows m0.., k) into float rows.
template <int W>
DS_INLINE void dequantise_row(const QuantIn& x, int64_t m, int64_t rows, int64_t k, float* to) {
  for (int64_t g = 0; g < k / kGroup; ++g) {
    const float scale = x.scales[scale_offset(x.layout, rows, k / kGroup, m, g)];
    decode_exact<W>(x.values + m * k + g * kGroup, kGroup, to + g * kGroup);
    for (int64_t i = 0; i < kGroup; ++i) to[g * kGroup + i] *= scale;
  }
}

struct Bf16Rows {
  const Bf16* w;

  const void* address(int64_t element) const { return w + element; }
};

template <int W>
DS_INLINE Lanes<W> at(const Bf16Rows& rows, int64_t element) {
  const Bf16* from = rows.w + element;
  Lanes<W> v;
#if DS_X86_BUILTINS
  if constexpr (W == 16) {
    const auto words = *reinterpret_cast<const Words16*>(from);
    v.r[0] = reinterpret_cast<typename Lanes<W>::Register>(
        __builtin_ia32_pmovzxwd512_mask(words, Ints16{}, static_cast<unsigned short>(0xffff))
        << 16);
    return v;
  }
  if constexpr (W == 8) {
    for (int i = 0; i < 2; ++i) {
      const auto words = *reinterpret_cast<const Words8*>(from + 8 * i);
      v.r[i] =
          reinterpret_cast<typename Lanes<W>::Register>(__builtin_ia32_pmovzxwd256(words) << 16);
    }
    return v;
  }
#endif
  float values[kLanes];
  for (int i = 0; i < kLanes; ++i) values[i] = to_float(from[i]);
  return load<W>(values);
}

// R rows of `length` elements, `stride` apart from element `first`, against T tokens of x, `length`
// apart: out[r * T + t]. Eight sums at once hide their latency.
template <int W, int R, int T, class Rows>
DS_INLINE void fused_rows(const Rows& rows, int64_t first, int64_t stride, int64_t length,
                          const float* x, float* out) {
  Lanes<W> acc[R * T];
#pragma GCC unroll 8
  for (auto& a : acc) a = zero<W>();
  for (int64_t i = 0; i < length; i += kLanes) {
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      const Lanes<W> v = at<W>(rows, first + r * stride + i);
      // The next R rows, while these are used: too short a run for the hardware to foresee.
      if (i % 64 == 0) __builtin_prefetch(rows.address(first + (r + R) * stride + i), 0, 2);
#pragma GCC unroll 4
      for (int t = 0; t < T; ++t) multiply_add<W>(acc[r * T + t], load<W>(x + t * length + i), v);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < R * T; ++i) out[i] = sum<W>(acc[i]);
}

// Rows n in [begin, end), row n at element `first` + n * stride: put(t, n, y).
template <int W, int R, int T, class Rows, class Put>
DS_INLINE void stream_rows(const Rows& rows, int64_t first, int64_t stride, int64_t length,
                           int64_t begin, int64_t end, const float* x, const Put& put) {
  float y[R * T];
  int64_t n = begin;
  for (; n + R <= end; n += R) {
    fused_rows<W, R, T>(rows, first + n * stride, stride, length, x, y);
    for (int i = 0; i < R * T; ++i) put(i % T, n + i / T, y[i]);
  }
  for (; n < end; ++n) {
    fused_rows<W, 1, T>(rows, first + n * stride, stride, length, x, y);
    for (int t = 0; t < T; ++t) put(t, n, y[t]);
  }
}

// At most so many tokens are worth widening a row for each of them.
inline constexpr int64_t kFewTokens = 4;

// REQUIRES: 1 <= T <= kFewTokens.
template <int W, class Rows, class Put>
DS_INLINE void few_tokens(const Rows& rows, int64_t first, int64_t stride, int64_t length,
                          int64_t begin, int64_t end, const float* x, int64_t T, const Put& put) {
  switch (T) {
    case 1:
      return stream_rows<W, 4, 1>(rows, first, stride, length, begin, end, x, put);
    case 2:
      return stream_rows<W, 1, 2>(rows, first, stride, length, begin, end, x, put);
    case 3:
      return stream_rows<W, 1, 3>(rows, first, stride, length, begin, end, x, put);
    default:
      return stream_rows<W, 1, 4>(rows, first, stride, length, begin, end, x, put);
  }
}

// Rows [begin, end) of a matrix [N, k] against T rows of activations one behind the other:
// put(t, n, y). `row` holds k floats. The same bytes for every T.
template <int W, class Rows, class Put>
DS_INLINE void product(const Rows& rows, int64_t first, int64_t stride, int64_t k, int64_t begin,
                       int64_t end, int64_t T, const float* x, float* row, const Put& put) {
  if (T == 0) return;
  if (T <= kFewTokens) return few_tokens<W>(rows, first, stride, k, begin, end, x, T, put);
  for (int64_t n = begin; n < end; ++n) {
    for (int64_t i = 0; i < k; i += kLanes) store<W>(row + i, at<W>(rows, first + n * stride + i));
    times_row<W>(x, T, k, row, [&](int64_t t, float y) { put(t, n, y); });
  }
}

// Block-scaled e4m3 rows [begin, end) of a matrix [N, k], k % 128 == 0, against T rows of
// activations x(t). The activations take the scales of a block of 128 rows upon themselves, once a
// block: `scaled` holds T x k floats.
template <int W, class X, class Put>
DS_INLINE void fp8_product(const E4m3* w, const float* scales, int64_t k, int64_t begin,
                           int64_t end, int64_t T, const X& x, float* scaled, float* row,
                           const Put& put) {
  const int64_t groups = k / kGroup;
  for (int64_t n = begin, last; n < end; n = last) {
    last = std::min(end, (n / kGroup + 1) * kGroup);
    const float* block = scales + n / kGroup * groups;
    for (int64_t t = 0; t < T; ++t) {
      const float* from = x(t);
      for (int64_t g = 0; g < groups; ++g) {
        const float unit = block[g] * Fp8Rows::kUnit;  // exact
        for (int64_t i = g * kGroup; i < (g + 1) * kGroup; ++i) scaled[t * k + i] = from[i] * unit;
      }
    }
    product<W>(Fp8Rows{w}, 0, k, k, n, last, T, scaled, row, put);
  }
}

}  // namespace kernels::cpu
