// What the vendors do not share, behind one set of names. The kernels of this folder are one source for
//   hip   gfx950, waves of 64          cuda   sm_90a, waves of 32
//   g++   the SIMT emulator, either    (tests/emulator)
// Rules that keep it one source: no literal 32 or 64 for a wave (kWave); no lane leaves before a barrier
// or a wave operation that others of its wave still take; all shared memory is the launch's (lds()); sums
// run in a fixed order; blocks of one launch never wait for each other.
#pragma once
#include "kernels/formats.h"
#include "kernels/layout.h"

#if defined(__HIP__)
#define GPU_HIP 1
#define GPU_WAVE 64
#define GPU_NS gpu_hip
#include <hip/hip_runtime.h>
#elif defined(__CUDACC__)
#define GPU_CUDA 1
#define GPU_WAVE 32
#define GPU_NS gpu_cuda
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#else
#ifndef GPU_WAVE
#error "GPU_WAVE: the wave width to emulate, 32 or 64"
#endif
#define GPU_JOIN_(a, b) a##b
#define GPU_JOIN(a, b) GPU_JOIN_(a, b)
#define GPU_NS GPU_JOIN(gpu_w, GPU_WAVE)
#define GPU_EMULATED 1
#include "kernels/gpu/emulated.h"
#endif

