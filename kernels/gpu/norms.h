// RMSNorm (with residual add and quantisation), the q and kv norms of one launch, LayerNorm. A block a row.
#pragma once
#include "kernels/gpu/gpu.h"
#include "kernels/gpu/rules.h"

namespace kernels::GPU_NS {

using gpu::Kernel;
using gpu::Launch;
using gpu::Traits;

inline constexpr int64_t kPartBytes = 256;  // a float a wave
inline constexpr int64_t kMostNormed = 8192;  // eight values a thread

// A vector of eight a thread: a row's loads are all under way at once, and it stays in registers. The weights are on
// their way before what the previous kernel writes is there.
GPU_DEVICE void norm_row(const RmsNormArgs& a, int64_t m) {
  const int64_t d = thread_id() * 8;
  const bool inside = d < a.D;
  Eight w = {}, h = {};
  if (inside) w = load8(a.weight + d);
  wait_for_previous();
  float squares = 0;
  if (inside) {
    h = load8(a.x + m * a.x_stride + d);
    if (a.residual) {
      const Eight r = load8(a.residual + m * a.D + d);
      for (int i = 0; i < 8; ++i) h.v[i] = to_float(to_bf16(h.v[i] + r.v[i]));
    }
    if (a.residual_out) store8(a.residual_out + m * a.D + d, h);
    for (int i = 0; i < 8; ++i) squares += h.v[i] * h.v[i];
  }
  const float scale =
      1.0f / sqrtf(block_sum(squares, reinterpret_cast<float*>(lds())) / static_cast<float>(a.D) + a.eps);
  Eight y = {};
  if (inside) {
    for (int i = 0; i < 8; ++i) y.v[i] = h.v[i] * scale * w.v[i];
    if (a.out) store8(a.out + m * a.D + d, y);
  }
  if (!a.quant.values) return;
  const float s = group_scale(y);  // whole waves: D counts in groups where there is one
  if (!inside) return;
  store8(a.quant.values + m * a.D + d, y, s);
  if (d % kGroup == 0) a.quant.scales[scale_offset(a.quant.layout, a.M, a.D / kGroup, m, d / kGroup)] = s;
}

inline int norm_threads(int64_t D) {
  return static_cast<int>(gpu::divide_up(std::max<int64_t>(D, 8) / 8, 128) * 128);
}
inline std::string norm_refused(const RmsNormArgs& a) {
  if (!gpu::multiples({a.D, a.x_stride}, 8) || !gpu::aligned(a.x, 16) || !gpu::aligned(a.weight, 16) ||
      !gpu::aligned(a.residual, 16) || !gpu::aligned(a.residual_out, 16) || !gpu::aligned(a.out, 16))
    return "rms_norm: rows must be 16-byte aligned on a GPU";
  return a.D > kMostNormed ? "rms_norm: rows of more than 8192 values on a GPU" : "";
}

GPU_DEVICE void rms_norm(const RmsNormArgs& a) {
  norm_row(a, blockIdx.x);
}
inline Launch launch(const RmsNormArgs& a, const Traits&) {
  if (std::string why = norm_refused(a); !why.empty()) return gpu::refused(std::move(why));
  return gpu::blocks(Kernel::rms_norm, a.M, 1, norm_threads(a.D), kPartBytes);
}

GPU_DEVICE void qk_norm(const QkNormArgs& a) {
  const int64_t m = blockIdx.x;
  if (blockIdx.y == 0) {
    if (m < a.q.M) norm_row(a.q, m);
  } else if (m < a.kv.M) {
    norm_row(a.kv, m);
  }
}
inline Launch launch(const QkNormArgs& a, const Traits&) {
  for (const RmsNormArgs* one : {&a.q, &a.kv}) {
    if (std::string why = norm_refused(*one); !why.empty()) return gpu::refused(std::move(why));
  }
  return gpu::blocks(Kernel::qk_norm, std::max(a.q.M, a.kv.M), 2,
                     norm_threads(std::max(a.q.D, a.kv.D)), kPartBytes);
}

GPU_DEVICE void layer_norm(const LayerNormArgs& a) {
  auto* part = reinterpret_cast<float*>(lds());
  auto* row = reinterpret_cast<float*>(lds() + kPartBytes);
  const int64_t m = blockIdx.x, step = block_threads();
  float sum = 0;
  for (int64_t d = thread_id(); d < a.D; d += step) {
    row[d] = to_float(a.x[m * a.x_stride + d]);
    sum += row[d];
  }
  const auto n = static_cast<float>(a.D);
  const float mean = block_sum(sum, part) / n;
  float squares = 0;
  for (int64_t d = thread_id(); d < a.D; d += step) {
    const float centred = row[d] - mean;
    squares += centred * centred;
  }
  const float scale = 1.0f / sqrtf(block_sum(squares, part) / n + a.eps);
  for (int64_t d = thread_id(); d < a.D; d += step) {
    a.out[m * a.D + d] =
        to_bf16((row[d] - mean) * scale * to_float(a.weight[d]) + to_float(a.bias[d]));
  }
}
inline Launch launch(const LayerNormArgs& a, const Traits& t) {
  if (kPartBytes + a.D * 4 > t.lds_bytes)
    return gpu::refused("layer_norm: the row does not fit into shared memory");
  return gpu::blocks(Kernel::layer_norm, a.M, 1, 128, kPartBytes + a.D * 4);
}

}  // namespace kernels::GPU_NS
