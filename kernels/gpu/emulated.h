// gpu.h's names for a host compiler, on top of kernels/gpu/emulated_api.h.
#pragma once
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

inline uint32_t pack_e4m3(float a, float b, float c, float d) {
  return to_e4m3(a).bits | to_e4m3(b).bits << 8 | to_e4m3(c).bits << 16 |
         static_cast<uint32_t>(to_e4m3(d).bits) << 24;
}
inline void unpack_e4m3(uint32_t code, float out[4]) {
  for (int i = 0; i < 4; ++i) out[i] = to_float(E4m3{static_cast<uint8_t>(code >> 8 * i)});
}
inline int atomic_add(int* at, int v) {
  const int old = *at;
  *at += v;
  return old;
}

}  // namespace kernels::GPU_NS
