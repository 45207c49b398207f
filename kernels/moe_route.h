// From chosen experts to grouped rows.
//   append_shared: a column more for each token, the shared expert's id with a constant weight (the
//   shared expert then
//     runs as one more expert of the grouped GEMMs)
//   moe_sort: rows r = token * k + slot in order of their expert, stable; offsets[e] .. offsets[e +
//   1] are e's rows
// Source: the append and sorting kernels of the GLM-5 decode trace (sglang, ck_tile).
#pragma once
#include "kernels/op.h"

namespace kernels {

struct AppendSharedArgs {
  const int32_t* ids = nullptr;    // [M, k]
  const float* weights = nullptr;  // [M, k]
  int32_t* ids_out = nullptr;      // [M, k + 1]
  float* weights_out = nullptr;    // [M, k + 1]
  int32_t shared_id = 0;
  float shared_weight = 1;
  int64_t M = 0, k = 0;
};

struct MoeSortArgs {
  const int32_t* ids = nullptr;  // [M, k], each in [0, E)
  int32_t* rows = nullptr;       // [M * k]
  int32_t* offsets = nullptr;    // [E + 1]
  int64_t M = 0, k = 0, E = 0;
};

DS_OP(AppendSharedArgs)
DS_OP(MoeSortArgs)

}  // namespace kernels
