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
using kernels::WeightFormat;
using trace::Category;
using trace::ToggleKey;

Planner::Planner(const PlanInputs& in, const trace::ToggleSet& toggles, const PlanOptions& options,
                 const PrefillChunk* chunk)
    : m_in(in), m_s(in.shape), m_toggles(toggles), m_options(options), m_chunk(chunk) {
  m_buf =
      declare(m_b, in.shape, toggles, options,
              chunk && in.model.has_indexer() ? static_cast<int64_t>(chunk->gathered.size()) : 0);
  m_b.place(options);
  for (int64_t i = 0; i < m_s.layers; ++i) {
    const kernels::KvCache& kv = in.kv.layers[static_cast<size_t>(i)];
    m_kv_cache.push_back(m_b.external("kv_cache", kv.format, kv.slots * kv.width() * size_of(kv.format)));
    const kernels::IndexCache& index = in.index.layers[static_cast<size_t>(i)];
    m_index_cache.push_back(m_b.external("index_cache", Format::u8, index.pages * kernels::index_page_bytes(index.page_size)));
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
      if (last_of_prefill()) break;  // all caches hold the chunk
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
    if (!m_chunk) head();
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

void Planner::input_projection() {
  m_buf.norm_quant.layout = m_buf.q_quant.layout = m_produced;
  const float eps = static_cast<float>(m_in.model.rms_norm_eps);
  const bool fp8 = w().qkv_a.format == WeightFormat::fp8;
  m_b.emit("input_norm", Category::norm_quant,
           kernels::RmsNormArgs{.x = m_b.read(m_buf.x),
                                .x_stride = m_s.hidden,
                                .residual = m_layer > 0 ? m_b.read(m_buf.residual) : nullptr,
                                .residual_out = m_b.write(m_buf.residual),
                                .weight = w().input_norm,
                                .out = m_b.write(m_buf.norm),
                                .quant = fp8 ? write(m_buf.norm_quant) : kernels::QuantOut{},
                                .eps = eps,
                                .M = m_s.M,
                                .D = m_s.hidden});
  linear("qkv_a", w().qkv_a, m_buf.norm, m_buf.norm_quant, m_buf.scales_copy[0], m_buf.qkv);
  // q_a and the latent are column ranges of one GEMM output, read through its stride.
  const Bf16* qkv = m_b.read(m_buf.qkv);
  m_b.emit("q_kv_norm", Category::norm_quant,
           kernels::QkNormArgs{{.x = qkv,
                                .x_stride = m_s.qkv(),
                                .weight = w().q_norm,
                                .out = m_b.write(m_buf.q_lora),
                                .quant = fp8 ? write(m_buf.q_quant) : kernels::QuantOut{},
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
  linear("q_b", w().q_b, m_buf.q_lora, m_buf.q_quant, m_buf.scales_copy[1], m_buf.q);
}

void Planner::attention_query() {
  const Bf16* q = m_b.read(m_buf.q);
  const int64_t q_stride = m_s.heads * m_s.q_head();
  bmm("absorb", w().w_kc,
      {.x = q,
       .x_stride = q_stride,
       .x_head_stride = m_s.q_head(),
       .out = m_b.write(m_buf.absorbed),
       .out_stride = m_s.latent,
       .out_head_stride = m_s.M * m_s.latent,
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
                                     .positions = positions(),
                                     .slots = slots(),
                                     .style = rope_style(m_in.model.rope_interleave),
                                     .q_out = m_b.write(m_buf.q_cat),
                                     .q_out_stride = q_cat_stride(),
                                     .cache = m_in.kv.layers[static_cast<size_t>(m_layer)],
                                     .M = m_s.M,
                                     .H = m_s.heads});
  if (m_options.llama4_scaling != 0) scale_query();
}

// In place on the latent columns, in either form of the query: what reads q_cat comes behind it.
void Planner::scale_query() {
  const int original = m_in.model.rope_original_positions;
  m_b.emit("query_scale", Category::rope,
           kernels::QueryScaleArgs{.q = m_b.update(m_buf.q_cat),
                                   .format = cache_format(m_toggles),
                                   .stride = q_cat_stride(),
                                   .positions = positions(),
                                   .beta = static_cast<float>(m_options.llama4_scaling),
                                   .original_positions = original > 0 ? original : 8192,
                                   .M = m_s.M,
                                   .H = m_s.heads,
                                   .width = m_s.kv(),
                                   .columns = m_s.latent});
}

// cat_skip=off: q_all is put together from two slices of q_cat.
Buffer<uint8_t> Planner::concatenated_query() {
  const Format format = cache_format(m_toggles);
  const uint8_t* q_cat = m_b.read(m_buf.q_cat);
  m_b.emit("concat", Category::concat,
           kernels::ConcatArgs{.a = q_cat,
                               .a_stride = q_cat_stride(),
                               .a_head_stride = m_s.kv(),
                               .a_columns = m_s.latent,
                               .b = q_cat + m_s.latent * size_of(format),
                               .b_stride = q_cat_stride(),
                               .b_head_stride = m_s.kv(),
                               .b_columns = m_s.rope,
                               .out = m_b.write(m_buf.q_all),
                               .format = format,
                               .M = m_s.M,
                               .H = m_s.heads});
  return m_buf.q_all;
}

// cat_skip=on: q_all is q_cat itself, seen as one. A strided q_cat is made contiguous first, as the
// view demands.
Buffer<uint8_t> Planner::contiguous_query() {
  const int64_t tight = m_s.heads * m_s.kv();
  if (q_cat_stride() == tight) return m_buf.q_cat;
  m_b.emit("q_contiguous", Category::copy,
           kernels::StridedCopyArgs{.in = m_b.read(m_buf.q_cat),
                                    .out = m_b.write(m_buf.q_all),
                                    .format = cache_format(m_toggles),
                                    .in_stride = q_cat_stride(),
                                    .in_head_stride = m_s.kv(),
                                    .out_stride = tight,
                                    .out_head_stride = m_s.kv(),
                                    .M = m_s.M,
                                    .H = m_s.heads,
                                    .D = m_s.kv()});
  return m_buf.q_all;
}

void Planner::sparse_attention() {
  const Buffer<uint8_t> query =
      is(ToggleKey::cat_skip, "on") ? contiguous_query() : concatenated_query();
  m_b.reads(m_kv_cache[static_cast<size_t>(m_layer)]);
  m_b.emit("sparse_partial", Category::sparse_mla,
           kernels::SparsePartialArgs{.q = m_b.read(query),
                                      .q_format = cache_format(m_toggles),
                                      .cache = m_in.kv.layers[static_cast<size_t>(m_layer)],
                                      .slots = m_b.read(m_buf.topk),
                                      .topk = m_s.topk,
                                      .splits = attention_splits(m_s, m_options),
                                      .scale = static_cast<float>(m_in.model.softmax_scale()),
                                      .out = m_b.write(m_buf.o_partial),
                                      .lse = m_b.write(m_buf.lse),
                                      .M = m_s.M,
                                      .H = m_s.heads});
}

// The whole context, token by token. Decode takes q_cat as it is: there is no concat to skip.
void Planner::dense_attention() {
  const Buffer<uint8_t> query = m_chunk ? concatenated_query() : contiguous_query();
  m_b.reads(m_kv_cache[static_cast<size_t>(m_layer)]);
  m_b.emit("mla_partial", Category::sparse_mla,
           kernels::DensePartialArgs{.q = m_b.read(query),
                                     .q_format = cache_format(m_toggles),
                                     .cache = m_in.kv.layers[static_cast<size_t>(m_layer)],
                                     .slot_table = slot_table(),
                                     .slot_stride = slot_stride(),
                                     .lengths = lengths(),
                                     .splits = attention_splits(m_s, m_options),
                                     .scale = static_cast<float>(m_in.model.softmax_scale()),
                                     .out = m_b.write(m_buf.o_partial),
                                     .lse = m_b.write(m_buf.lse),
                                     .B = m_s.B,
                                     .next_n = m_s.next_n,
                                     .H = m_s.heads});
}

void Planner::attention() {
  const bool sparse = m_in.model.has_indexer();
  if (sparse)
    sparse_attention();
  else
    dense_attention();
  m_b.emit(sparse ? "sparse_combine" : "mla_combine", Category::sparse_mla,
           kernels::SparseCombineArgs{.partial = m_b.read(m_buf.o_partial),
                                      .lse = m_b.read(m_buf.lse),
                                      .out = m_b.write(m_buf.o_lat),
                                      .M = m_s.M,
                                      .H = m_s.heads,
                                      .splits = attention_splits(m_s, m_options),
                                      .latent = m_s.latent});
}

void Planner::attention_output() {
  m_buf.attn_quant.layout = m_produced;
  // heads_major: (heads, M, v). The quantisations read through the strides, so flattening costs a
  // copy only where a bf16 o_proj wants rows. batch_major: (M, heads, v), flat already.
  const bool heads_major = is(ToggleKey::v_layout, "heads_major");
  const int64_t columns = m_s.heads * m_s.v;
  const std::array<int64_t, 2> strides =
      heads_major ? std::array{m_s.v, m_s.M * m_s.v} : std::array{columns, m_s.v};
  bmm("v_bmm", w().w_vc,
      {.x = m_b.read(m_buf.o_lat),
       .x_stride = m_s.heads * m_s.latent,
       .x_head_stride = m_s.latent,
       .out = m_b.write(m_buf.v_out),
       .out_stride = strides[0],
       .out_head_stride = strides[1],
       .N = m_s.v,
       .K = m_s.latent});
  const Linear& o_proj = w().o_proj;
  switch (o_proj.format) {
    case WeightFormat::fp8:
      quantise("attn_quant", m_b.read(m_buf.v_out), strides, m_s.M, m_s.heads, m_s.v,
               m_buf.attn_quant);
      gemm("o_proj", gemm_input(m_buf.attn_quant, m_buf.scales_copy[3], o_proj, "o_proj"), o_proj,
           m_buf.o);
      break;
    case WeightFormat::mxfp4:
      gemm_mxfp4("o_proj", o_proj,
                 {.x = m_b.read(m_buf.v_out),
                  .x_stride = strides[0],
                  .x_head_stride = strides[1],
                  .M = m_s.M,
                  .H = m_s.heads,
                  .D = m_s.v},
                 m_buf.o);
      break;
    case WeightFormat::bf16:
      if (heads_major) {
        m_b.emit("v_flatten", Category::copy,
                 kernels::StridedCopyArgs{.in = m_b.read(m_buf.v_out),
                                          .out = m_b.write(m_buf.v_flat),
                                          .format = Format::bf16,
                                          .in_stride = strides[0],
                                          .in_head_stride = strides[1],
                                          .out_stride = columns,
                                          .out_head_stride = m_s.v,
                                          .M = m_s.M,
                                          .H = m_s.heads,
                                          .D = m_s.v});
      }
      gemm_bf16("o_proj", o_proj, m_b.read(heads_major ? m_buf.v_flat : m_buf.v_out), m_buf.o);
      break;
  }
}

trace::Result<PlannedStep> plan_step(const PlanInputs& in, const trace::ToggleSet& toggles,
                                     const PlanOptions& options) {
  return Planner(in, toggles, options).step();
}

trace::Result<PlannedStep> plan_prefill(const PlanInputs& in, const PrefillChunk& chunk,
                                        const trace::ToggleSet& toggles,
                                        const PlanOptions& options) {
  if (toggles.is(ToggleKey::cat_skip, "on")) {
    return trace::Error{
        "prefill takes the query in two parts, latent and rope: the merged form is "
        "of decode only",
        "cat_skip=on"};
  }
  Shape shape = in.shape;
  shape.B = shape.M = chunk.size(), shape.next_n = 1;
  return Planner({in.model, shape, in.weights, in.sequences, in.kv, in.index}, toggles, options,
                 &chunk)
      .step();
}

int64_t arena_bytes(const Shape& shape, const trace::ToggleSet& toggles,
                    const PlanOptions& options) {
  PlanBuilder builder;
  Planner::declare(builder, shape, toggles, options);
  int64_t bytes = 0;
  for (const Arena::Request& r : builder.requests()) bytes += r.bytes;
  return bytes;
}

}  // namespace engine
