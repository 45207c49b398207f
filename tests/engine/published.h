// A model's weights in memory written as a published checkpoint: Hugging Face's names, safetensors
// files with or without an index, config.json. Plain code of its own, so that it can judge the
// loader.
#pragma once
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/weights.h"
#include "kernels/formats.h"

namespace engine::test {

struct FileTensor {
  std::string dtype;
  std::vector<int64_t> shape;
  std::vector<uint8_t> bytes;
};
using FileTensors = std::map<std::string, FileTensor>;

template <class T>
FileTensor file_tensor(std::string dtype, std::vector<int64_t> shape, const T* values, int64_t n) {
  FileTensor t{std::move(dtype), std::move(shape), {}};
  t.bytes.resize(static_cast<size_t>(n) * sizeof(T));
  std::memcpy(t.bytes.data(), values, t.bytes.size());
  return t;
}

inline void write_safetensors(const std::string& file, const FileTensors& tensors) {
  nlohmann::json header = {{"__metadata__", {{"format", "pt"}}}};
  int64_t at = 0;
  for (const auto& [name, t] : tensors) {
    const auto size = static_cast<int64_t>(t.bytes.size());
    header[name] = {{"dtype", t.dtype}, {"shape", t.shape}, {"data_offsets", {at, at + size}}};
    at += size;
  }
  std::string text = header.dump();
  text += std::string((3 - text.size() % 3) % 3, ' ');  // values at odd addresses now and then
  const uint64_t length = text.size();
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&length), 8);
  out << text;
  for (const auto& [name, t] : tensors)
    out.write(reinterpret_cast<const char*>(t.bytes.data()),
              static_cast<std::streamsize>(t.bytes.size()));
}

// In `shards` files with an index, or 0: one file without.
inline void write_checkpoint(const std::string& folder, const FileTensors& tensors, int shards) {
  std::filesystem::create_directories(folder);
  if (shards == 0) return write_safetensors(folder + "/model.safetensors", tensors);
  std::vector<FileTensors> parts(static_cast<size_t>(shards));
  nlohmann::json map = nlohmann::json::object();
  int at = 0;
  for (const auto& [name, t] : tensors) {
    const int shard = at++ % shards;
    parts[static_cast<size_t>(shard)][name] = t;
    map[name] = "model-" + std::to_string(shard) + ".safetensors";
  }
  for (int i = 0; i < shards; ++i)
    write_safetensors(folder + "/model-" + std::to_string(i) + ".safetensors",
                      parts[static_cast<size_t>(i)]);
  std::ofstream(folder + "/model.safetensors.index.json")
      << nlohmann::json{{"metadata", {{"total_size", 0}}}, {"weight_map", map}}.dump();
}

class Publisher {
 public:
  // `w`: the whole model, tp 1.
  Publisher(const trace::ModelConfig& model, const Weights& w) : m_model(model), m_w(w) {}

  FileTensors tensors() {
    const trace::ModelConfig& m = m_model;
    bf16("model.embed_tokens.weight", m_w.embedding(), {m.vocab, m.hidden});
    bf16("lm_head.weight", m_w.lm_head(), {m.vocab, m.hidden});
    bf16("model.norm.weight", m_w.final_norm(), {m.hidden});
    for (int i = 0; i < m.layers; ++i) layer(i);
    return m_out;
  }

 private:
  using Bf16 = kernels::Bf16;

  void bf16(const std::string& name, const Bf16* values, std::vector<int64_t> shape) {
    int64_t n = 1;
    for (const int64_t d : shape) n *= d;
    m_out[name] = file_tensor("BF16", std::move(shape), values, n);
  }

  // Some publishers keep vectors in fp32.
  void f32(const std::string& name, const Bf16* values, int64_t n) {
    std::vector<float> wide;
    for (int64_t i = 0; i < n; ++i) wide.push_back(kernels::to_float(values[i]));
    m_out[name] = file_tensor("F32", {n}, wide.data(), n);
  }

  // Rows [first, first + n) of batch b.
  void linear(const std::string& name, const Linear& w, int64_t b, int64_t first, int64_t n) {
    const int64_t row = b * w.N + first, blocks = (w.N + 127) / 128, g = w.K / 128;
    if (w.format == kernels::WeightFormat::bf16) {
      bf16(name + ".weight", w.bf16() + row * w.K, {n, w.K});
    } else if (w.format == kernels::WeightFormat::fp8) {
      m_out[name + ".weight"] = file_tensor("F8_E4M3", {n, w.K}, w.fp8() + row * w.K, n * w.K);
      const int64_t rows = (n + 127) / 128;
      m_out[name + ".weight_scale_inv"] =
          file_tensor("F32", {rows, g}, w.fp8_scales() + (b * blocks + first / 128) * g, rows * g);
    } else {
      m_out[name + ".weight"] =
          file_tensor("U8", {n, w.K / 2}, w.mx() + row * w.K / 2, n * w.K / 2);
      m_out[name + ".weight_scale"] =
          file_tensor("U8", {n, w.K / 32}, w.mx_scales() + row * (w.K / 32), n * w.K / 32);
    }
  }

  static float absorb_value(const AbsorbWeight& w, int64_t row, int64_t K, int64_t k) {
    const int64_t i = row * K + k;
    const auto* bytes = static_cast<const uint8_t*>(w.values);
    switch (w.format) {
      case kernels::WeightFormat::bf16:
        return kernels::to_float(static_cast<const Bf16*>(w.values)[i]);
      case kernels::WeightFormat::fp8:
        return kernels::to_float(kernels::E4m3{bytes[i]}) * w.scale;
      default:
        return kernels::e2m1_to_float(i % 2 ? bytes[i / 2] >> 4 : bytes[i / 2] & 15u) *
               kernels::e8m0_to_float(w.scales[i / 32]);
    }
  }

