// Shape: the dimensions of one decode step on this rank, derived once from model and workload.
#pragma once
#include "trace/model.h"
#include "trace/run.h"

namespace engine {

struct Shape {
  int64_t B = 0, next_n = 1, M = 0;  // sequences, tokens a sequence, B * next_n
  int64_t layers = 0, dense_layers = 0;
  int64_t hidden = 0, q_lora = 0, latent = 0, rope = 0, nope = 0, v = 0;
  int64_t heads = 0, all_heads = 0;  // of this rank; of the model
  int64_t index_heads = 0, topk = 0;
  int64_t experts = 0, experts_per_token = 0, shared = 0;
  int64_t moe_inner = 0, dense_inner = 0;  // of this rank
  int64_t vocab = 0;                       // of this rank
  int64_t tp = 1;
  int64_t max_context = 0;  // positions 0 .. max_context - 1

  int64_t q_head() const { return nope + rope; }
  int64_t kv() const { return latent + rope; }
  int64_t qkv() const { return q_lora + latent + rope; }  // columns of fused_qkv_a
  int64_t slots_a_token() const { return experts_per_token + shared; }
  int64_t all_experts() const { return experts + shared; }  // the shared one runs as the last
};

Shape shape_of(const trace::ModelConfig&, const trace::Workload&);

}  // namespace engine
