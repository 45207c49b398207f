// Weights of the index heads: gate[m, h] = projection[m, h] x heads^-0.5 x q_scale[m, h] x
// 128^-0.5, in fp32.
//   fused (after sglang #22232, #22850): a bf16 projection, then all three factors in one launch
//   unfused (before): the input cast to fp32, an fp32 projection in two launches, each factor a
//   launch of its own
#pragma once
#include "kernels/op.h"

namespace kernels {

struct HeadGateArgs {
  const Bf16* projection = nullptr;  // [n], n = M * heads
  const float* q_scales = nullptr;   // [n]
  float* out = nullptr;              // [n]
  float head_scale = 1, softmax_scale = 1;
  int64_t n = 0;
};

// out = in x by (elementwise), or in x factor when `by` is null. out may be in.
struct ScaleArgs {
  const float* in = nullptr;
  const float* by = nullptr;
  float factor = 1;
  float* out = nullptr;
  int64_t n = 0;
};

struct CastArgs {
  const Bf16* in = nullptr;
  float* out = nullptr;
  int64_t n = 0;
};

DS_OP(HeadGateArgs)
DS_OP(ScaleArgs)
DS_OP(CastArgs)

}  // namespace kernels
