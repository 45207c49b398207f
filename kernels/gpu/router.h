// The router's choice: a block a token, its experts' scores in shared memory. Scores are rounded from double,
// so that ties fall the same way on every machine.
#pragma once
#include "kernels/gpu/gpu.h"
#include "kernels/gpu/rules.h"

namespace kernels::GPU_NS {

using gpu::Kernel;
using gpu::Launch;
using gpu::Traits;

inline constexpr int kRouterThreads = 128;
inline constexpr int kRouterEach = 16;  // experts a lane

GPU_DEVICE float router_score(float x) {
  return 1.0f / (1.0f + static_cast<float>(exp(-static_cast<double>(x))));
}

struct Best {
  float value;
  int32_t at;
};
GPU_DEVICE Best better(Best a, Best b) {
  return b.value > a.value || (b.value == a.value && b.at < a.at) ? b : a;
}

// Takes all but the best groups out of the choice: a lane a group.
GPU_DEVICE void keep_groups(const RouterTopkArgs& a, float* choice) {
  const int64_t size = a.E / a.groups;
  const int64_t g = lane_id();  // groups are at most a wave
  float sum = -INFINITY;
  if (g < a.groups) {
    float best = -INFINITY, second = -INFINITY;
    for (int64_t e = g * size; e < (g + 1) * size; ++e) {
      second = fmaxf(second, fminf(best, choice[e]));
      best = fmaxf(best, choice[e]);
    }
    sum = best + second;
  }
  int64_t ahead = 0;
  for (int lane = 0; lane < a.groups; ++lane) {
    const float other = wave_from(sum, lane);
    ahead += other > sum || (other == sum && lane < g);
  }
  if (g < a.groups && ahead >= a.topk_groups) {
    for (int64_t e = g * size; e < (g + 1) * size; ++e) choice[e] = -INFINITY;
  }
  wave_barrier();
}

// A block a token: all score, the first wave chooses, its choices in registers.
GPU_DEVICE void router_topk(const RouterTopkArgs& a) {
  const int64_t m = blockIdx.x;
  float* scores = reinterpret_cast<float*>(lds());
  float* choice = scores + a.E;
  for (int64_t e = thread_id(); e < a.E; e += block_threads()) {
    scores[e] = router_score(to_float(a.logits[m * a.E + e]));
    choice[e] = scores[e] + to_float(a.bias[e]);
  }
  barrier();
  if (wave_id() != 0) return;
  if (a.groups > 1) keep_groups(a, choice);
  float mine[kRouterEach];
#pragma unroll
  for (int j = 0; j < kRouterEach; ++j) {
    const int e = j * kWave + lane_id();
    mine[j] = e < a.E ? choice[e] : -INFINITY;
  }
  float total = 0, chosen = 0;
  int32_t place = 0;  // of the choice that this lane writes
  for (int i = 0; i < a.k; ++i) {
    Best best{-INFINITY, static_cast<int32_t>(a.E)};
#pragma unroll
    for (int j = 0; j < kRouterEach; ++j) best = better(best, {mine[j], j * kWave + lane_id()});
    for (int mask = kWave / 2; mask > 0; mask /= 2)
      best = better(best, {wave_xor(best.value, mask), wave_xor(best.at, mask)});
    const int32_t at = best.at < a.E ? best.at : 0;  // all NaN: a legal id
#pragma unroll
    for (int j = 0; j < kRouterEach; ++j) {
      if (j * kWave + lane_id() == at) mine[j] = -INFINITY;
    }
    const float score = scores[at];
    if (lane_id() == i) chosen = score, place = at;
    total += score;
  }
  const float factor = a.normalise ? a.scaling / total : a.scaling;
  if (lane_id() < a.k) {
    a.ids[m * a.k + lane_id()] = place;
    a.weights[m * a.k + lane_id()] = chosen * factor;
  }
}
inline Launch launch(const RouterTopkArgs& a, const Traits& t) {
  if (a.groups > t.wave || a.k > t.wave || a.E > kRouterEach * t.wave)
    return gpu::refused("router_topk: more groups or choices than lanes of a wave, or more than " +
                        std::to_string(kRouterEach * t.wave) + " experts");
  return gpu::blocks(Kernel::router_topk, a.M, 1, kRouterThreads, 2 * a.E * 4);
}

}  // namespace kernels::GPU_NS
