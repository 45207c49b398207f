// The two ends of a step and what follows attention in a layer: dense MLP, or router and experts.
#include "engine/plan_layers.h"

namespace engine {

using kernels::Bf16;
using kernels::Format;
using kernels::WeightFormat;
using trace::Category;

void Planner::embed() {
  m_b.emit("embed", Category::other,
           kernels::EmbedArgs{.tokens = tokens(),
                              .table = m_in.weights.embedding(),
                              .out = m_b.write(m_buf.x),
                              .M = m_s.M,
                              .vocab = m_s.vocab,
                              .hidden = m_s.hidden});
}

void Planner::post_norm() {
  m_b.emit("post_norm", Category::norm_quant,
           kernels::RmsNormArgs{.x = m_b.read(m_buf.o),
                                .x_stride = m_s.hidden,
                                .residual = m_b.read(m_buf.residual),
                                .residual_out = m_b.write(m_buf.residual),
                                .weight = w().post_norm,
                                .out = m_b.write(m_buf.post),
                                .eps = static_cast<float>(m_in.model.rms_norm_eps),
                                .M = m_s.M,
                                .D = m_s.hidden});
}

void Planner::dense_mlp() {
  quantised_linear("mlp_gate_up", w().gate_up, m_buf.post, "mlp_quant", m_buf.mlp_quant,
                   m_buf.mlp_gate_up);
  m_b.emit("mlp_silu", Category::activation,
           kernels::SiluMulArgs{m_b.read(m_buf.mlp_gate_up), Format::bf16, m_b.write(m_buf.act),
                                m_s.M, m_s.dense_inner});
  quantised_linear("mlp_down", w().down, m_buf.act, "mlp_act_quant", m_buf.act_quant, m_buf.x);
}

// The router's, or imposed ones in their place: then its choice is made and left.
const int32_t* Planner::chosen_experts() {
  const Routing& routing = m_in.sequences.routing();
  return routing.imposed() && !m_chunk ? routing.ids(m_layer) : m_b.read(m_buf.ids);
}

// Experts of each token; the shared expert is appended as one more, so it runs inside the grouped
// GEMMs.
void Planner::route() {
  const trace::ModelConfig& model = m_in.model;
  m_b.emit("router", Category::gemm,
           kernels::GemmBf16Args{.x = m_b.read(m_buf.post),
                                 .x_stride = m_s.hidden,
                                 .w = w().router,
                                 .out = m_b.write(m_buf.router),
                                 .out_stride = m_s.experts,
                                 .M = m_s.M,
                                 .N = m_s.experts,
                                 .K = m_s.hidden});
  m_b.emit("router_topk", Category::routing,
           kernels::RouterTopkArgs{.logits = m_b.read(m_buf.router),
                                   .bias = w().router_bias,
                                   .ids = m_b.write(m_buf.ids),
                                   .weights = m_b.write(m_buf.weights),
                                   .scaling = static_cast<float>(model.routed_scaling),
                                   .normalise = model.norm_topk_prob,
                                   .M = m_s.M,
                                   .E = m_s.experts,
                                   .k = m_s.experts_per_token,
                                   .groups = model.expert_groups,
                                   .topk_groups = model.topk_groups});
  if (m_s.shared > 0) {
    m_b.emit("append_shared", Category::routing,
             kernels::AppendSharedArgs{.ids = chosen_experts(),
                                       .weights = m_b.read(m_buf.weights),
                                       .ids_out = m_b.write(m_buf.all_ids),
                                       .weights_out = m_b.write(m_buf.all_weights),
                                       .shared_id = static_cast<int32_t>(m_s.experts),
                                       .shared_weight = 1,
                                       .M = m_s.M,
                                       .k = m_s.experts_per_token});
  }
  m_b.emit("moe_sort", Category::routing,
           kernels::MoeSortArgs{.ids = m_s.shared > 0 ? m_b.read(m_buf.all_ids) : chosen_experts(),
                                .rows = m_b.write(m_buf.rows),
                                .offsets = m_b.write(m_buf.offsets),
                                .M = m_s.M,
                                .k = m_s.slots_a_token(),
                                .E = m_s.all_experts()});
}

// The rows of the grouped GEMMs in the experts' format, scales by row: the GEMM gathers rows.
void Planner::quantise_experts(std::string_view key, Buffer<Bf16> x, int64_t rows, int64_t columns,
                               QuantBuffer& q) {
  const WeightFormat format = w().experts_gate_up.format;
  q.layout = kernels::ScaleLayout::row;
  if (format == WeightFormat::fp8)
    quantise(key, m_b.read(x), {columns, columns}, rows, 1, columns, q);
  if (format == WeightFormat::mxfp4) {
    m_b.emit(key, Category::norm_quant,
             kernels::MxQuantArgs{.x = m_b.read(x),
                                  .x_stride = columns,
                                  .x_head_stride = columns,
                                  .out = {m_b.write(m_buf.mx.values), m_b.write(m_buf.mx.scales)},
                                  .M = rows,
                                  .D = columns});
  }
}

kernels::ExpertInput Planner::expert_input(Buffer<Bf16> x, const QuantBuffer& q) {
  switch (w().experts_gate_up.format) {
    case WeightFormat::fp8:
      return kernels::ExpertInput::of(read(q));
    case WeightFormat::mxfp4:
      return kernels::ExpertInput::of(
          kernels::MxIn{m_b.read(m_buf.mx.values), m_b.read(m_buf.mx.scales)});
    case WeightFormat::bf16:
      break;
  }
  return kernels::ExpertInput::of(m_b.read(x));
}

void Planner::experts() {
  const int64_t slots = m_s.slots_a_token(), inner = m_s.moe_inner;
  const auto rows = [&] {
    return kernels::ExpertRows{m_b.read(m_buf.rows), m_b.read(m_buf.offsets), m_s.M, slots,
                               m_s.all_experts()};
  };
  const auto weights = [](const Linear& w) {
    return kernels::ExpertWeights{w.format, w.values, w.scales};
  };
  quantise_experts("moe_quant", m_buf.post, m_s.M, m_s.hidden, m_buf.mlp_quant);
  m_b.emit("moe_fill", Category::fill,
           kernels::FillArgs{m_b.write(m_buf.x), Format::bf16, 0, m_s.M * m_s.hidden});
  m_b.emit("experts_gate_up", Category::routed_expert,
           kernels::MoeGateUpArgs{.x = expert_input(m_buf.post, m_buf.mlp_quant),
                                  .w = weights(w().experts_gate_up),
                                  .experts = rows(),
                                  .out = m_b.write(m_buf.expert_gate_up),
                                  .N = 2 * inner,
                                  .K = m_s.hidden});
  m_b.emit("experts_silu", Category::activation,
           kernels::SiluMulArgs{m_b.read(m_buf.expert_gate_up), Format::f32, m_b.write(m_buf.act),
                                m_s.M * slots, inner});
  quantise_experts("experts_quant", m_buf.act, m_s.M * slots, inner, m_buf.act_quant);
  m_b.emit(
      "experts_down", Category::routed_expert,
      kernels::MoeDownArgs{.x = expert_input(m_buf.act, m_buf.act_quant),
                           .w = weights(w().experts_down),
                           .experts = rows(),
                           .weights = m_b.read(m_s.shared > 0 ? m_buf.all_weights : m_buf.weights),
                           .out = m_b.update(m_buf.x),
                           .N = m_s.hidden,
                           .K = inner});
}

void Planner::head() {
  m_b.emit("final_norm", Category::norm_quant,
           kernels::RmsNormArgs{.x = m_b.read(m_buf.x),
                                .x_stride = m_s.hidden,
                                .residual = m_b.read(m_buf.residual),
                                .weight = m_in.weights.final_norm(),
                                .out = m_b.write(m_buf.norm),
                                .eps = static_cast<float>(m_in.model.rms_norm_eps),
                                .M = m_s.M,
                                .D = m_s.hidden});
  m_b.emit("lm_head", Category::gemm,
           kernels::GemmBf16Args{.x = m_b.read(m_buf.norm),
                                 .x_stride = m_s.hidden,
                                 .w = m_in.weights.lm_head(),
                                 .out = m_b.write(m_buf.logits),
                                 .out_format = Format::f32,
                                 .out_stride = m_s.vocab,
                                 .M = m_s.M,
                                 .N = m_s.vocab,
                                 .K = m_s.hidden});
  m_b.emit(
      "argmax", Category::other,
      kernels::ArgmaxArgs{m_b.read(m_buf.logits), m_b.write(m_buf.next_tokens), m_s.M, m_s.vocab});
}

}  // namespace engine
