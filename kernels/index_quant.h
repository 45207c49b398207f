// fp8 quantisation of the indexer's q, one scale a row of 128: s = max(amax, 1e-4) / 448 rounded up
// to a power of two (always, whatever the checkpoint's scale format), stored as fp32; value =
// e4m3(x / s). Source: the indexer of DeepSeek-V3.2 and GLM-5 in sglang (scale format ue8m0).
#pragma once
#include "kernels/op.h"

namespace kernels {

struct IndexQuantArgs {
  const Bf16* x = nullptr;  // [rows, 128] contiguous
  E4m3* out = nullptr;      // [rows, 128]
  float* scales = nullptr;  // [rows]
  int64_t rows = 0;
};

DS_OP(IndexQuantArgs)

}  // namespace kernels
