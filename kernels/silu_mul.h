// out[r, i] = silu(x[r, i]) x x[r, n + i]: gate in the first n columns, up in the second.
#pragma once
#include "kernels/op.h"

namespace kernels {

struct SiluMulArgs {
  const void* x = nullptr;  // [R, 2 n] f32 or bf16
  Format format = Format::f32;
  Bf16* out = nullptr;  // [R, n]
  int64_t R = 0, n = 0;
};

DS_OP(SiluMulArgs)

}  // namespace kernels
