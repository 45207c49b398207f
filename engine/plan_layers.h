// The parts of a step, for plan.cpp (attention, indexer) and plan_mlp.cpp (MLP, experts, the two
// ends).
#pragma once
#include <algorithm>

#include "engine/plan_builder.h"

namespace engine {

inline constexpr int64_t kGateSplits = 4;  // of the unfused gates' fp32 projection

// Split-K of attention: over the chosen slots, or over the context where there is no indexer.
inline int64_t attention_splits(const Shape& s) {
  return s.topk > 0 ? kernels::sparse_splits(s.M, s.heads, s.topk) : kernels::dense_splits(s.B, s.M / std::max<int64_t>(s.B, 1) * s.heads);
}

inline int64_t attention_splits(const Shape& s, const PlanOptions& options) {
  return options.splits > 0 ? options.splits : attention_splits(s);
}

inline kernels::RopeStyle rope_style(bool interleave) {
  return interleave ? kernels::RopeStyle::interleaved : kernels::RopeStyle::half_split;
}

inline kernels::Format cache_format(const trace::ToggleSet& t) {
  return t.is(trace::ToggleKey::kv_dtype, "fp8") ? kernels::Format::e4m3 : kernels::Format::bf16;
}

// Quantised activations in the arena, their layout tag with them.
struct QuantBuffer {
  Buffer<kernels::E4m3> values;
  Buffer<float> scales;
  kernels::ScaleLayout layout = kernels::ScaleLayout::row;
};

// The same in MXFP4.
struct MxBuffer {
  Buffer<uint8_t> values, scales;
};

// Every buffer of a step; all are reused layer after layer.
struct StepBuffers {
  using Bf16 = kernels::Bf16;
  Buffer<Bf16> x, residual, norm, qkv, q_lora, kv_norm, q, absorbed, o_partial, o_lat, v_out,
      v_flat, o, post;
  Buffer<Bf16> q_idx, k_raw, k_idx, q_rot, k_rot, q_elsewhere, k_elsewhere, gate_proj;
  Buffer<float> gate_input, gate_parts, gates, q_idx_scales, index_logits, lse;
  Buffer<kernels::E4m3> q_idx_codes, gathered_keys;  // gathered: of prefill
  Buffer<float> gathered_scales;
  Buffer<int32_t> topk;
  Buffer<uint8_t> q_cat, q_all;  // in the cache's format
  QuantBuffer norm_quant, q_quant, index_quant, attn_quant, mlp_quant, act_quant;
  MxBuffer mx, index_mx;         // inputs of MXFP4 GEMMs on the main and on the indexer's stream
  Buffer<float> scales_copy[4];  // transposed copies: qkv_a, q_b, wk, o_proj
  Buffer<Bf16> mlp_gate_up, act, router;
  Buffer<float> expert_gate_up, weights, all_weights, logits;
  Buffer<int32_t> ids, all_ids, rows, offsets, next_tokens;
};

class Planner {
 public:
  // `chunk`: the tokens of a prefill; null: a decode step.
  Planner(const PlanInputs&, const trace::ToggleSet&, const PlanOptions&,
          const PrefillChunk* chunk = nullptr);

  static StepBuffers declare(PlanBuilder&, const Shape&, const trace::ToggleSet&,
                             const PlanOptions&, int64_t gathered_keys = 0);

  trace::Result<PlannedStep> step();

