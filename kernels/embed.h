// Embedding: row tokens[m] of the table. Source: any decoder; facts of the model in trace/model.h.
#pragma once
#include "kernels/op.h"

namespace kernels {

struct EmbedArgs {
  const int32_t* tokens = nullptr;  // [M], each in [0, vocab)
  const Bf16* table = nullptr;      // [vocab, hidden]
  Bf16* out = nullptr;              // [M, hidden]
  int64_t M = 0, vocab = 0, hidden = 0;
};

DS_OP(EmbedArgs)

}  // namespace kernels
