// RMSNorm (with residual add and quantisation), the q and kv norms of one launch, LayerNorm. A block a row.
#pragma once
#include "kernels/gpu/gpu.h"
#include "kernels/gpu/rules.h"
#include "kernels/gpu/waits.h"

namespace kernels::GPU_NS {

using gpu::Kernel;
using gpu::Launch;
using gpu::Traits;

inline constexpr int64_t kPartBytes = 256;  // a float a wave
inline constexpr int64_t kMostNormed = 8192;  // eight values a thread

inline constexpr int kNormThreads = 256;
inline constexpr int kNormTurns = static_cast<int>(kMostNormed / 8 / kNormThreads);

// Vectors of eight, kTurns a thread: a row's loads are all under way at once, and it stays in registers. The weights are on
// their way before what the previous kernel writes is there. (At 6144, H200: one vector a thread in 24 waves and bf16 by
// integers 3.5 us, three in 8 waves one behind the other 4.2, abreast and bf16 by the instruction 2.8.)
template <int kTurns>
GPU_DEVICE void norm_row_of(const RmsNormArgs& a, int64_t m) {
  const int64_t d0 = thread_id() * 8, by = block_threads() * 8;
  Vec16 w[kTurns], x[kTurns], r[kTurns];
#pragma unroll
  for (int t = 0; t < kTurns; ++t) {
    w[t] = x[t] = r[t] = {0, 0, 0, 0};
    if (d0 + t * by < a.D) w[t] = *reinterpret_cast<const Vec16*>(a.weight + d0 + t * by);
  }
  wait_for_previous();
#pragma unroll
  for (int t = 0; t < kTurns; ++t) {
    const int64_t d = d0 + t * by;
    if (d < a.D) x[t] = *reinterpret_cast<const Vec16*>(a.x + m * a.x_stride + d);
    if (d < a.D && a.residual) r[t] = *reinterpret_cast<const Vec16*>(a.residual + m * a.D + d);
  }
  Eight h[kTurns];
  float squares = 0;
#pragma unroll
  for (int t = 0; t < kTurns; ++t) {
    const int64_t d = d0 + t * by;
    h[t] = eight_bf16(x[t]);
    if (a.residual) {
      const Eight other = eight_bf16(r[t]);
      for (int i = 0; i < 8; ++i) h[t].v[i] += other.v[i];
      h[t] = rounded_bf16(h[t]);
    }
    if (a.residual_out && d < a.D) store8(a.residual_out + m * a.D + d, h[t]);
    for (int i = 0; i < 8; ++i) squares += h[t].v[i] * h[t].v[i];
  }
  const float scale =
      1.0f / sqrtf(block_sum(squares, reinterpret_cast<float*>(lds())) / static_cast<float>(a.D) + a.eps);
  // Stage by stage, all turns abreast: each is a chain of waiting.
#pragma unroll
  for (int t = 0; t < kTurns; ++t) {
    const Eight weight = eight_bf16(w[t]);
    for (int i = 0; i < 8; ++i) h[t].v[i] = h[t].v[i] * scale * weight.v[i];
  }
  if (a.out) {
#pragma unroll
    for (int t = 0; t < kTurns; ++t) {
      if (d0 + t * by < a.D) store8(a.out + m * a.D + d0 + t * by, h[t]);
    }
  }
  if (!a.quant.values) return;
  float s[kTurns];
  group_scales(h, s);  // whole waves: D counts in groups where there is one
#pragma unroll
  for (int t = 0; t < kTurns; ++t) {
    const int64_t d = d0 + t * by;
    if (d >= a.D) continue;
    store8(a.quant.values + m * a.D + d, h[t], s[t]);
    if (d % kGroup == 0) a.quant.scales[scale_offset(a.quant.layout, a.M, a.D / kGroup, m, d / kGroup)] = s[t];
  }
}
GPU_DEVICE void norm_row(const RmsNormArgs& a, int64_t m) {
  const int64_t turn = block_threads() * 8;
  if (a.D <= turn)
    norm_row_of<1>(a, m);
  else if (a.D <= 3 * turn)
    norm_row_of<3>(a, m);
  else
    norm_row_of<kNormTurns>(a, m);
}

inline int norm_threads(int64_t D) {
  return static_cast<int>(std::min<int64_t>(gpu::divide_up(std::max<int64_t>(D, 8) / 8, 128) * 128, kNormThreads));
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
