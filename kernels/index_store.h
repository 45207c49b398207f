// Writer and gather of the paged index-K cache (layouts: kernels/layout.h).
//   store: quantises k (one scale a token, as index_quant) and stores value bytes and fp32 scale at
//   its slot; a negative
//          slot is skipped
//   gather: reads keys and scales at given slots back into row-major order
// A slot is page * page_size + token in page, the same in every page size.
// Source: sglang #23562 with aiter's indexer_k_quant_and_cache and cp_gather.
#pragma once
#include "kernels/layout.h"

namespace kernels {

struct IndexStoreArgs {
  const Bf16* k = nullptr;  // [M, 128], rows k_stride apart
  int64_t k_stride = 0;
  const int32_t* slots = nullptr;  // [M]; below 0: nothing is stored
  IndexCache cache;
  IndexLayout writes = IndexLayout::row;  // the layout this variant writes
  int64_t M = 0;
};

struct IndexGatherArgs {
  IndexCache cache;
  IndexLayout reads = IndexLayout::row;
  const int32_t* slots = nullptr;  // [T]
  E4m3* keys = nullptr;            // [T, 128]
  float* scales = nullptr;         // [T]
  int64_t T = 0;
};

DS_OP(IndexStoreArgs)
DS_OP(IndexGatherArgs)

}  // namespace kernels
