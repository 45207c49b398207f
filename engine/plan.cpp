// One layer, top to bottom: norm and qkv_a, query, indexer (plan_indexer.cpp), attention, output,
// MLP or experts (plan_mlp.cpp). The order and the launches are those of the published GLM-5 decode
// layer; every switch is one branch.
#include "engine/plan.h"

#include "engine/plan_layers.h"
#include "kernels/formats.h"

namespace engine {

using kernels::Bf16;
using kernels::Format;
using kernels::ScaleLayout;
using trace::Category;
using trace::ToggleKey;

Planner::Planner(const PlanInputs& in, const trace::ToggleSet& toggles, const PlanOptions& options)
    : m_in(in), m_s(in.shape), m_toggles(toggles), m_options(options) {
  m_buf = declare(m_b, in.shape, toggles);
  m_b.place(options.placement_seed);
  for (int64_t i = 0; i < m_s.layers; ++i) {
    m_kv_cache.push_back(m_b.external());
    m_index_cache.push_back(m_b.external());
  }
  m_produced = is(ToggleKey::x_scale, "transposed") ? ScaleLayout::column : ScaleLayout::row;
  m_index_stream = is(ToggleKey::streams, "dual") ? 1 : 0;
}

trace::Result<PlannedStep> Planner::step() {
  if (m_s.M > 0) {
    embed();
    for (m_layer = 0; m_layer < m_s.layers; ++m_layer) {
      m_b.enter_layer(m_layer);
      input_projection();
      query();
      if (m_in.model.runs_indexer(m_layer))
        indexer();  // else the indices of the last layer that ran it
      attention_query();
      attention();
      attention_output();
      post_norm();
      if (m_layer < m_s.dense_layers) {
        dense_mlp();
      } else {
        route();
        experts();
      }
    }
    m_b.enter_layer(-1);
    head();
  }
  return m_b.finish(m_options, m_b.at(m_buf.logits), m_b.at(m_buf.next_tokens));
}

kernels::RopeTable Planner::rope_table() const {
  return {m_in.weights.rope_cos(), m_in.weights.rope_sin(), m_s.max_context};
}

kernels::QuantIn Planner::read(const QuantBuffer& q) {
  return {m_b.read(q.values), m_b.read(q.scales), q.layout};
}
kernels::QuantOut Planner::write(const QuantBuffer& q) {
  return {m_b.write(q.values), m_b.write(q.scales), q.layout};
}

kernels::QuantIn Planner::gemm_input(const QuantBuffer& q, Buffer<float> copy, int64_t columns,
                                     std::string_view consumer) {
  const ScaleLayout wanted = m_options.gemm_scales;
  if (q.layout == wanted) return read(q);
  m_b.emit("x_scale_copy", Category::copy,
           kernels::ScaleTransposeArgs{.in = m_b.read(q.scales),
                                       .out = m_b.write(copy),
                                       .from = q.layout,
                                       .to = wanted,
                                       .M = m_s.M,
                                       .G = columns / kernels::kGroup},
           consumer);
  return {m_b.read(q.values), m_b.read(copy), wanted};
}

void Planner::gemm(std::string_view key, kernels::QuantIn x, const Fp8Weight& weight,
                   Buffer<Bf16> out) {
  m_b.emit(key, Category::gemm,
           kernels::GemmFp8Args{.x = x,
                                .reads = m_options.gemm_scales,
                                .w = weight.values,
                                .w_scales = weight.scales,
                                .out = m_b.write(out),
                                .out_stride = weight.N,
                                .M = m_s.M,
                                .N = weight.N,
                                .K = weight.K});
}

void Planner::quantise(std::string_view key, const Bf16* x, std::array<int64_t, 2> strides,
                       int64_t rows, int64_t heads, int64_t columns, const QuantBuffer& out) {
  m_b.emit(key, Category::norm_quant,
           kernels::GroupQuantArgs{.x = x,
                                   .x_stride = strides[0],
                                   .x_head_stride = strides[1],
                                   .out = write(out),
                                   .M = rows,
                                   .H = heads,
                                   .D = columns});
}

void Planner::input_projection() {
  m_buf.norm_quant.layout = m_buf.q_quant.layout = m_produced;
  const float eps = static_cast<float>(m_in.model.rms_norm_eps);
  m_b.emit("input_norm", Category::norm_quant,
           kernels::RmsNormArgs{.x = m_b.read(m_buf.x),
                                .x_stride = m_s.hidden,
                                .residual = m_layer > 0 ? m_b.read(m_buf.residual) : nullptr,
                                .residual_out = m_b.write(m_buf.residual),
                                .weight = w().input_norm,
                                .out = m_b.write(m_buf.norm),
                                .quant = write(m_buf.norm_quant),
                                .eps = eps,
                                .M = m_s.M,
                                .D = m_s.hidden});
  gemm("qkv_a", gemm_input(m_buf.norm_quant, m_buf.scales_copy[0], m_s.hidden, "qkv_a"), w().qkv_a,
       m_buf.qkv);
  // q_a and the latent are column ranges of one GEMM output, read through its stride.
  const Bf16* qkv = m_b.read(m_buf.qkv);
  m_b.emit("q_kv_norm", Category::norm_quant,
           kernels::QkNormArgs{{.x = qkv,
                                .x_stride = m_s.qkv(),
                                .weight = w().q_norm,
                                .out = m_b.write(m_buf.q_lora),
                                .quant = write(m_buf.q_quant),
                                .eps = eps,
                                .M = m_s.M,
                                .D = m_s.q_lora},
                               {.x = qkv + m_s.q_lora,
                                .x_stride = m_s.qkv(),
                                .weight = w().kv_norm,
                                .out = m_b.write(m_buf.kv_norm),
                                .eps = eps,
                                .M = m_s.M,
                                .D = m_s.latent}});
}

void Planner::query() {
  gemm("q_b", gemm_input(m_buf.q_quant, m_buf.scales_copy[1], m_s.q_lora, "q_b"), w().q_b, m_buf.q);
}

void Planner::attention_query() {
  const Bf16* q = m_b.read(m_buf.q);
  const int64_t q_stride = m_s.heads * m_s.q_head();
  m_b.emit("absorb", Category::gemm,
           kernels::BmmFp8Args{.x = q,
                               .x_stride = q_stride,
                               .x_head_stride = m_s.q_head(),
                               .w = w().w_kc.values,
                               .w_scale = w().w_kc.scale,
                               .out = m_b.write(m_buf.absorbed),
                               .out_stride = m_s.latent,
                               .out_head_stride = m_s.M * m_s.latent,
                               .M = m_s.M,
                               .H = m_s.heads,
                               .N = m_s.latent,
                               .K = m_s.nope});
  m_b.writes(m_kv_cache[static_cast<size_t>(m_layer)]);
  m_b.emit("rope_cat_store", Category::rope,
           kernels::RopeCatStoreArgs{.q_nope = m_b.read(m_buf.absorbed),
                                     .q_nope_stride = m_s.latent,
                                     .q_nope_head_stride = m_s.M * m_s.latent,
                                     .q_pe = m_b.read(m_buf.q) + m_s.nope,
                                     .q_pe_stride = q_stride,
                                     .q_pe_head_stride = m_s.q_head(),
                                     .k_nope = m_b.read(m_buf.kv_norm),
                                     .k_nope_stride = m_s.latent,
                                     .k_pe = m_b.read(m_buf.qkv) + m_s.q_lora + m_s.latent,
                                     .k_pe_stride = m_s.qkv(),
                                     .table = rope_table(),
                                     .positions = m_in.sequences.positions(),
                                     .slots = m_in.sequences.slots(),
                                     .style = rope_style(m_in.model.rope_interleave),
                                     .q_out = m_b.write(m_buf.q_cat),
                                     .cache = m_in.kv.layers[static_cast<size_t>(m_layer)],
                                     .M = m_s.M,
                                     .H = m_s.heads});
}

void Planner::attention() {
  const kernels::KvCache& cache = m_in.kv.layers[static_cast<size_t>(m_layer)];
  Buffer<uint8_t> query = m_buf.q_cat;  // cat_skip=on: q_all is q_cat itself
  if (is(ToggleKey::cat_skip, "off")) {
    const uint8_t* q_cat = m_b.read(m_buf.q_cat);
    const int64_t stride = m_s.heads * m_s.kv();
    m_b.emit("concat", Category::concat,
             kernels::ConcatArgs{.a = q_cat,
                                 .a_stride = stride,
                                 .a_head_stride = m_s.kv(),
                                 .a_columns = m_s.latent,
                                 .b = q_cat + m_s.latent * size_of(cache.format),
                                 .b_stride = stride,
                                 .b_head_stride = m_s.kv(),
                                 .b_columns = m_s.rope,
                                 .out = m_b.write(m_buf.q_all),
                                 .format = cache.format,
                                 .M = m_s.M,
                                 .H = m_s.heads});
    query = m_buf.q_all;
  }
  const int64_t splits = kernels::sparse_splits(m_s.M, m_s.topk);
  m_b.reads(m_kv_cache[static_cast<size_t>(m_layer)]);
  m_b.emit("sparse_partial", Category::sparse_mla,
           kernels::SparsePartialArgs{.q = m_b.read(query),
                                      .q_format = cache_format(m_toggles),
                                      .cache = cache,
                                      .slots = m_b.read(m_buf.topk),
                                      .topk = m_s.topk,
                                      .splits = splits,
                                      .scale = static_cast<float>(m_in.model.softmax_scale()),
                                      .out = m_b.write(m_buf.o_partial),
                                      .lse = m_b.write(m_buf.lse),
                                      .M = m_s.M,
                                      .H = m_s.heads});
  m_b.emit("sparse_combine", Category::sparse_mla,
           kernels::SparseCombineArgs{.partial = m_b.read(m_buf.o_partial),
                                      .lse = m_b.read(m_buf.lse),
                                      .out = m_b.write(m_buf.o_lat),
                                      .M = m_s.M,
                                      .H = m_s.heads,
                                      .splits = splits,
                                      .latent = m_s.latent});
}

void Planner::attention_output() {
  m_buf.attn_quant.layout = m_produced;
  // (heads, M, v): the quantisation reads through the strides, so flattening costs no copy.
  m_b.emit("v_bmm", Category::gemm,
           kernels::BmmFp8Args{.x = m_b.read(m_buf.o_lat),
                               .x_stride = m_s.heads * m_s.latent,
                               .x_head_stride = m_s.latent,
                               .w = w().w_vc.values,
                               .w_scale = w().w_vc.scale,
                               .out = m_b.write(m_buf.v_out),
                               .out_stride = m_s.v,
                               .out_head_stride = m_s.M * m_s.v,
                               .M = m_s.M,
                               .H = m_s.heads,
                               .N = m_s.v,
                               .K = m_s.latent});
  quantise("attn_quant", m_b.read(m_buf.v_out), {m_s.v, m_s.M * m_s.v}, m_s.M, m_s.heads, m_s.v,
           m_buf.attn_quant);
  gemm("o_proj", gemm_input(m_buf.attn_quant, m_buf.scales_copy[3], m_s.heads * m_s.v, "o_proj"),
       w().o_proj, m_buf.o);
}

trace::Result<PlannedStep> plan_step(const PlanInputs& in, const trace::ToggleSet& toggles,
                                     const PlanOptions& options) {
  return Planner(in, toggles, options).step();
}

int64_t arena_bytes(const Shape& shape, const trace::ToggleSet& toggles) {
  PlanBuilder builder;
  Planner::declare(builder, shape, toggles);
  int64_t bytes = 0;
  for (const Arena::Request& r : builder.requests()) bytes += r.bytes;
  return bytes;
}

}  // namespace engine
