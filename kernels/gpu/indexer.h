// The indexer's small ops: RoPE, Hadamard, quantisation, the writer and the gather of the paged key cache.
// A row of 128 lies with sixteen neighbouring lanes, eight values each.
#pragma once
#include "kernels/gpu/gpu.h"
#include "kernels/gpu/rules.h"
#include "kernels/rope.h"

namespace kernels::GPU_NS {

using gpu::Kernel;
using gpu::Launch;
using gpu::Traits;

// A thread rotates one pair of one head; head H is the key.
GPU_DEVICE void index_rope(const IndexRopeArgs& a) {
  const int64_t pairs = a.rope / 2, i = global_id();
  if (i >= a.M * (a.H + 1) * pairs) return;
  const int64_t row = i / pairs, m = row / (a.H + 1), h = row % (a.H + 1), at = i % pairs;
  const Bf16* x = h < a.H ? a.q + m * a.q_stride + h * a.q_head_stride : a.k + m * a.k_stride;
  Bf16* y = h < a.H ? a.q_out + m * a.q_out_stride + h * a.q_out_head_stride
                    : a.k_out + m * a.k_out_stride;
  const RopePair p = rope_pair(a.style, at, a.rope);
  const int64_t angle = int64_t{a.positions[m]} * pairs + at;
  const float u = to_float(x[p.a]), v = to_float(x[p.b]), c = to_float(a.table.cos[angle]),
              s = to_float(a.table.sin[angle]);
  y[p.a] = to_bf16(u * c - v * s);
  y[p.b] = to_bf16(v * c + u * s);
}
inline Launch launch(const IndexRopeArgs& a, const Traits&) {
  return gpu::over(Kernel::index_rope, a.M * (a.H + 1) * (a.rope / 2));
}

inline constexpr int64_t kRowLanes = kIndexDim / 8;

GPU_DEVICE void hadamard(const HadamardArgs& a) {
  const int64_t row = global_id() / kRowLanes;
  const int part = static_cast<int>(thread_id() % kRowLanes);
  const bool inside = row < a.rows;
  Bf16* at = a.x + row * kIndexDim + part * 8;
  Eight x = {};
  if (inside) x = load8(at);
  for (int step = 1; step < 8; step *= 2) {  // the low three bits of the index: within the lane
    Eight y;
    for (int i = 0; i < 8; ++i)
      y.v[i] = i & step ? x.v[i ^ step] - x.v[i] : x.v[i] + x.v[i ^ step];
    x = y;
  }
  for (int step = 1; step < kRowLanes; step *= 2) {  // the high four: between lanes
    for (float& v : x.v) {
      const float other = wave_xor(v, step);
      v = part & step ? other - v : v + other;
    }
  }
  if (!inside) return;
  const float unit = 1.0f / sqrtf(static_cast<float>(kIndexDim));
  for (float& v : x.v) v *= unit;
  store8(at, x);
}
inline Launch launch(const HadamardArgs& a, const Traits&) {
  if (!gpu::aligned(a.x, 16)) return gpu::refused("hadamard: rows must be 16-byte aligned on a GPU");
  return gpu::over(Kernel::hadamard, a.rows * kRowLanes);
}

GPU_DEVICE float row_scale(const Eight& x) {
  return index_scale(group_max<kRowLanes>(largest_magnitude(x)));
}

GPU_DEVICE void index_quant(const IndexQuantArgs& a) {
  const int64_t row = global_id() / kRowLanes, part = thread_id() % kRowLanes;
  const bool inside = row < a.rows;
  Eight x = {};
  if (inside) x = load8(a.x + row * kIndexDim + part * 8);
  const float s = row_scale(x);
  if (!inside) return;
  store8(a.out + row * kIndexDim + part * 8, x, s);
  if (part == 0) a.scales[row] = s;
}
inline Launch launch(const IndexQuantArgs& a, const Traits&) {
  if (!gpu::aligned(a.x, 16) || !gpu::aligned(a.out, 8))
    return gpu::refused("index_quant: rows must be 16-byte aligned on a GPU");
  return gpu::over(Kernel::index_quant, a.rows * kRowLanes);
}

GPU_DEVICE uint8_t* page_of(const IndexCache& c, int32_t slot) {
  return c.data + slot / c.page_size * index_page_bytes(c.page_size);
}

GPU_DEVICE void index_store(const IndexStoreArgs& a) {
  const int64_t m = global_id() / kRowLanes;
  const int part = static_cast<int>(thread_id() % kRowLanes);
  const int32_t slot = m < a.M ? a.slots[m] : -1;
  Eight x = {};
  if (slot >= 0) x = load8(a.k + m * a.k_stride + part * 8);
  const float s = row_scale(x);
  if (slot < 0) return;
  uint8_t* page = page_of(a.cache, slot);
  const int t = slot % a.cache.page_size;
  // Pages of one token are 132 bytes: their keys are 4-byte aligned, no more.
  auto* key = reinterpret_cast<uint32_t*>(page + index_key_offset(a.cache.layout, t, part * 8));
  key[0] = pack_e4m3(x.v[0] / s, x.v[1] / s, x.v[2] / s, x.v[3] / s);
  key[1] = pack_e4m3(x.v[4] / s, x.v[5] / s, x.v[6] / s, x.v[7] / s);
  if (part == 0) *reinterpret_cast<float*>(page + index_scale_offset(a.cache.page_size, t)) = s;
}
inline Launch launch(const IndexStoreArgs& a, const Traits&) {
  if (!gpu::aligned(a.k, 16) || a.k_stride % 8 != 0 || !gpu::aligned(a.cache.data, 4))
    return gpu::refused("index_store: rows must be 16-byte aligned on a GPU");
  return gpu::over(Kernel::index_store, a.M * kRowLanes);
}

GPU_DEVICE void index_gather(const IndexGatherArgs& a) {
  const int64_t i = global_id() / kRowLanes;
  const int part = static_cast<int>(thread_id() % kRowLanes);
  if (i >= a.T) return;
  const uint8_t* page = page_of(a.cache, a.slots[i]);
  const int t = a.slots[i] % a.cache.page_size;
  const auto* from =
      reinterpret_cast<const uint32_t*>(page + index_key_offset(a.cache.layout, t, part * 8));
  auto* to = reinterpret_cast<uint32_t*>(a.keys + i * kIndexDim + part * 8);
  to[0] = from[0];
  to[1] = from[1];
  if (part == 0)
    a.scales[i] = *reinterpret_cast<const float*>(page + index_scale_offset(a.cache.page_size, t));
}
inline Launch launch(const IndexGatherArgs& a, const Traits&) {
  if (!gpu::aligned(a.keys, 4) || !gpu::aligned(a.cache.data, 4))
    return gpu::refused("index_gather: rows must be 4-byte aligned on a GPU");
  return gpu::over(Kernel::index_gather, a.T * kRowLanes);
}

}  // namespace kernels::GPU_NS
