// Grouped GEMMs over the rows of each expert (kernels/moe_route.h), fp32 accumulation.
//   gate_up: out[r, n] = x[r / k] . w[e(r), n]             out fp32, row r = token * k + slot
//   down:    out[m, n] = bf16( out[m, n] + sum over m's rows, ascending expert, of weight[r] x
//   (x[r] . w[e(r), n]) )
// down adds to what is there: the output is zeroed by a fill before it. No atomics: the order is
// the experts'. Activations have the format of the weights: fp8 (1x128 scales; weights 128x128),
// MXFP4 (e8m0 per 32 on both) or bf16; scales are row-major, since rows are gathered. Source: CK's
// MoE block-scale GEMM in the GLM-5 decode trace; aiter's MXFP4 experts (Kimi-K2).
#pragma once
#include "kernels/layout.h"

namespace kernels {

struct ExpertRows {
  const int32_t* rows = nullptr;     // [M * k] in order of expert
  const int32_t* offsets = nullptr;  // [E + 1]
  int64_t M = 0, k = 0, E = 0;
};

// Activations [rows, K] of one format: E4m3 and float scales, packed e2m1 and e8m0 scales, or Bf16.
struct ExpertInput {
  WeightFormat format = WeightFormat::fp8;
  const void* values = nullptr;
  const void* scales = nullptr;  // [rows, K/128] or [rows, K/32]; bf16: null
  ScaleLayout layout = ScaleLayout::row;

  static ExpertInput of(const QuantIn& q) {
    return {WeightFormat::fp8, q.values, q.scales, q.layout};
  }
  static ExpertInput of(const MxIn& q) {
    return {WeightFormat::mxfp4, q.values, q.scales, q.layout};
  }
  static ExpertInput of(const Bf16* x) { return {WeightFormat::bf16, x}; }
};

// Weights [E, N, K] of one format; scales [E, N/128, K/128] floats or [E, N, K/32] e8m0.
struct ExpertWeights {
  WeightFormat format = WeightFormat::fp8;
  const void* values = nullptr;
  const void* scales = nullptr;
};

struct MoeGateUpArgs {
  ExpertInput x;    // [M, K]
  ExpertWeights w;  // N/2 gate rows, then N/2 up rows an expert
  ExpertRows experts;
  float* out = nullptr;  // [M * k, N]
  int64_t N = 0, K = 0;  // multiples of 128
};

struct MoeDownArgs {
  ExpertInput x;  // [M * k, K]
  ExpertWeights w;
  ExpertRows experts;
  const float* weights = nullptr;  // [M * k]
  Bf16* out = nullptr;             // [M, N]
  int64_t N = 0, K = 0;
};

DS_OP(MoeGateUpArgs)
DS_OP(MoeDownArgs)

Cost routed_cost(const MoeGateUpArgs&);
Cost routed_cost(const MoeDownArgs&);

}  // namespace kernels
