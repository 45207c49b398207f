// The buffers of a step, part by part of a layer.
#include "engine/plan_layers.h"
#include "kernels/formats.h"

namespace engine {

using kernels::Bf16;
using kernels::Format;

namespace {

class Declare {
 public:
  Declare(PlanBuilder& b, const Shape& s, Format cache, const PlanOptions& options,
          int64_t gathered_keys)
      : m_b(b), m_s(s), m_cache(cache), m_options(options), m_gathered(gathered_keys) {}

  void projections(StepBuffers& u) {
    const int64_t M = m_s.M;
    u.x = bf16("x", M * m_s.hidden);
    u.residual = bf16("residual", M * m_s.hidden);
    u.norm = bf16("norm", M * m_s.hidden);
    u.norm_quant = quant("norm_quant", M, m_s.hidden);
    u.qkv = bf16("qkv", M * m_s.qkv());
    u.q_lora = bf16("q_lora", M * m_s.q_lora);
    u.q_quant = quant("q_quant", M, m_s.q_lora);
    u.kv_norm = bf16("kv_norm", M * m_s.latent);
    u.q = bf16("q", M * m_s.heads * m_s.q_head());
    u.scales_copy[0] = f32("scales_qkv_a", M * m_s.hidden / kernels::kGroup);
    u.scales_copy[1] = f32("scales_q_b", M * m_s.q_lora / kernels::kGroup);
    u.scales_copy[2] = f32("scales_wk", M * m_s.hidden / kernels::kGroup);
    u.scales_copy[3] = f32("scales_o_proj", M * m_s.heads * m_s.v / kernels::kGroup);
  }

  void indexer(StepBuffers& u) {
    constexpr int64_t kDim = kernels::kIndexDim;
    const int64_t M = m_s.M, heads = m_s.index_heads;
    u.index_quant = quant("index_quant", M, m_s.q_lora);
    u.q_idx = bf16("q_idx", M * heads * kDim);
    u.k_raw = bf16("k_raw", M * kDim);
    u.k_idx = bf16("k_idx", M * kDim);
    u.q_rot = bf16("q_rot", M * heads * m_s.rope);
    u.k_rot = bf16("k_rot", M * m_s.rope);
    u.q_elsewhere = bf16("q_elsewhere", m_options.q_rope_in_place ? 0 : M * m_s.rope * heads);
    u.k_elsewhere = bf16("k_elsewhere", m_options.k_rope_in_place ? 0 : M * m_s.rope);
    u.q_idx_codes = e4m3("q_idx_codes", M * heads * kDim);
    u.q_idx_scales = f32("q_idx_scales", M * heads);
    u.gate_input = f32("gate_input", M * m_s.hidden);
    u.gate_parts = f32("gate_parts", kGateSplits * M * heads);
    u.gate_proj = bf16("gate_proj", M * heads);
    u.gates = f32("gates", M * heads);
    u.index_logits = f32("index_logits", heads > 0 ? M * m_s.max_context : 0);
    u.index_mx = mx("index_mx", M * std::max(m_s.q_lora, m_s.hidden));
    u.topk = i32("topk", M * m_s.topk);
    if (m_gathered == 0) return;
    u.gathered_keys = e4m3("gathered_keys", m_gathered * kDim);
    u.gathered_scales = f32("gathered_scales", m_gathered);
  }

  void attention(StepBuffers& u) {
    const int64_t rows = m_s.M * m_s.heads;
    const int64_t splits = attention_splits(m_s, m_options);
    u.absorbed = bf16("absorbed", rows * m_s.latent);
    const int64_t padding = m_s.M * m_options.q_cat_padding;
    u.q_cat = m_b.buffer<uint8_t>("q_cat", (rows * m_s.kv() + padding) * size_of(m_cache), m_cache);
    u.q_all = m_b.buffer<uint8_t>("q_all", rows * m_s.kv() * size_of(m_cache), m_cache);
    u.o_partial = bf16("o_partial", splits * rows * m_s.latent);
    u.lse = f32("lse", splits * rows);
    u.o_lat = bf16("o_lat", rows * m_s.latent);
    u.v_out = bf16("v_out", rows * m_s.v);
    u.v_flat = bf16("v_flat", rows * m_s.v);
    u.attn_quant = quant("attn_quant", m_s.M, m_s.heads * m_s.v);
    u.o = bf16("o", m_s.M * m_s.hidden);
    u.post = bf16("post", m_s.M * m_s.hidden);
  }

  void experts(StepBuffers& u) {
    const int64_t M = m_s.M, rows = M * m_s.slots_a_token();
    u.mlp_quant = quant("mlp_quant", M, m_s.hidden);
    u.mlp_gate_up = bf16("mlp_gate_up", M * 2 * m_s.dense_inner);
    u.router = bf16("router", M * m_s.experts);
    u.ids = i32("ids", M * m_s.experts_per_token);
    u.weights = f32("weights", M * m_s.experts_per_token);
    u.all_ids = i32("all_ids", rows);
    u.all_weights = f32("all_weights", rows);
    u.rows = i32("rows", rows);
    u.offsets = i32("offsets", m_s.all_experts() + 1);
    u.expert_gate_up = f32("expert_gate_up", rows * 2 * m_s.moe_inner);
    // Dense layers have M wide rows, MoE layers more and narrower ones.
    const int64_t widest = std::max(M * m_s.dense_inner, rows * m_s.moe_inner);
    u.act = bf16("act", widest);
    u.act_quant = quant("act_quant", 1, widest);
    u.mx = mx("mx", std::max({M * m_s.hidden, M * m_s.q_lora, M * m_s.heads * m_s.v, widest}));
  }

  void head(StepBuffers& u) {
    u.logits = f32("logits", m_s.M * m_s.vocab);
    u.next_tokens = i32("next_tokens", m_s.M);
  }

 private:
  Buffer<Bf16> bf16(const char* name, int64_t n) { return m_b.buffer<Bf16>(name, n, Format::bf16); }
  Buffer<float> f32(const char* name, int64_t n) { return m_b.buffer<float>(name, n, Format::f32); }
  Buffer<int32_t> i32(const char* name, int64_t n) {
    return m_b.buffer<int32_t>(name, n, Format::i32);
  }
  Buffer<kernels::E4m3> e4m3(const char* name, int64_t n) {
    return m_b.buffer<kernels::E4m3>(name, n, Format::e4m3);
  }
  QuantBuffer quant(const char* name, int64_t rows, int64_t columns) {
    return {e4m3(name, rows * columns), m_b.buffer<float>(std::string(name) + "_scales", rows * columns / kernels::kGroup, Format::f32)};
  }
  MxBuffer mx(const std::string& name, int64_t n) {
    return {m_b.buffer<uint8_t>(name, n / 2, Format::u8),
            m_b.buffer<uint8_t>(name + "_scales", n / kernels::kMxGroup, Format::u8)};
  }

  PlanBuilder& m_b;
  const Shape& m_s;
  Format m_cache;
  const PlanOptions& m_options;
  int64_t m_gathered;
};

}  // namespace

StepBuffers Planner::declare(PlanBuilder& builder, const Shape& shape,
                             const trace::ToggleSet& toggles, const PlanOptions& options,
                             int64_t gathered_keys) {
  Declare declare(builder, shape, cache_format(toggles), options, gathered_keys);
  StepBuffers buffers;
  declare.projections(buffers);
  declare.indexer(buffers);
  declare.attention(buffers);
  declare.experts(buffers);
  declare.head(buffers);
  return buffers;
}

}  // namespace engine
