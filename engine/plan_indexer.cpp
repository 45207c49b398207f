// The lightning indexer of a layer: its query and key, RoPE, head gates, scores and top-k.
#include <cmath>

#include "engine/arm.h"
#include "engine/plan_layers.h"

namespace engine {

using kernels::Bf16;
using kernels::Format;
using trace::Category;
using trace::ToggleKey;

namespace {

constexpr int64_t kIndex = kernels::kIndexDim;

}  // namespace

// With streams=dual it runs beside q_b, absorb and the KV store: forked
// behind the norm of q_a, joined before the sparse MLA reads its slots. Of the last layer of a
// prefill nothing reads the slots: only the key is made and stored.
void Planner::indexer() {
  m_b.on_stream(m_index_stream);
  m_on_index = true;
  m_key_only = last_of_prefill();
  if (!m_key_only) index_query();
  index_key();
  rope_of_indexer();
  if (!m_key_only) {
    m_b.emit("hadamard_q", Category::indexer,
             kernels::HadamardArgs{m_b.update(m_buf.q_idx), m_s.M * m_s.index_heads});
  }
  m_b.emit("hadamard_k", Category::indexer, kernels::HadamardArgs{m_b.update(m_buf.k_idx), m_s.M});
  if (!m_key_only) {
    m_b.emit("index_q_quant", Category::indexer,
             kernels::IndexQuantArgs{m_b.read(m_buf.q_idx), m_b.write(m_buf.q_idx_codes),
                                     m_b.write(m_buf.q_idx_scales), m_s.M * m_s.index_heads});
  }
  const kernels::IndexCache& cache = m_in.index.layers[static_cast<size_t>(m_layer)];
  m_b.writes(m_index_cache[static_cast<size_t>(m_layer)]);
  m_b.emit("index_k_store", Category::indexer,
           kernels::IndexStoreArgs{.k = m_b.read(m_buf.k_idx),
                                   .k_stride = kIndex,
                                   .slots = slots(),
                                   .cache = cache,
                                   .writes = index_layout(m_toggles),
                                   .M = m_s.M});
  if (!m_key_only) {
    head_gates();
    index_scores();
  }
  m_on_index = false;
  m_b.on_stream(0);
}

void Planner::index_query() {
  // This quantisation writes its scales as the GEMM reads them, in every mode: no copy follows.
  quantised_linear("wq_b", w().wq_b, m_buf.q_lora, "q_lora_quant", m_buf.index_quant, m_buf.q_idx);
}

void Planner::index_key() {
  linear("wk", w().wk, m_buf.norm, m_buf.norm_quant, m_buf.scales_copy[2], m_buf.k_raw);
  m_b.emit("k_norm", Category::indexer,
           kernels::LayerNormArgs{.x = m_b.read(m_buf.k_raw),
                                  .x_stride = kIndex,
                                  .weight = w().k_norm,
                                  .bias = w().k_norm_bias,
                                  .out = m_b.write(m_buf.k_idx),
                                  .eps = 1e-6f,
                                  .M = m_s.M,
                                  .D = kIndex});
}

void Planner::rope_of_indexer() {
  const int64_t q_stride = m_s.index_heads * kIndex;
  const bool q_in_place = m_options.q_rope_in_place, k_in_place = m_options.k_rope_in_place;
  const Buffer<Bf16> q_at = q_in_place ? m_buf.q_idx : m_buf.q_elsewhere,
                     k_at = k_in_place ? m_buf.k_idx : m_buf.k_elsewhere;
  const std::array<int64_t, 2> q_in{q_stride, kIndex}, k_in{kIndex, kIndex};
  const std::array<int64_t, 2> q_tight{m_s.index_heads * m_s.rope, m_s.rope},
      k_tight{m_s.rope, m_s.rope};
  const std::array<int64_t, 2> q_out = q_in_place ? q_in : q_tight,
                               k_out = k_in_place ? k_in : k_tight;
  m_b.emit("index_rope", Category::indexer,
           kernels::IndexRopeArgs{.q = m_key_only ? nullptr : m_b.read(m_buf.q_idx),
                                  .q_stride = q_in[0],
                                  .q_head_stride = q_in[1],
                                  .k = m_b.read(m_buf.k_idx),
                                  .k_stride = k_in[0],
                                  .q_out = m_key_only ? nullptr : m_b.write(q_at),
                                  .q_out_stride = q_out[0],
                                  .q_out_head_stride = q_out[1],
                                  .k_out = m_b.write(k_at),
                                  .k_out_stride = k_out[0],
                                  .table = rope_table(),
                                  .positions = positions(),
                                  .style = rope_style(m_in.model.indexer_rope_interleave),
                                  .M = m_s.M,
                                  .H = m_key_only ? 0 : m_s.index_heads,
                                  .rope = m_s.rope});
  // The rotated values are to stand in q[..., :rope] and k[..., :rope]. Where the kernel worked in
  // place they do: only a view with the same pointer, shape and stride proves it.
  const std::array<int64_t, 3> q_shape{m_s.M, m_s.index_heads, m_s.rope},
      k_shape{m_s.M, 1, m_s.rope};
  const kernels::View q_rotated{m_b.at(q_at), q_shape, q_out},
      k_rotated{m_b.at(k_at), k_shape, k_out}, q_target{m_b.at(m_buf.q_idx), q_shape, q_in},
      k_target{m_b.at(m_buf.k_idx), k_shape, k_in};
  const bool guarded = is(ToggleKey::rope_update, "guarded");
  const auto copy = [&](std::string_view key, Buffer<Bf16> from, std::array<int64_t, 2> in,
                        Buffer<Bf16> to, std::array<int64_t, 2> out, int64_t heads,
                        std::string_view what) {
    const Bf16* source = m_b.read(from);
    m_b.emit(key, Category::copy,
             kernels::StridedCopyArgs{.in = source,
                                      .out = m_b.update(to),
                                      .format = Format::bf16,
                                      .in_stride = in[0],
                                      .in_head_stride = in[1],
                                      .out_stride = out[0],
                                      .out_head_stride = out[1],
                                      .M = m_s.M,
                                      .H = heads,
                                      .D = m_s.rope},
             what);
  };
  const bool copy_q = !m_key_only && (!guarded || !(q_rotated == q_target)),
             copy_k = !guarded || !(k_rotated == k_target);
  if (copy_q) copy("rope_clone", q_at, q_out, m_buf.q_rot, q_tight, m_s.index_heads, "q");
  if (copy_k) copy("rope_clone", k_at, k_out, m_buf.k_rot, k_tight, 1, "k");
  if (copy_q)
    copy("rope_write_back", m_buf.q_rot, q_tight, m_buf.q_idx, q_in, m_s.index_heads, "q");
  if (copy_k) copy("rope_write_back", m_buf.k_rot, k_tight, m_buf.k_idx, k_in, 1, "k");
}

void Planner::head_gates() {
  const int64_t heads = m_s.index_heads, n = m_s.M * heads;
  const float head_scale = 1.0f / std::sqrt(static_cast<float>(heads));
  const float softmax_scale = 1.0f / std::sqrt(static_cast<float>(kIndex));
  kernels::GemmBf16Args projection{.x_format = Format::bf16,
                                   .x_stride = m_s.hidden,
                                   .w = w().gate_proj,
                                   .out_stride = heads,
                                   .M = m_s.M,
                                   .N = heads,
                                   .K = m_s.hidden};
  if (is(ToggleKey::head_gates, "fused")) {
    projection.x = m_b.read(m_buf.norm), projection.out = m_b.write(m_buf.gate_proj);
    m_b.emit("weights_proj", Category::indexer, projection);
    m_b.emit("head_gates", Category::indexer,
             kernels::HeadGateArgs{m_b.read(m_buf.gate_proj), m_b.read(m_buf.q_idx_scales),
                                   m_b.write(m_buf.gates), head_scale, softmax_scale, n});
    return;
  }
  m_b.emit(
      "gates_cast", Category::indexer,
      kernels::CastArgs{m_b.read(m_buf.norm), m_b.write(m_buf.gate_input), m_s.M * m_s.hidden});
  projection.x = m_b.read(m_buf.gate_input), projection.x_format = Format::f32;
  projection.out = m_b.write(m_buf.gate_parts), projection.out_format = Format::f32,
  projection.splits = kGateSplits;
  m_b.emit("weights_proj", Category::indexer, projection);
  m_b.emit(
      "gates_reduce", Category::indexer,
      kernels::SplitReduceArgs{m_b.read(m_buf.gate_parts), m_b.write(m_buf.gates), n, kGateSplits});
  const auto scale = [&](std::string_view key, const float* by, float factor) {
    float* gates = m_b.update(m_buf.gates);
    m_b.emit(key, Category::indexer, kernels::ScaleArgs{gates, by, factor, gates, n});
  };
  scale("gates_scale_heads", nullptr, head_scale);
  scale("gates_scale_q", m_b.read(m_buf.q_idx_scales), 1);
  scale("head_gates", nullptr, softmax_scale);
}

void Planner::index_scores() {
  if (is(ToggleKey::logits_init, "full")) {
    m_b.emit("logits_fill", Category::fill,
             kernels::FillArgs{m_b.write(m_buf.index_logits), Format::f32, -INFINITY,
                               m_s.M * m_s.max_context});
  }
  if (m_chunk) return ragged_scores();
  const int page_size = m_toggles.page_size();
  m_b.reads(m_index_cache[static_cast<size_t>(m_layer)]);
  m_b.emit("mqa_logits", Category::indexer,
           kernels::MqaLogitsArgs{.q = m_b.read(m_buf.q_idx_codes),
                                  .gates = m_b.read(m_buf.gates),
                                  .cache = m_in.index.layers[static_cast<size_t>(m_layer)],
                                  .reads = index_layout(m_toggles),
                                  .block_table = m_in.sequences.block_table(page_size),
                                  .table_stride = m_in.sequences.block_columns(page_size),
                                  .lengths = lengths(),
                                  .logits = m_b.update(m_buf.index_logits),
                                  .S = m_s.max_context,
                                  .B = m_s.B,
                                  .next_n = m_s.next_n,
                                  .H = m_s.index_heads});
  m_b.emit("topk", Category::indexer,
           kernels::TopkArgs{.logits = m_b.read(m_buf.index_logits),
                             .S = m_s.max_context,
                             .lengths = lengths(),
                             .slot_table = slot_table(),
                             .slot_stride = slot_stride(),
                             .slots = m_b.write(m_buf.topk),
                             .B = m_s.B,
                             .next_n = m_s.next_n,
                             .k = m_s.topk});
}

// Prefill: the keys of the chunk's sequences, this chunk's included, gathered out of their pages;
// each row scores its own up to itself.
void Planner::ragged_scores() {
  const auto keys = static_cast<int64_t>(m_chunk->gathered.size());
  m_b.reads(m_index_cache[static_cast<size_t>(m_layer)]);
  m_b.emit("index_k_gather", Category::indexer,
           kernels::IndexGatherArgs{.cache = m_in.index.layers[static_cast<size_t>(m_layer)],
                                    .reads = index_layout(m_toggles),
                                    .slots = m_chunk->gathered.data(),
                                    .keys = m_b.write(m_buf.gathered_keys),
                                    .scales = m_b.write(m_buf.gathered_scales),
                                    .T = keys});
  m_b.emit("ragged_logits", Category::indexer,
           kernels::RaggedLogitsArgs{.q = m_b.read(m_buf.q_idx_codes),
                                     .gates = m_b.read(m_buf.gates),
                                     .keys = {.keys = m_b.read(m_buf.gathered_keys),
                                              .scales = m_b.read(m_buf.gathered_scales),
                                              .T = keys},
                                     .begin = m_chunk->begin.data(),
                                     .end = m_chunk->end.data(),
                                     .out = {m_b.update(m_buf.index_logits), m_s.max_context},
                                     .M = m_s.M,
                                     .H = m_s.index_heads});
  m_b.emit("ragged_topk", Category::indexer,
           kernels::RaggedTopkArgs{.scores = {m_b.update(m_buf.index_logits), m_s.max_context},
                                   .begin = m_chunk->begin.data(),
                                   .end = m_chunk->end.data(),
                                   .gathered = m_chunk->gathered.data(),
                                   .slots = m_b.write(m_buf.topk),
                                   .M = m_s.M,
                                   .T = keys,
                                   .k = m_s.topk});
}

}  // namespace engine