namespace kernels::GPU_NS {

inline constexpr int kWave = GPU_WAVE;

#if !defined(GPU_EMULATED)
#define GPU_DEVICE __device__ __forceinline__

using Vec8 = uint2;
using Vec16 = uint4;

extern __shared__ __attribute__((aligned(16))) unsigned char gpu_lds_memory[];

GPU_DEVICE void barrier() {
  __syncthreads();
}
GPU_DEVICE unsigned char* lds() {
  return gpu_lds_memory;
}
GPU_DEVICE int lane_id() {
  return static_cast<int>(threadIdx.x % kWave);
}
GPU_DEVICE int count_bits(uint32_t u) {
  return __popc(u);
}
GPU_DEVICE int atomic_add(int* at, int v) {  // of integers in shared memory: counts, whose order shows nowhere
  return atomicAdd(at, v);
}

#if defined(GPU_CUDA)
template <class T>
GPU_DEVICE T wave_from(T v, int lane) {
  return __shfl_sync(0xffffffffu, v, lane);
}
template <class T>
GPU_DEVICE T wave_xor(T v, int mask) {
  return __shfl_xor_sync(0xffffffffu, v, mask);
}
// max(x, 0) of which NaN stays.
GPU_DEVICE float relu(float x) {
  float out;
  asm("max.NaN.f32 %0, %1, 0f00000000;" : "=f"(out) : "f"(x));
  return out;
}
// Byte i of the result is byte (selector >> 4 i & 7) of the eight of a, then b.
template <uint32_t kSelector>
GPU_DEVICE uint32_t pick_bytes(uint32_t a, uint32_t b) {
  return __byte_perm(a, b, kSelector);
}
// Orders shared memory among the lanes of this wave.
GPU_DEVICE void wave_barrier() {
  __syncwarp();
}
// Copies of 16 or 4 bytes from global to shared memory that go on by themselves. A lane closes those it began since
// the last close as one group; copies_wait<N>() returns when all groups of this lane but the last N have arrived.
// What another lane copied is seen behind that and a wave_barrier().
// `if_so`: a lane that says no copies nothing; no branch.
using LdsAddress = uint32_t;
inline constexpr uint64_t kEvictFirst = 0x12f0000000000000;  // what createpolicy makes of evict_first for all
GPU_DEVICE LdsAddress lds_address(const void* at) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(at));
}
GPU_DEVICE void copy16_async(LdsAddress to, const void* from, bool if_so) {
  asm volatile("{\n\t.reg .pred p;\n\tsetp.ne.b32 p, %2, 0;\n\t@p cp.async.cg.shared.global [%0], [%1], 16;\n\t}" ::"r"(to), "l"(from),
               "r"(static_cast<int>(if_so))
               : "memory");
}
// The same address, of which the compiler does not know that part of it is the same for all lanes.
GPU_DEVICE LdsAddress lds_address_of_lane(const void* at) {
  LdsAddress out;
  asm("prmt.b32 %0, %1, %1, %2;" : "=r"(out) : "r"(lds_address(at)), "r"(0x3210u + gridDim.z - 1));  // grids have one layer
  return out;
}
// As copy16_async, of what a step reads once (weights, caches): the first to leave the last-level cache, where it would else take
// the place of the kernels' code and of what they hand each other. Measured, a step of glm-5: 1 % shorter at 64 tokens, 5 at 4.
// `to` begins at a lds_address_of_lane(): where it is partly uniform, nvcc 13.0 writes an illegal instruction
// (github.com/IST-DASLab/marlin/issues/44). Its other versions were not looked at: by them copies go without the hint.
GPU_DEVICE void copy16_once(LdsAddress to, const void* from) {
#if __CUDACC_VER_MAJOR__ == 13 && __CUDACC_VER_MINOR__ == 0
  asm volatile("cp.async.cg.shared.global.L2::cache_hint [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "l"(kEvictFirst) : "memory");
#else
  copy16_async(to, from, true);
#endif
}
GPU_DEVICE void copy4_async(LdsAddress to, const void* from, bool if_so) {
  asm volatile("{\n\t.reg .pred p;\n\tsetp.ne.b32 p, %2, 0;\n\t@p cp.async.ca.shared.global [%0], [%1], 4;\n\t}" ::"r"(to), "l"(from),
               "r"(static_cast<int>(if_so))
               : "memory");
}
GPU_DEVICE void copy16_async(void* to, const void* from) {
  copy16_async(lds_address(to), from, true);
}
GPU_DEVICE void copy4_async(void* to, const void* from) {
  copy4_async(lds_address(to), from, true);
}
GPU_DEVICE void copies_close() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int N>
GPU_DEVICE void copies_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}
// Asks for 128 bytes at this address ahead of their use.
GPU_DEVICE void prefetch(const void* at) {
  asm volatile("prefetch.global.L2 [%0];" ::"l"(at));
}
GPU_DEVICE uint32_t wave_max(uint32_t v) {
  return __reduce_max_sync(0xffffffffu, v);
}
GPU_DEVICE uint32_t wave_min(uint32_t v) {
  return __reduce_min_sync(0xffffffffu, v);
}
// How many lanes before this one hold `mine`, and how many of the wave do.
GPU_DEVICE int wave_count(bool mine, int* before) {
  const uint32_t all = __ballot_sync(0xffffffffu, mine);
  *before = __popc(all & ((1u << lane_id()) - 1u));
  return __popc(all);
}
// Four floats to e4m3, the first in the lowest byte; saturating, NaN stays NaN.
GPU_DEVICE uint32_t pack_e4m3(float a, float b, float c, float d) {
  const uint32_t low = __nv_cvt_float2_to_fp8x2(float2{a, b}, __NV_SATFINITE, __NV_E4M3);
  const uint32_t high = __nv_cvt_float2_to_fp8x2(float2{c, d}, __NV_SATFINITE, __NV_E4M3);
  return low | high << 16;
}
GPU_DEVICE void unpack_e4m3(uint32_t code, float out[4]) {
  const __half2_raw low = __nv_cvt_fp8x2_to_halfraw2(static_cast<uint16_t>(code), __NV_E4M3);
  const __half2_raw high = __nv_cvt_fp8x2_to_halfraw2(static_cast<uint16_t>(code >> 16), __NV_E4M3);
  const float2 a = __half22float2(__half2(low)), b = __half22float2(__half2(high));
  out[0] = a.x, out[1] = a.y, out[2] = b.x, out[3] = b.y;
}
#else
template <class T>
GPU_DEVICE T wave_from(T v, int lane) {
  return __shfl(v, lane);
}
template <class T>
GPU_DEVICE T wave_xor(T v, int mask) {
  return __shfl_xor(v, mask);
}
template <uint32_t kSelector>
GPU_DEVICE uint32_t pick_bytes(uint32_t a, uint32_t b) {
  constexpr uint32_t kBytes = (kSelector & 15u) | (kSelector >> 4 & 15u) << 8 | (kSelector >> 8 & 15u) << 16 |
                              (kSelector >> 12 & 15u) << 24;
  return __builtin_amdgcn_perm(b, a, kBytes);
}
GPU_DEVICE void wave_barrier() {
  __builtin_amdgcn_fence(__ATOMIC_ACQ_REL, "wavefront");
  __builtin_amdgcn_wave_barrier();
}
GPU_DEVICE int wave_count(bool mine, int* before) {
  const unsigned long long all = __ballot(mine);
  *before = __popcll(all & ((1ull << lane_id()) - 1ull));
  return __popcll(all);
}
// The instruction gives NaN where a value is out of range: clamp first, and keep what is NaN already.
GPU_DEVICE float clamp_e4m3(float x) {
  return x != x ? x : __builtin_amdgcn_fmed3f(x, -kE4m3Max, kE4m3Max);
}
GPU_DEVICE uint32_t pack_e4m3(float a, float b, float c, float d) {
  const int low = __builtin_amdgcn_cvt_pk_fp8_f32(clamp_e4m3(a), clamp_e4m3(b), 0, false);
  return static_cast<uint32_t>(
      __builtin_amdgcn_cvt_pk_fp8_f32(clamp_e4m3(c), clamp_e4m3(d), low, true));
}
GPU_DEVICE void unpack_e4m3(uint32_t code, float out[4]) {
  const auto low = __builtin_amdgcn_cvt_pk_f32_fp8(static_cast<int>(code), false);
  const auto high = __builtin_amdgcn_cvt_pk_f32_fp8(static_cast<int>(code), true);
  out[0] = low[0], out[1] = low[1], out[2] = high[0], out[3] = high[1];
}
#endif
#endif

