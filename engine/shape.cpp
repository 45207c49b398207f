#include "engine/shape.h"

namespace engine {

Shape shape_of(const trace::ModelConfig& m, const trace::Workload& w) {
  Shape s;
  s.B = w.batch, s.next_n = w.next_n, s.M = s.B * s.next_n;
  s.layers = m.layers, s.dense_layers = std::min(m.dense_layers, m.layers);
  s.hidden = m.hidden, s.q_lora = m.q_lora_rank, s.latent = m.kv_lora_rank;
  s.rope = m.qk_rope_head_dim, s.nope = m.qk_nope_head_dim, s.v = m.v_head_dim;
  s.all_heads = m.heads, s.heads = m.heads / w.tp;
  s.index_heads = m.index_heads, s.topk = m.index_topk;
  s.experts = m.experts, s.experts_per_token = m.experts_per_token, s.shared = m.shared_experts;
  s.moe_inner = m.moe_intermediate / w.tp, s.dense_inner = m.dense_intermediate / w.tp;
  s.vocab = m.vocab / w.tp;
  s.tp = w.tp;
  s.max_context = w.max_context;
  return s;
}

}  // namespace engine
