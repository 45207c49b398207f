// gpu.h's names for a host compiler, on top of kernels/gpu/emulated_api.h.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/gpu/emulated_api.h"

#define GPU_DEVICE inline
#define threadIdx (::simt::thread_index)
#define blockIdx (::simt::block_index)
#define blockDim (::simt::block_size)
#define gridDim (::simt::grid_size)

namespace kernels::GPU_NS {

struct alignas(8) Vec8 {
  uint32_t x, y;
};
struct alignas(16) Vec16 {
  uint32_t x, y, z, w;
};

inline void barrier() {
  ::simt::barrier();
}
inline unsigned char* lds() {
  return ::simt::lds();
}
inline int lane_id() {
  return static_cast<int>(threadIdx.x % GPU_WAVE);
}

template <class T>
T wave_from(T v, int lane) {
  ::simt::show(&v, sizeof v);
  T got;
  std::memcpy(&got, ::simt::shown(lane), sizeof got);
  return got;
}
template <class T>
T wave_xor(T v, int mask) {
  return wave_from(v, lane_id() ^ mask);
}

template <uint32_t kSelector>
uint32_t pick_bytes(uint32_t a, uint32_t b) {
  const uint64_t all = a | static_cast<uint64_t>(b) << 32;
  uint32_t out = 0;
  for (int i = 0; i < 4; ++i)
    out |= static_cast<uint32_t>(all >> 8 * (kSelector >> 4 * i & 7u) & 0xffu) << 8 * i;
  return out;
}
inline float relu(float x) {
  return x < 0.0f ? 0.0f : x;
}
inline void wave_barrier() {
  const char nothing = 0;
  ::simt::show(&nothing, 1);
}
inline void copy16_async(void* to, const void* from) {
  ::simt::copy_later(to, from, 16);
}
inline void copy4_async(void* to, const void* from) {
  ::simt::copy_later(to, from, 4);
}
using LdsAddress = uint8_t*;
inline LdsAddress lds_address(void* at) {
  return static_cast<uint8_t*>(at);
}
inline void copy16_async(LdsAddress to, const void* from, bool if_so) {
  if (if_so) ::simt::copy_later(to, from, 16);
}
inline LdsAddress lds_address_of_lane(void* at) {
  return lds_address(at);
}
inline void copy16_once(LdsAddress to, const void* from) {
  ::simt::copy_later(to, from, 16);
}
inline void copy4_async(LdsAddress to, const void* from, bool if_so) {
  if (if_so) ::simt::copy_later(to, from, 4);
}
inline void copies_close() {
  ::simt::close_copies();
}
template <int N>
void copies_wait() {
  ::simt::finish_copies(N);
}
// How many lanes before this one hold `mine`, and how many of the wave do.
inline int wave_count(bool mine, int* before) {
  ::simt::show(&mine, 1);
  int all = 0;
  *before = 0;
  for (int i = 0; i < GPU_WAVE; ++i) {
    const bool other = *static_cast<const bool*>(::simt::shown(i));
    all += other;
    *before += other && i < lane_id();
  }
  return all;
}

inline uint32_t pack_e4m3(float a, float b, float c, float d) {
  return to_e4m3(a).bits | to_e4m3(b).bits << 8 | to_e4m3(c).bits << 16 |
         static_cast<uint32_t>(to_e4m3(d).bits) << 24;
}
inline void unpack_e4m3(uint32_t code, float out[4]) {
  for (int i = 0; i < 4; ++i) out[i] = to_float(E4m3{static_cast<uint8_t>(code >> 8 * i)});
}
// Two e4m3 as two f16, exactly.
inline uint32_t f16_of_e4m3(uint32_t two) {
  const auto half = [](uint32_t code) -> uint32_t {
    const float f = to_float(E4m3{static_cast<uint8_t>(code)});
    const uint32_t u = std::bit_cast<uint32_t>(f), sign = u >> 16 & 0x8000u, all = u & 0x7fffffffu;
    if (all > 0x7f800000u) return sign | 0x7e00u;
    return all == 0 ? sign : sign | ((all >> 13) - (112u << 10));  // e4m3's least, 2^-9, is a normal f16
  };
  return half(two & 0xffu) | half(two >> 8 & 0xffu) << 16;
}
inline uint32_t f16_of_upper_e4m3(uint32_t four) {
  return f16_of_e4m3(four >> 16);
}
inline float float_of_f16(uint32_t h) {
  const uint32_t all = h & 0x7fffu;
  const uint32_t bits = all >= 0x7c00u ? 0x7fc00000u : all == 0 ? 0u : (all << 13) + (112u << 23);
  return std::bit_cast<float>(bits | (h & 0x8000u) << 16);
}

// A sum as Hopper's matrix units make it: the accumulator and all products of the operation are aligned to the largest of
// them, what lies more than two bits behind fp32's last is cut off, and so is the sum's rest. (Measured by others: Fasi et
// al. 2021, PeerJ CS 7:e330; Khattak and Mikaitis 2025, arXiv:2512.07004.) A bound that counts on rounding to nearest, or
// on errors in proportion to the sum, does not hold there.
inline float cut_sum(float c, const float* product, int n) {
  double largest = std::fabs(c), plain = c;
  for (int i = 0; i < n; ++i) largest = std::fmax(largest, std::fabs(product[i])), plain += product[i];
  if (largest == 0 || !std::isfinite(plain)) return static_cast<float>(plain);
  const double unit = std::ldexp(1.0, std::ilogb(largest) - 25);
  double sum = std::trunc(c / unit);
  for (int i = 0; i < n; ++i) sum += std::trunc(product[i] / unit);
  sum *= unit;
  const auto nearest = static_cast<float>(sum);
  return std::fabs(nearest) > std::fabs(sum) ? std::nextafterf(nearest, 0.0f) : nearest;
}

// mma.sync.m16n8k16: rows of a x columns of b, fp32 sums, in NVIDIA's lane layout.
inline void mma_16816(float c[4], const uint32_t a[4], const uint32_t b[2], bool bf16) {
  struct {
    uint32_t a[4], b[2];
  } mine{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
  using Mine = decltype(mine);
  ::simt::show(&mine, sizeof mine);
  const auto part = [bf16](uint32_t two, int i) {
    const uint32_t bits = i ? two >> 16 : two & 0xffffu;
    return bf16 ? std::bit_cast<float>(bits << 16) : float_of_f16(bits);
  };
  const int lane = lane_id();
  for (int r = 0; r < 4; ++r) {
    const int row = lane / 4 + 8 * (r / 2), col = lane % 4 * 2 + r % 2;
    float product[16];
    for (int k = 0; k < 16; ++k) {
      const int t = k % 8 / 2, high = k / 8;
      const auto* of_row = static_cast<const Mine*>(::simt::shown(row % 8 * 4 + t));
      const auto* of_col = static_cast<const Mine*>(::simt::shown(col * 4 + t));
      product[k] = part(of_row->a[row / 8 + 2 * high], k % 2) * part(of_col->b[high], k % 2);
    }
    c[r] = cut_sum(c[r], product, 16);
  }
}

// v_mfma_f32_16x16x32: eight values a lane of a and of b, in AMD's lane layout.
template <class Value>
void mfma_16x16x32(float c[4], const float a[8], const float b[8], Value) {
  struct {
    Value a[8], b[8];
  } mine;
  using Mine = decltype(mine);
  for (int j = 0; j < 8; ++j) {
    if constexpr (sizeof(Value) == 1)
      mine.a[j] = to_e4m3(a[j]), mine.b[j] = to_e4m3(b[j]);
    else
      mine.a[j] = to_bf16(a[j]), mine.b[j] = to_bf16(b[j]);
  }
  ::simt::show(&mine, sizeof mine);
  const int lane = lane_id();
  for (int q = 0; q < 4; ++q) {
    const auto* of_col = static_cast<const Mine*>(::simt::shown(q * 16 + lane % 16));
    float col[8];
    for (int j = 0; j < 8; ++j) col[j] = to_float(of_col->b[j]);
    for (int r = 0; r < 4; ++r) {
      const auto* of_row = static_cast<const Mine*>(::simt::shown(q * 16 + lane / 16 * 4 + r));
      for (int j = 0; j < 8; ++j) c[r] += to_float(of_row->a[j]) * col[j];
    }
  }
}

// v_mfma_scale_f32_16x16x128_f8f6f4 with e2m1 on both sides: a lane's 32 values are k = 32 (lane / 16) .. of row
// lane % 16, times its one e8m0 scale.
inline void mfma_scale_16x16x128(float c[4], const uint32_t a[4], uint8_t a_scale, const uint32_t b[4], uint8_t b_scale) {
  struct Mine {
    uint32_t a[4], b[4];
    uint8_t a_scale, b_scale;
  } mine{{a[0], a[1], a[2], a[3]}, {b[0], b[1], b[2], b[3]}, a_scale, b_scale};
  ::simt::show(&mine, sizeof mine);
  const int lane = lane_id();
  const auto value = [](const uint32_t w[4], int k) { return e2m1_to_float(w[k / 8] >> 4 * (k % 8) & 15u); };
  for (int q = 0; q < 4; ++q) {
    const auto* of_col = static_cast<const Mine*>(::simt::shown(q * 16 + lane % 16));
    for (int r = 0; r < 4; ++r) {
      const auto* of_row = static_cast<const Mine*>(::simt::shown(q * 16 + lane / 16 * 4 + r));
      float sum = 0;
      for (int k = 0; k < 32; ++k) sum += value(of_row->a, k) * value(of_col->b, k);
      c[r] += sum * e8m0_to_float(of_row->a_scale) * e8m0_to_float(of_col->b_scale);
    }
  }
}

inline int count_bits(uint32_t u) {
  return std::popcount(u);
}
inline int atomic_add(int* at, int v) {
  const int old = *at;
  *at += v;
  return old;
}

}  // namespace kernels::GPU_NS
