// Kernels that are no op of a model (kernels/gpu/tool_args.h).
#pragma once
#include "kernels/gpu/mma.h"
#include "kernels/gpu/stamp.h"
#include "kernels/gpu/tool_args.h"
#include "kernels/philox.h"

namespace kernels::GPU_NS {

// A chunk of 16 values a thread; the table of codes lies in shared memory.
GPU_DEVICE void draw(const DrawArgs& a) {
  unsigned char* codes = lds();
  for (int64_t i = thread_id(); i < 256; i += block_threads()) codes[i] = a.codes[i].bits;
  barrier();
  const int64_t chunks = a.K / 16, r = global_id() / chunks, c = global_id() % chunks;
  if (r >= a.rows) return;
  const int64_t n = (a.n0 + r) % a.N, batch = (a.n0 + r) / a.N;
  const auto word = [](int64_t v) { return static_cast<uint32_t>(v); };
  const PhiloxWords w = philox4x32({{word(c), word(n), word(a.batch0 + batch), 0}}, a.key[0], a.key[1]);
  uint32_t out[4];
  for (int i = 0; i < 4; ++i) {
    out[i] = 0;
    for (int j = 0; j < 4; ++j) out[i] |= static_cast<uint32_t>(codes[w.w[i] >> 8 * j & 255u]) << 8 * j;
  }
  const int64_t at = (batch * a.stride + n) * a.K + c * 16;
  const bool scaled = a.scales || a.to == DrawArgs::To::bf16_scaled;
  float factor = 1;
  if (scaled)
    factor = a.factors[philox4x32({{word(c / 8), word(n / kGroup), word(a.batch0 + batch), a.scale_stream}}, a.key[0],
                                  a.key[1]).w[0] % 5];
  if (a.to == DrawArgs::To::e4m3) {
    *reinterpret_cast<Vec16*>(static_cast<uint8_t*>(a.out) + at) = {out[0], out[1], out[2], out[3]};
    if (a.scales && n % kGroup == 0 && c % 8 == 0)
      a.scales[(batch * a.scale_stride + n / kGroup) * (a.K / kGroup) + c / 8] = factor;
    return;
  }
  for (int half = 0; half < 2; ++half) {
    Eight e;
    for (int i = 0; i < 8; ++i)
      e.v[i] = to_float(E4m3{static_cast<uint8_t>(out[half * 2 + i / 4] >> 8 * (i % 4))}) * factor;
    store8(static_cast<Bf16*>(a.out) + at + half * 8, e);
  }
}

inline constexpr int kStreamLoads = 8;  // in flight a thread

GPU_DEVICE void stream_read(const StreamArgs& a) {
  const int64_t all = a.bytes / 16, step = int64_t{gridDim.x} * block_threads();
  const auto* from = reinterpret_cast<const Vec16*>(a.from);
  uint32_t seen = 0;
  for (int64_t i = global_id(); i < all; i += step * kStreamLoads) {
    Vec16 v[kStreamLoads];
#pragma unroll
    for (int j = 0; j < kStreamLoads; ++j) v[j] = i + j * step < all ? from[i + j * step] : Vec16{0, 0, 0, 0};
#pragma unroll
    for (int j = 0; j < kStreamLoads; ++j) seen |= v[j].x ^ v[j].y ^ v[j].z ^ v[j].w;
  }
  if (seen == 0x9e3779b9u) *a.sink = seen;
}
GPU_DEVICE void stream_copy(const StreamArgs& a) {
  const int64_t all = a.bytes / 16, step = int64_t{gridDim.x} * block_threads();
  for (int64_t i = global_id(); i < all; i += step * kStreamLoads) {
    Vec16 v[kStreamLoads];
#pragma unroll
    for (int j = 0; j < kStreamLoads; ++j)
      v[j] = i + j * step < all ? reinterpret_cast<const Vec16*>(a.from)[i + j * step] : Vec16{0, 0, 0, 0};
#pragma unroll
    for (int j = 0; j < kStreamLoads; ++j) {
      if (i + j * step < all) reinterpret_cast<Vec16*>(a.to)[i + j * step] = v[j];
    }
  }
}

// Matrix instructions on registers alone.
GPU_DEVICE void matrix_rate(const MatrixRateArgs& a) {
  Acc acc[4];
  for (int t = 0; t < 4; ++t) {  // apart from each other, or a compiler computes one of them
    for (int r = 0; r < kAcc; ++r) acc[t].c[r] = static_cast<float>(t * kAcc + r + lane_id());
  }
  Piece left[kPieces], right[kPieces];
  for (int i = 0; i < kPieces; ++i) left[i] = right[i] = {0x3f803f80u, 0x3f803f80u, 0x3f803f80u, 0x3f803f80u};
  for (int64_t i = 0; i < a.rounds; ++i) {
#pragma unroll
    for (int t = 0; t < 4; ++t) mma_bf16(acc[t], left, right, true);
  }
  float sum = 0;  // of all: what nobody reads, a compiler leaves out
  for (int t = 0; t < 4; ++t) {
    for (int r = 0; r < kAcc; ++r) sum += acc[t].c[r];
  }
  if (sum == -1.0f) *a.sink = sum;
}

// Into registers first: a store between two reads would lengthen what lies between them.
GPU_DEVICE void clock_reads(const ClockArgs& a) {
  if (threadIdx.x != 0) return;
  uint64_t t[kClockReads];
#pragma unroll
  for (int i = 0; i < kClockReads; ++i) t[i] = device_clock();
  const int64_t block = block_number();
  a.units[block] = unit_id();
#pragma unroll
  for (int i = 0; i < kClockReads; ++i) a.times[block * kClockReads + i] = t[i];
}

GPU_DEVICE void nothing(const StreamArgs&) {}

}  // namespace kernels::GPU_NS