  void kv_b(const std::string& name, const LayerWeights& w) {
    const trace::ModelConfig& m = m_model;
    const int64_t nope = m.qk_nope_head_dim, v = m.v_head_dim, latent = m.kv_lora_rank;
    std::vector<Bf16> rows;
    for (int64_t h = 0; h < m.heads; ++h) {
      for (int64_t n = 0; n < nope; ++n) {
        for (int64_t c = 0; c < latent; ++c)
          rows.push_back(kernels::to_bf16(absorb_value(w.w_kc, h * latent + c, nope, n)));
      }
      for (int64_t n = 0; n < v; ++n) {
        for (int64_t c = 0; c < latent; ++c)
          rows.push_back(kernels::to_bf16(absorb_value(w.w_vc, h * v + n, latent, c)));
      }
    }
    bf16(name + ".weight", rows.data(), {m.heads * (nope + v), latent});
  }

  void layer(int i) {
    const trace::ModelConfig& m = m_model;
    const LayerWeights& w = m_w.layer(i);
    const std::string at = "model.layers." + std::to_string(i) + ".", attn = at + "self_attn.";
    bf16(at + "input_layernorm.weight", w.input_norm, {m.hidden});
    bf16(at + "post_attention_layernorm.weight", w.post_norm, {m.hidden});
    bf16(attn + "q_a_layernorm.weight", w.q_norm, {m.q_lora_rank});
    bf16(attn + "kv_a_layernorm.weight", w.kv_norm, {m.kv_lora_rank});
    linear(attn + "q_a_proj", w.qkv_a, 0, 0, m.q_lora_rank);
    linear(attn + "kv_a_proj_with_mqa", w.qkv_a, 0, m.q_lora_rank, m.latent_dim());
    linear(attn + "q_b_proj", w.q_b, 0, 0, w.q_b.N);
    kv_b(attn + "kv_b_proj", w);
    linear(attn + "o_proj", w.o_proj, 0, 0, w.o_proj.N);
    if (m.runs_indexer(i)) {
      linear(attn + "indexer.wq_b", w.wq_b, 0, 0, w.wq_b.N);
      linear(attn + "indexer.wk", w.wk, 0, 0, w.wk.N);
      f32(attn + "indexer.k_norm.weight", w.k_norm, 128);
      f32(attn + "indexer.k_norm.bias", w.k_norm_bias, 128);
      bf16(attn + "indexer.weights_proj.weight", w.gate_proj, {m.index_heads, m.hidden});
    }
    const std::string mlp = at + "mlp.";
    if (i < m.dense_layers) return gated(mlp, w.gate_up, w.down, 0, m.dense_intermediate);
    bf16(mlp + "gate.weight", w.router, {m.experts, m.hidden});
    f32(mlp + "gate.e_score_correction_bias", w.router_bias, m.experts);
    for (int64_t e = 0; e < m.experts + m.shared_experts; ++e) {
      const std::string expert =
          e < m.experts ? "experts." + std::to_string(e) + "." : "shared_experts.";
      gated(mlp + expert, w.experts_gate_up, w.experts_down, e, m.moe_intermediate);
    }
  }

  void gated(const std::string& at, const Linear& gate_up, const Linear& down, int64_t e,
             int64_t inner) {
    linear(at + "gate_proj", gate_up, e, 0, inner);
    linear(at + "up_proj", gate_up, e, inner, inner);
    linear(at + "down_proj", down, e, 0, down.N);
  }

  const trace::ModelConfig& m_model;
  const Weights& m_w;
  FileTensors m_out;
};

// Its config.json. REQUIRES: all formats fp8, or all bf16; no yarn.
inline std::string config_json(const trace::ModelConfig& m) {
  nlohmann::json c = {
      {"architectures", {m.has_indexer() ? "GlmMoeDsaForCausalLM" : "DeepseekV3ForCausalLM"}},
      {"hidden_size", m.hidden},
      {"num_hidden_layers", m.layers},
      {"first_k_dense_replace", m.dense_layers},
      {"num_attention_heads", m.heads},
      {"q_lora_rank", m.q_lora_rank},
      {"kv_lora_rank", m.kv_lora_rank},
      {"qk_nope_head_dim", m.qk_nope_head_dim},
      {"qk_rope_head_dim", m.qk_rope_head_dim},
      {"v_head_dim", m.v_head_dim},
      {"intermediate_size", m.dense_intermediate},
      {"moe_intermediate_size", m.moe_intermediate},
      {"n_routed_experts", m.experts},
      {"num_experts_per_tok", m.experts_per_token},
      {"n_shared_experts", m.shared_experts},
      {"routed_scaling_factor", m.routed_scaling},
      {"vocab_size", m.vocab},
      {"rope_theta", m.rope_theta},
      {"max_position_embeddings", m.max_positions},
      {"rms_norm_eps", m.rms_norm_eps}};
  if (m.has_indexer()) {
    c["index_n_heads"] = m.index_heads, c["index_head_dim"] = m.index_head_dim;
    c["index_topk"] = m.index_topk;
  }
  if (m.linears == trace::WeightFormat::fp8_block)
    c["quantization_config"] = {{"quant_method", "fp8"}, {"weight_block_size", {128, 128}}};
  return c.dump(1);
}

}  // namespace engine::test
