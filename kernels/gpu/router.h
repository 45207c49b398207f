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
inline constexpr int kRouterEach = 16;  // experts a lane at most

GPU_DEVICE float router_score(float x) {
  return 1.0f / (1.0f + static_cast<float>(exp(-static_cast<double>(x))));
}

// As unsigned numbers in the floats' order; NaN counts as the least: it is never chosen while there is a number.
GPU_DEVICE uint32_t order_of(float f) {
  const uint32_t u = std::bit_cast<uint32_t>(f);
  return f != f ? 0u : u & 0x80000000u ? ~u : u | 0x80000000u;
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

// The first wave's choice of k, with up to kEach experts a lane in registers.
template <int kEach>
GPU_DEVICE void choose_experts(const RouterTopkArgs& a, int64_t m, const float* scores, const float* choice) {
  uint32_t mine[kEach];
#pragma unroll
  for (int j = 0; j < kEach; ++j) {
    const int e = j * kWave + lane_id();
    mine[j] = e < a.E ? order_of(choice[e]) : 0;
  }
  float total = 0, chosen = 0;
  int32_t place = 0;  // of the choice that this lane writes
  for (int i = 0; i < a.k; ++i) {
    uint32_t top = 0;
#pragma unroll
    for (int j = 0; j < kEach; ++j) top = mine[j] > top ? mine[j] : top;
    top = wave_max(top);
    uint32_t first = static_cast<uint32_t>(a.E);  // the lowest expert of this value
#pragma unroll
    for (int j = kEach - 1; j >= 0; --j) {
      if (top != 0 && mine[j] == top) first = static_cast<uint32_t>(j * kWave + lane_id());
    }
    first = wave_min(first);
    const int32_t at = first < a.E ? static_cast<int32_t>(first) : 0;  // all NaN: a legal id
#pragma unroll
    for (int j = 0; j < kEach; ++j) {
      if (j * kWave + lane_id() == at) mine[j] = 0;
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

// A block a token: all score, the first wave chooses.
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
  if (a.E <= kRouterEach / 2 * kWave)
    choose_experts<kRouterEach / 2>(a, m, scores, choice);
  else
    choose_experts<kRouterEach>(a, m, scores, choice);
}
inline Launch launch(const RouterTopkArgs& a, const Traits& t) {
  if (a.groups > t.wave || a.k > t.wave || a.E > kRouterEach * t.wave)
    return gpu::refused("router_topk: more groups or choices than lanes of a wave, or more than " +
                        std::to_string(kRouterEach * t.wave) + " experts");
  return gpu::blocks(Kernel::router_topk, a.M, 1, kRouterThreads, 2 * a.E * 4);
}

}  // namespace kernels::GPU_NS