#if !defined(GPU_CUDA)
GPU_DEVICE void prefetch(const void*) {}
GPU_DEVICE uint32_t wave_max(uint32_t v) {
  for (int m = kWave / 2; m > 0; m /= 2) {
    const uint32_t other = wave_xor(v, m);
    v = v < other ? other : v;
  }
  return v;
}
GPU_DEVICE uint32_t wave_min(uint32_t v) {
  for (int m = kWave / 2; m > 0; m /= 2) {
    const uint32_t other = wave_xor(v, m);
    v = other < v ? other : v;
  }
  return v;
}
#endif

// Thread and block numbers as signed 64-bit: products with row lengths must not wrap.
GPU_DEVICE int64_t thread_id() {
  return static_cast<int64_t>(threadIdx.x);
}
GPU_DEVICE int64_t block_threads() {
  return static_cast<int64_t>(blockDim.x);
}
GPU_DEVICE int64_t global_id() {
  return static_cast<int64_t>(blockIdx.x) * block_threads() + thread_id();
}
GPU_DEVICE int wave_id() {
  return static_cast<int>(threadIdx.x) / kWave;
}

GPU_DEVICE int block_waves() {
  return static_cast<int>(block_threads()) / kWave;
}

// Over neighbouring lanes, W of them (a power of two, at most kWave); every lane gets the result.
template <int W>
GPU_DEVICE float group_sum(float v) {
  for (int m = W / 2; m > 0; m /= 2) v += wave_xor(v, m);
  return v;
}
// NaN stays: the poison of an unwritten input must show.
GPU_DEVICE float larger(float a, float b) {
#if defined(GPU_CUDA)
  float out;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(out) : "f"(a), "f"(b));
  return out;
#else
  return b != b || b > a ? b : a;
#endif
}
template <int W>
GPU_DEVICE float group_max(float v) {
  for (int m = W / 2; m > 0; m /= 2) v = larger(v, wave_xor(v, m));
  return v;
}

// Over the block, in one order; `part` holds a float a wave. Ends in a state where part may be reused
// behind the next barrier.
GPU_DEVICE float block_sum(float v, float* part) {
  v = group_sum<kWave>(v);
  barrier();
  if (lane_id() == 0) part[wave_id()] = v;
  barrier();
  float sum = part[0];
  for (int i = 1; i < static_cast<int>(blockDim.x) / kWave; ++i) sum += part[i];
  return sum;
}

