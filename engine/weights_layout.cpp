#include "engine/weights_layout.h"

#include <cmath>

#include "kernels/formats.h"

namespace engine {

using kernels::Bf16;
using kernels::E4m3;
using kernels::kGroup;
using kernels::WeightFormat;

WeightFormat kernel_format(trace::WeightFormat f) {
  return f == trace::WeightFormat::bf16        ? WeightFormat::bf16
         : f == trace::WeightFormat::fp8_block ? WeightFormat::fp8
                                               : WeightFormat::mxfp4;
}

int64_t row_bytes(WeightFormat f, int64_t k) {
  return f == WeightFormat::fp8 ? k : f == WeightFormat::bf16 ? 2 * k : k / 2;
}

WeightLayout::WeightLayout(const trace::ModelConfig& model, const Shape& shape, uint8_t* base)
    : m_model(model), m_shape(shape), m_carver(base) {
  place_ends();
  for (int64_t i = 0; i < shape.layers; ++i) place_layer(i);
}

Bf16* WeightLayout::vector(const char* part, const std::string& name, int64_t n, Kind kind) {
  Bf16* at = take<Bf16>(part, n);
  m_tensors.push_back({kind, name, at, nullptr, 1, 1, n, 1, 0, n, 1});
  return at;
}

Bf16* WeightLayout::bf16(const char* part, const std::string& name, int64_t n, int64_t k,
                         double gain, int64_t full_k) {
  Bf16* at = take<Bf16>(part, n * k);
  m_tensors.push_back({Kind::bf16, name, at, nullptr, 1, n, k, n, 0, full_k, gain});
  return at;
}

static WeightTensor::Kind kind_of(WeightFormat f) {
  using Kind = WeightTensor::Kind;
  return f == WeightFormat::fp8 ? Kind::fp8 : f == WeightFormat::bf16 ? Kind::bf16 : Kind::mxfp4;
}

static int64_t scale_rows(WeightFormat f, int64_t n) {
  return f == WeightFormat::fp8 ? (n + 127) / 128 : n;
}

Linear WeightLayout::matrix(const char* part, trace::WeightFormat format, int64_t batches,
                            int64_t n, int64_t k) {
  Linear w{kernel_format(format), nullptr, nullptr, n, k};
  const int64_t rows = batches * n;
  switch (w.format) {
    case WeightFormat::fp8:
      w.values = take<E4m3>(part, rows * k);
      w.scales = take<float>(part, batches * scale_rows(w.format, n) * (k / kGroup));
      break;
    case WeightFormat::bf16:
      w.values = take<Bf16>(part, rows * k);
      break;
    case WeightFormat::mxfp4:
      w.values = take<uint8_t>(part, rows * k / 2);
      w.scales = take<uint8_t>(part, rows * k / kernels::kMxGroup);
      break;
  }
  return w;
}

void WeightLayout::fill(const Linear& w, const std::string& name, int64_t batches, int64_t first,
                        int64_t n, double gain, int64_t full_k) {
  const int64_t first_scale =
      first == 0 ? 0 : scale_rows(w.format, first);  // `first` is a multiple of 128
  auto at = [](void* base, int64_t bytes) {
    return base ? static_cast<uint8_t*>(base) + bytes : nullptr;
  };
  const bool fp8 = w.format == WeightFormat::fp8;
  void* values = at(w.values, first * row_bytes(w.format, w.K));
  void* scales = at(w.scales, first_scale * (fp8 ? w.K / kGroup * 4 : w.K / kernels::kMxGroup));
  m_tensors.push_back({kind_of(w.format), name, values, scales, batches, n, w.K, w.N,
                       scale_rows(w.format, w.N), full_k, gain});
}

Linear WeightLayout::linear(const char* part, const std::string& name, trace::WeightFormat format,
                            int64_t n, int64_t k, double gain, int64_t full_k) {
  const Linear w = matrix(part, format, 1, n, k);
  fill(w, name, 1, 0, n, gain, full_k);
  return w;
}

AbsorbWeight WeightLayout::absorb(const std::string& name, int64_t n, int64_t k) {
  AbsorbWeight w;
  w.format = kernel_format(m_model.absorb);
  const int64_t heads = m_shape.heads;
  if (w.format == WeightFormat::fp8) {
    w.values = take<E4m3>("attention", heads * n * k);
    w.scale = 1.0f / std::sqrt(static_cast<float>(k));
    m_tensors.push_back({Kind::one_scale, name, w.values, nullptr, heads, n, k, n, 0, k, 1});
    return w;
  }
  const Linear m = matrix("attention", m_model.absorb, heads, n, k);
  fill(m, name, heads, 0, n, 1, k);
  w.values = m.values, w.scales = static_cast<uint8_t*>(m.scales);
  return w;
}

// gate rows, then up rows, of `batches` experts: two tensors of the checkpoint in one matrix.
Linear WeightLayout::gate_up(const char* part, const std::string& name, trace::WeightFormat format,
                             int64_t batches, int64_t inner) {
  const int64_t k = m_shape.hidden;
  const Linear w = matrix(part, format, batches, 2 * inner, k);
  fill(w, name + "gate", batches, 0, inner, 1, k);
  fill(w, name + "up", batches, inner, inner, 1, k);
  return w;
}

Linear WeightLayout::down(const char* part, const std::string& name, trace::WeightFormat format,
                          int64_t batches, int64_t inner) {
  const Linear w = matrix(part, format, batches, m_shape.hidden, inner);
  fill(w, name, batches, 0, m_shape.hidden, 0.19, inner * m_shape.tp);
  return w;
}

void WeightLayout::place_ends() {
  const Shape& s = m_shape;
  // An embedding row is read, not summed over: its values have rms 1 as they are.
  Bf16* embedding = bf16("embedding and lm_head", "embedding", s.vocab, s.hidden, 1, 1);
  Bf16* head = bf16("embedding and lm_head", "lm_head", s.vocab, s.hidden, 1, s.hidden);
  Bf16* norm = vector("norms and tables", "final_norm", s.hidden, Kind::norm);
  Bf16* cos = take<Bf16>("norms and tables", s.max_context * s.rope / 2);
  Bf16* sin = take<Bf16>("norms and tables", s.max_context * s.rope / 2);
  m_ends = {embedding, norm, head, cos, sin};
}

void WeightLayout::place_layer(int64_t i) {
  const Shape& s = m_shape;
  const std::string at = "layers." + std::to_string(i) + ".";
  LayerWeights w;
  w.input_norm = vector("norms and tables", at + "input_norm", s.hidden, Kind::norm);
  w.qkv_a = linear("attention", at + "qkv_a", m_model.linears, s.qkv(), s.hidden, 1, s.hidden);
  w.q_norm = vector("norms and tables", at + "q_norm", s.q_lora, Kind::norm);
  w.kv_norm = vector("norms and tables", at + "kv_norm", s.latent, Kind::norm);
  w.q_b = linear("attention", at + "q_b", m_model.linears, s.heads * s.q_head(), s.q_lora, 2.2,
                 s.q_lora);
  w.w_kc = absorb(at + "w_kc", s.latent, s.nope);
  w.w_vc = absorb(at + "w_vc", s.v, s.latent);
  w.o_proj = linear("attention", at + "o_proj", m_model.o_proj, s.hidden, s.heads * s.v, 0.37,
                    s.all_heads * s.v);
  w.post_norm = vector("norms and tables", at + "post_norm", s.hidden, Kind::norm);
  if (m_model.runs_indexer(static_cast<int>(i))) place_indexer(w, at);
  if (i < s.dense_layers) {
    w.gate_up = gate_up("dense MLP", at + "mlp.", m_model.linears, 1, s.dense_inner);
    w.down = down("dense MLP", at + "mlp.down", m_model.linears, 1, s.dense_inner);
  } else {
    w.router = bf16("experts", at + "router", s.experts, s.hidden, 1, s.hidden);
    w.router_bias = vector("norms and tables", at + "router_bias", s.experts, Kind::offset);
    w.experts_gate_up =
        gate_up("experts", at + "experts.", m_model.experts_format, s.all_experts(), s.moe_inner);
    w.experts_down =
        down("experts", at + "experts.down", m_model.experts_format, s.all_experts(), s.moe_inner);
  }
  m_layers.push_back(w);
}

void WeightLayout::place_indexer(LayerWeights& w, const std::string& at) {
  const Shape& s = m_shape;
  w.wq_b = linear("indexer", at + "wq_b", m_model.linears, s.index_heads * kernels::kIndexDim,
                  s.q_lora, 1, s.q_lora);
  w.wk = linear("indexer", at + "wk", m_model.linears, kernels::kIndexDim, s.hidden, 1, s.hidden);
  w.k_norm = vector("norms and tables", at + "k_norm", kernels::kIndexDim, Kind::norm);
  w.k_norm_bias = vector("norms and tables", at + "k_norm_bias", kernels::kIndexDim, Kind::offset);
  w.gate_proj = bf16("indexer", at + "weights_proj", s.index_heads, s.hidden, 1, s.hidden);
}

}  // namespace engine
