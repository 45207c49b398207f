// RMSNorm (with residual add and quantisation), the q and kv norms of one launch, LayerNorm. A block a row;
// the row waits in shared memory as fp32 between its two passes.
#pragma once
#include "kernels/gpu/gpu.h"
#include "kernels/gpu/rules.h"

namespace kernels::GPU_NS {

using gpu::Kernel;
using gpu::Launch;
using gpu::Traits;

inline constexpr int64_t kPartBytes = 256;  // a float a wave, ahead of the row

GPU_DEVICE Eight row8(const float* row) {
  Eight e;
  for (int i = 0; i < 8; ++i) e.v[i] = row[i];
  return e;
}

GPU_DEVICE void norm_row(const RmsNormArgs& a, int64_t m) {
  auto* part = reinterpret_cast<float*>(lds());
  auto* row = reinterpret_cast<float*>(lds() + kPartBytes);
  const int64_t step = block_threads() * 8;
  float squares = 0;
  for (int64_t d = thread_id() * 8; d < a.D; d += step) {
    Eight h = load8(a.x + m * a.x_stride + d);
    if (a.residual) {
      const Eight r = load8(a.residual + m * a.D + d);
      for (int i = 0; i < 8; ++i) h.v[i] = to_float(to_bf16(h.v[i] + r.v[i]));
    }
    if (a.residual_out) store8(a.residual_out + m * a.D + d, h);
    for (int i = 0; i < 8; ++i) {
      row[d + i] = h.v[i];
      squares += h.v[i] * h.v[i];
    }
  }
  const float scale = 1.0f / sqrtf(block_sum(squares, part) / static_cast<float>(a.D) + a.eps);
  // Whole waves stay in the loop for the group's maximum: D counts in groups where there is one.
  for (int64_t first = 0; first < a.D; first += step) {
    const int64_t d = first + thread_id() * 8;
    const bool inside = d < a.D;
    Eight y = {};
    if (inside) {
      y = row8(row + d);
      const Eight w = load8(a.weight + d);
      for (int i = 0; i < 8; ++i) y.v[i] = y.v[i] * scale * w.v[i];
      if (a.out) store8(a.out + m * a.D + d, y);
    }
    if (!a.quant.values) continue;
    const float s = group_scale(y);
    if (!inside) continue;
    store8(a.quant.values + m * a.D + d, y, s);
    if (d % kGroup == 0)
      a.quant.scales[scale_offset(a.quant.layout, a.M, a.D / kGroup, m, d / kGroup)] = s;
  }
}

// A vector of eight a thread: all of a row's loads are under way at once.
inline int norm_threads(int64_t D) {
  return static_cast<int>(std::clamp<int64_t>(gpu::divide_up(D / 8, 128) * 128, 128, 1024));
}
inline std::string norm_refused(const RmsNormArgs& a, const Traits& t) {
  if (!gpu::multiples({a.D, a.x_stride}, 8) || !gpu::aligned(a.x, 16) || !gpu::aligned(a.weight, 16) ||
      !gpu::aligned(a.residual, 16) || !gpu::aligned(a.residual_out, 16) || !gpu::aligned(a.out, 16))
    return "rms_norm: rows must be 16-byte aligned on a GPU";
  if (kPartBytes + a.D * 4 > t.lds_bytes) return "rms_norm: the row does not fit into shared memory";
  return {};
}

GPU_DEVICE void rms_norm(const RmsNormArgs& a) {
  norm_row(a, blockIdx.x);
}
inline Launch launch(const RmsNormArgs& a, const Traits& t) {
  if (std::string why = norm_refused(a, t); !why.empty()) return gpu::refused(std::move(why));
  return gpu::blocks(Kernel::rms_norm, a.M, 1, norm_threads(a.D), kPartBytes + a.D * 4);
}

GPU_DEVICE void qk_norm(const QkNormArgs& a) {
  const int64_t m = blockIdx.x;
  if (blockIdx.y == 0) {
    if (m < a.q.M) norm_row(a.q, m);
  } else if (m < a.kv.M) {
    norm_row(a.kv, m);
  }
}
inline Launch launch(const QkNormArgs& a, const Traits& t) {
  for (const RmsNormArgs* one : {&a.q, &a.kv}) {
    if (std::string why = norm_refused(*one, t); !why.empty()) return gpu::refused(std::move(why));
  }
  return gpu::blocks(Kernel::qk_norm, std::max(a.q.M, a.kv.M), 2,
                     norm_threads(std::max(a.q.D, a.kv.D)),
                     kPartBytes + std::max(a.q.D, a.kv.D) * 4);
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
