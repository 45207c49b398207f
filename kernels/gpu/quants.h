// Quantisation of rows in groups of 128 (sixteen lanes of eight values a group) and SiLU(gate) x up.
#pragma once
#include "kernels/gpu/gpu.h"
#include "kernels/gpu/rules.h"

namespace kernels::GPU_NS {

using gpu::Kernel;
using gpu::Launch;
using gpu::Traits;

GPU_DEVICE void group_quant(const GroupQuantArgs& a) {
  const int64_t columns = a.H * a.D, at = global_id() * 8, m = at / columns, c = at % columns;
  const bool inside = m < a.M;
  Eight x = {};
  if (inside) x = load8(a.x + m * a.x_stride + c / a.D * a.x_head_stride + c % a.D);
  const float s = group_scale(x);
  if (!inside) return;
  store8(a.out.values + at, x, s);
  if (c % kGroup == 0)
    a.out.scales[scale_offset(a.out.layout, a.M, columns / kGroup, m, c / kGroup)] = s;
}
inline Launch launch(const GroupQuantArgs& a, const Traits&) {
  if (!gpu::multiples({a.D, a.x_stride, a.x_head_stride}, 8) || !gpu::aligned(a.x, 16) ||
      !gpu::aligned(a.out.values, 8))
    return gpu::refused("group_quant: rows must be 16-byte aligned on a GPU");
  return gpu::over(Kernel::group_quant, a.M * a.H * a.D / 8);
}

// A group of 32 lies with four neighbouring lanes. The scale rounds the largest magnitude's exponent.
inline constexpr int kMxLanes = kMxGroup / 8;
GPU_DEVICE uint8_t mx_group_scale(const Eight& e) {
  return mx_scale(group_max<kMxLanes>(largest_magnitude(e)));
}
GPU_DEVICE uint32_t pack_e2m1(const Eight& e, float inverse) {  // eight codes, the first in the lowest bits
  uint32_t codes = 0;
  for (int i = 0; i < 8; ++i) codes |= static_cast<uint32_t>(to_e2m1(e.v[i] * inverse)) << 4 * i;
  return codes;
}

GPU_DEVICE void mx_quant(const MxQuantArgs& a) {
  const int64_t columns = a.H * a.D, at = global_id() * 8, m = at / columns, c = at % columns;
  const bool inside = m < a.M;
  Eight x = {};
  if (inside) x = load8(a.x + m * a.x_stride + c / a.D * a.x_head_stride + c % a.D);
  const uint8_t code = mx_group_scale(x);
  if (!inside) return;
  reinterpret_cast<uint32_t*>(a.out.values)[at / 8] = pack_e2m1(x, mx_inverse(code));
  if (c % kMxGroup == 0)
    a.out.scales[scale_offset(a.out.layout, a.M, columns / kMxGroup, m, c / kMxGroup)] = code;
}
inline Launch launch(const MxQuantArgs& a, const Traits&) {
  if (!gpu::multiples({a.D, a.x_stride, a.x_head_stride}, 8) || !gpu::aligned(a.x, 16) ||
      !gpu::aligned(a.out.values, 4))
    return gpu::refused("mx_quant: rows must be 16-byte aligned on a GPU");
  return gpu::over(Kernel::mx_quant, a.M * a.H * a.D / 8);
}

GPU_DEVICE float silu(float x) {
  return x / (1.0f + exp2f(x * -1.44269504f));
}
GPU_DEVICE void silu_mul(const SiluMulArgs& a) {
  const int64_t i = global_id();
  if (i >= a.R * a.n) return;
  const int64_t gate = i / a.n * 2 * a.n + i % a.n;
  if (a.format == Format::f32) {
    const auto* x = static_cast<const float*>(a.x);
    a.out[i] = to_bf16(silu(x[gate]) * x[gate + a.n]);
  } else {
    const auto* x = static_cast<const Bf16*>(a.x);
    a.out[i] = to_bf16(silu(to_float(x[gate])) * to_float(x[gate + a.n]));
  }
}
inline Launch launch(const SiluMulArgs& a, const Traits&) {
  return gpu::over(Kernel::silu_mul, a.R * a.n);
}

}  // namespace kernels::GPU_NS