 private:
  bool is(trace::ToggleKey key, std::string_view value) const { return m_toggles.is(key, value); }
  const LayerWeights& w() const { return m_in.weights.layer(m_layer); }
  const int32_t* tokens() const {
    return m_chunk ? m_chunk->tokens.data() : m_in.sequences.tokens();
  }
  const int32_t* positions() const {
    return m_chunk ? m_chunk->positions.data() : m_in.sequences.positions();
  }
  const int32_t* lengths() const {
    return m_chunk ? m_chunk->lengths.data() : m_in.sequences.lengths();
  }
  const int32_t* slots() const { return m_chunk ? m_chunk->slots.data() : m_in.sequences.slots(); }
  const int32_t* slot_table() const {
    return m_chunk ? m_chunk->slot_table.data() : m_in.sequences.slot_table();
  }
  int64_t slot_stride() const { return m_chunk ? m_chunk->slot_stride : m_s.max_context; }
  bool last_of_prefill() const { return m_chunk && m_layer + 1 == m_s.layers; }
  kernels::RopeTable rope_table() const;
  kernels::QuantIn read(const QuantBuffer&);
  kernels::QuantOut write(const QuantBuffer&);
  // The layout of activation scales that the fp8 GEMM of this shape reads.
  kernels::ScaleLayout wanted(const Linear&) const;
  // The activations of an fp8 GEMM in the layout it reads, behind a transposing copy where they are
  // in the other.
  kernels::QuantIn gemm_input(const QuantBuffer&, Buffer<float> copy, const Linear&,
                              std::string_view consumer);
  void gemm(std::string_view key, kernels::QuantIn x, const Linear&, Buffer<kernels::Bf16> out);
  // An fp8 weight reads `q`, which has been quantised already; bf16 reads `x`; MXFP4 quantises `x`.
  void linear(std::string_view key, const Linear&, Buffer<kernels::Bf16> x, const QuantBuffer& q,
              Buffer<float> copy, Buffer<kernels::Bf16> out);
  // The same where the fp8 quantisation is a launch of its own and writes what the GEMM reads.
  void quantised_linear(std::string_view key, const Linear&, Buffer<kernels::Bf16> x,
                        std::string_view quant_key, QuantBuffer& q, Buffer<kernels::Bf16> out);
  void gemm_bf16(std::string_view key, const Linear&, const kernels::Bf16* x,
                 Buffer<kernels::Bf16> out);
  // MXFP4 activations of bf16 rows [M, H, D], then the GEMM.
  void gemm_mxfp4(std::string_view key, const Linear&, kernels::MxQuantArgs x,
                  Buffer<kernels::Bf16> out);
  // An absorb matrix of any format over strided heads.
  void bmm(std::string_view key, const AbsorbWeight&, kernels::BmmArgs);
  // group_quant of bf16 rows [M, H, D].
  void quantise(std::string_view key, const kernels::Bf16* x, std::array<int64_t, 2> strides,
                int64_t rows, int64_t heads, int64_t columns, const QuantBuffer& out);

  void embed();
  void input_projection();
  void query();
  void indexer();
  void index_query();
  void index_key();
  void rope_of_indexer();
  void head_gates();
  void index_scores();
  void ragged_scores();
  void attention_query();
  void attention();
  int64_t q_cat_stride() const { return m_s.heads * m_s.kv() + m_options.q_cat_padding; }
  void scale_query();
  Buffer<uint8_t> concatenated_query();
  Buffer<uint8_t> contiguous_query();
  void sparse_attention();
  void dense_attention();
  void attention_output();
  void post_norm();
  void dense_mlp();
  void route();
  const int32_t* chosen_experts();
  void experts();
  void quantise_experts(std::string_view key, Buffer<kernels::Bf16> x, int64_t rows,
                        int64_t columns, QuantBuffer&);
  kernels::ExpertInput expert_input(Buffer<kernels::Bf16> x, const QuantBuffer&);
  void head();

  PlanInputs m_in;
  const Shape& m_s;
  trace::ToggleSet m_toggles;
  PlanOptions m_options;
  const PrefillChunk* m_chunk;
  PlanBuilder m_b;
  StepBuffers m_buf;
  int m_layer = 0;
  int m_index_stream = 0;           // where the indexer runs
  bool m_on_index = false;          // planning the indexer
  bool m_key_only = false;          // of which nothing but the key is wanted
  kernels::ScaleLayout m_produced;  // the layout in which producers write activation scales
  std::vector<int> m_kv_cache, m_index_cache;  // externals of the builder, a layer each
};

}  // namespace engine