// Eight neighbouring elements, 16-byte aligned bf16 or 8-byte aligned e4m3.
struct Eight {
  float v[8];
};
GPU_DEVICE float low_bf16(uint32_t two) {
  return std::bit_cast<float>(two << 16);
}
GPU_DEVICE float high_bf16(uint32_t two) {
  return std::bit_cast<float>(two & 0xffff0000u);
}
GPU_DEVICE Eight eight_bf16(const Vec16& u) {
  return {{low_bf16(u.x), high_bf16(u.x), low_bf16(u.y), high_bf16(u.y), low_bf16(u.z),
           high_bf16(u.z), low_bf16(u.w), high_bf16(u.w)}};
}
GPU_DEVICE Eight load8(const Bf16* from) {
  return eight_bf16(*reinterpret_cast<const Vec16*>(from));
}
#if defined(GPU_CUDA)
GPU_DEVICE uint32_t two_bf16(float low, float high) {  // one instruction; rounds as to_bf16 does
  uint32_t two;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(two) : "f"(high), "f"(low));
  return two;
}
#else
GPU_DEVICE uint32_t two_bf16(float low, float high) {
  return to_bf16(low).bits | static_cast<uint32_t>(to_bf16(high).bits) << 16;
}
#endif
GPU_DEVICE Vec16 bf16_of(const Eight& e) {
  return {two_bf16(e.v[0], e.v[1]), two_bf16(e.v[2], e.v[3]), two_bf16(e.v[4], e.v[5]), two_bf16(e.v[6], e.v[7])};
}
GPU_DEVICE void store8(Bf16* to, const Eight& e) {
  *reinterpret_cast<Vec16*>(to) = bf16_of(e);
}
GPU_DEVICE Eight rounded_bf16(const Eight& e) {
  return eight_bf16(bf16_of(e));
}
// Quotients by one divisor, correctly rounded (Markstein): one division for all. Codes depend on it: bf16 values over a
// scale often lie halfway between two.
struct Divisor {
  float by, inverse;
  GPU_DEVICE explicit Divisor(float d) : by(d), inverse(1.0f / d) {}
  GPU_DEVICE float of(float x) const {
    const float q = x * inverse;
    return fmaf(fmaf(-q, by, x), inverse, q);
  }
};
GPU_DEVICE void store8(E4m3* to, const Eight& e, float scale) {
  const Divisor d(scale);
  *reinterpret_cast<Vec8*>(to) = {pack_e4m3(d.of(e.v[0]), d.of(e.v[1]), d.of(e.v[2]), d.of(e.v[3])),
                                  pack_e4m3(d.of(e.v[4]), d.of(e.v[5]), d.of(e.v[6]), d.of(e.v[7]))};
}
GPU_DEVICE float largest_magnitude(const Eight& e) {
  float top = 0;
  for (int i = 0; i < 8; ++i) top = larger(top, fabsf(e.v[i]));
  return top;
}

// A group of 128 values lies with 16 neighbouring lanes, eight each. All lanes of the wave call this.
inline constexpr int kGroupLanes = kGroup / 8;
GPU_DEVICE float group_scale(const Eight& e) {
  return activation_scale(group_max<kGroupLanes>(largest_magnitude(e)));
}
// Several vectors a lane abreast: what one waits for, the others use.
template <int N>
GPU_DEVICE void group_scales(const Eight (&e)[N], float (&scales)[N]) {
#pragma unroll
  for (int t = 0; t < N; ++t) scales[t] = largest_magnitude(e[t]);
#pragma unroll
  for (int m = kGroupLanes / 2; m > 0; m /= 2) {
#pragma unroll
    for (int t = 0; t < N; ++t) scales[t] = larger(scales[t], wave_xor(scales[t], m));
  }
#pragma unroll
  for (int t = 0; t < N; ++t) scales[t] = activation_scale(scales[t]);
}

}  // namespace kernels::GPU_NS
