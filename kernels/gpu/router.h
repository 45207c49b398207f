// The router's choice: a wave a token, its experts' scores in shared memory. Scores are rounded from double,
// so that ties fall the same way on every machine.
#pragma once
#include "kernels/gpu/gpu.h"
#include "kernels/gpu/rules.h"

namespace kernels::GPU_NS {

using gpu::Kernel;
using gpu::Launch;
using gpu::Traits;

inline constexpr int kRouterWaves = 2;

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

GPU_DEVICE void router_topk(const RouterTopkArgs& a) {
  const int64_t m = int64_t{blockIdx.x} * kRouterWaves + wave_id();
  if (m >= a.M) return;  // a whole wave
  float* scores = reinterpret_cast<float*>(lds()) + wave_id() * 2 * a.E;
  float* choice = scores + a.E;
  for (int64_t e = lane_id(); e < a.E; e += kWave) {
    scores[e] = router_score(to_float(a.logits[m * a.E + e]));
    choice[e] = scores[e] + to_float(a.bias[e]);
  }
  wave_barrier();
  if (a.groups > 1) keep_groups(a, choice);
  float total = 0;
  for (int64_t i = 0; i < a.k; ++i) {
    Best best{-INFINITY, static_cast<int32_t>(a.E)};
    for (int64_t e = lane_id(); e < a.E; e += kWave) best = better(best, {choice[e], static_cast<int32_t>(e)});
    for (int mask = kWave / 2; mask > 0; mask /= 2)
      best = better(best, {wave_xor(best.value, mask), wave_xor(best.at, mask)});
    const int32_t at = best.at < a.E ? best.at : 0;  // all NaN: a legal id
    if (lane_id() == 0) choice[at] = -INFINITY;
    if (lane_id() == i % kWave) {  // this lane writes the place again below, with the factor
      a.ids[m * a.k + i] = at;
      a.weights[m * a.k + i] = scores[at];
    }
    total += scores[at];
    wave_barrier();
  }
  const float factor = a.normalise ? a.scaling / total : a.scaling;
  for (int64_t i = lane_id(); i < a.k; i += kWave) a.weights[m * a.k + i] *= factor;
}
inline Launch launch(const RouterTopkArgs& a, const Traits& t) {
  if (a.groups > t.wave) return gpu::refused("router_topk: more groups than lanes of a wave");
  return gpu::blocks(Kernel::router_topk, gpu::divide_up(a.M, kRouterWaves), 1, kRouterWaves * kWave,
                     kRouterWaves * 2 * a.E * 4);
}

}  // namespace kernels::GPU_NS
