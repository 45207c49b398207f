#include "trace/model.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <variant>

namespace trace {
namespace {

constexpr int kBlock =
    128;  // fp8 block scales, quantisation groups and the index head are 128 wide

ModelConfig glm_5() {
  ModelConfig m;
  m.name = "glm-5";
  m.hidden = 6144, m.layers = 78, m.dense_layers = 3, m.heads = 64;
  m.q_lora_rank = 2048, m.kv_lora_rank = 512;
  m.qk_nope_head_dim = 192, m.qk_rope_head_dim = 64, m.v_head_dim = 256;
  m.index_heads = 32, m.index_head_dim = 128, m.index_topk = 2048;
  m.experts = 256, m.experts_per_token = 8, m.shared_experts = 1;
  m.moe_intermediate = 2048, m.dense_intermediate = 12288;
  m.routed_scaling = 2.5, m.vocab = 154880;
  m.rope_theta = 1e6, m.max_positions = 202752, m.rms_norm_eps = 1e-5;
  return m;
}

// IndexShare: one layer in four runs the indexer, 21 of 78.
ModelConfig glm_5_2() {
  ModelConfig m = glm_5();
  m.name = "glm-5.2";
  m.index_topk_freq = 4, m.index_topk_offset = 3;
  m.rope_theta = 8e6, m.max_positions = 1048576;
  return m;
}

ModelConfig deepseek_v3_2() {
  ModelConfig m;
  m.name = "deepseek-v3.2";
  m.hidden = 7168, m.layers = 61, m.dense_layers = 3, m.heads = 128;
  m.q_lora_rank = 1536, m.kv_lora_rank = 512;
  m.qk_nope_head_dim = 128, m.qk_rope_head_dim = 64, m.v_head_dim = 128;
  m.index_heads = 64, m.index_head_dim = 128, m.index_topk = 2048;
  m.experts = 256, m.experts_per_token = 8, m.shared_experts = 1;
  m.moe_intermediate = 2048, m.dense_intermediate = 18432;
  m.expert_groups = 8, m.topk_groups = 4, m.routed_scaling = 2.5, m.vocab = 129280;
  m.rope_theta = 1e4, m.rope_factor = 40, m.rope_original_positions = 4096;
  m.rope_beta_fast = 32, m.rope_beta_slow = 1, m.rope_mscale = 1, m.rope_mscale_all_dim = 1;
  m.max_positions = 163840, m.rms_norm_eps = 1e-6;
  m.indexer_rope_interleave = false;
  return m;
}

// Kimi-K2-Instruct's dimensions in the formats of the family's Quark MXFP4 checkpoints.
ModelConfig kimi_k2() {
  ModelConfig m;
  m.name = "kimi-k2";
  m.hidden = 7168, m.layers = 61, m.dense_layers = 1, m.heads = 64;
  m.q_lora_rank = 1536, m.kv_lora_rank = 512;
  m.qk_nope_head_dim = 128, m.qk_rope_head_dim = 64, m.v_head_dim = 128;
  m.experts = 384, m.experts_per_token = 8, m.shared_experts = 1;
  m.moe_intermediate = 2048, m.dense_intermediate = 18432;
  m.routed_scaling = 2.827, m.vocab = 163840;
  m.rope_theta = 5e4, m.rope_factor = 32, m.rope_original_positions = 4096;
  m.rope_beta_fast = 1, m.rope_beta_slow = 1, m.rope_mscale = 1, m.rope_mscale_all_dim = 1;
  m.max_positions = 131072, m.rms_norm_eps = 1e-6;
  m.linears = WeightFormat::bf16, m.o_proj = WeightFormat::bf16;
  m.absorb = WeightFormat::mxfp4, m.experts_format = WeightFormat::mxfp4;
  return m;
}

// GLM-5's structure, small enough to decode live on two CPU cores.
ModelConfig tiny() {
  ModelConfig m;
  m.name = "tiny", m.synthetic = true;
  m.hidden = 1024, m.layers = 4, m.dense_layers = 1, m.heads = 4;
  m.q_lora_rank = 512, m.kv_lora_rank = 512;
  m.qk_nope_head_dim = 128, m.qk_rope_head_dim = 64, m.v_head_dim = 128;
  m.index_heads = 8, m.index_head_dim = 128, m.index_topk = 256;
  m.experts = 8, m.experts_per_token = 2, m.shared_experts = 1;
  m.moe_intermediate = 256, m.dense_intermediate = 2048;
  m.routed_scaling = 2.5, m.vocab = 4096;
  m.rope_theta = 1e6, m.max_positions = 131072, m.rms_norm_eps = 1e-5;
  return m;
}

ModelConfig tiny_dense() {
  ModelConfig m = tiny();
  m.name = "tiny-dense";
  m.index_heads = m.index_head_dim = m.index_topk = 0;
  m.o_proj = WeightFormat::bf16, m.absorb = WeightFormat::bf16;
  return m;
}

ModelConfig tiny_mxfp4() {
  ModelConfig m = tiny_dense();
  m.name = "tiny-mxfp4";
  m.absorb = WeightFormat::mxfp4, m.experts_format = WeightFormat::mxfp4;
  return m;
}

const std::vector<ModelConfig>& presets() {
  static const std::vector<ModelConfig> all = {tiny(),    tiny_dense(),    tiny_mxfp4(), glm_5(),
                                               glm_5_2(), deepseek_v3_2(), kimi_k2()};
  return all;
}

using Member = std::variant<int ModelConfig::*, double ModelConfig::*, bool ModelConfig::*,
                            WeightFormat ModelConfig::*>;
struct Field {
  std::string_view name;
  Member member;
};

using M = ModelConfig;
constexpr std::array kFields = {
    Field{"hidden", &M::hidden},
    Field{"layers", &M::layers},
    Field{"dense_layers", &M::dense_layers},
    Field{"heads", &M::heads},
    Field{"q_lora_rank", &M::q_lora_rank},
    Field{"kv_lora_rank", &M::kv_lora_rank},
    Field{"qk_nope_head_dim", &M::qk_nope_head_dim},
    Field{"qk_rope_head_dim", &M::qk_rope_head_dim},
    Field{"v_head_dim", &M::v_head_dim},
    Field{"index_heads", &M::index_heads},
    Field{"index_head_dim", &M::index_head_dim},
    Field{"index_topk", &M::index_topk},
    Field{"index_topk_freq", &M::index_topk_freq},
    Field{"index_topk_offset", &M::index_topk_offset},
    Field{"experts", &M::experts},
    Field{"experts_per_token", &M::experts_per_token},
    Field{"shared_experts", &M::shared_experts},
    Field{"moe_intermediate", &M::moe_intermediate},
    Field{"dense_intermediate", &M::dense_intermediate},
    Field{"expert_groups", &M::expert_groups},
    Field{"topk_groups", &M::topk_groups},
    Field{"routed_scaling", &M::routed_scaling},
    Field{"norm_topk_prob", &M::norm_topk_prob},
    Field{"vocab", &M::vocab},
    Field{"rope_theta", &M::rope_theta},
    Field{"rope_factor", &M::rope_factor},
    Field{"rope_original_positions", &M::rope_original_positions},
    Field{"rope_beta_fast", &M::rope_beta_fast},
    Field{"rope_beta_slow", &M::rope_beta_slow},
    Field{"rope_mscale", &M::rope_mscale},
    Field{"rope_mscale_all_dim", &M::rope_mscale_all_dim},
    Field{"max_positions", &M::max_positions},
    Field{"rms_norm_eps", &M::rms_norm_eps},
    Field{"rope_interleave", &M::rope_interleave},
    Field{"indexer_rope_interleave", &M::indexer_rope_interleave},
    Field{"linears", &M::linears},
    Field{"absorb", &M::absorb},
    Field{"experts_format", &M::experts_format},
    Field{"o_proj", &M::o_proj},
};

template <class T>
bool parse_number(std::string_view text, T& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc() && end == text.data() + text.size();
}

bool parse_format(std::string_view text, WeightFormat& out) {
  if (text == "bf16")
    out = WeightFormat::bf16;
  else if (text == "fp8" || text == "fp8_block")
    out = WeightFormat::fp8_block;
  else if (text == "mxfp4")
    out = WeightFormat::mxfp4;
  else
    return false;
  return true;
}

bool parse_bool(std::string_view text, bool& out) {
  out = text == "true" || text == "1";
  return out || text == "false" || text == "0";
}

// Empty when the value was taken, else what a value of this field looks like.
struct Assign {
  ModelConfig& model;
  std::string_view text;
  std::string_view operator()(int ModelConfig::*f) const {
    int v = 0;
    if (!parse_number(text, v) || v < 0) return "a whole number, 0 or more";
    model.*f = v;
    return {};
  }
  std::string_view operator()(double ModelConfig::*f) const {
    double v = 0;
    if (!parse_number(text, v) || !std::isfinite(v)) return "a number";
    model.*f = v;
    return {};
  }
  std::string_view operator()(bool ModelConfig::*f) const {
    return parse_bool(text, model.*f) ? std::string_view() : "true or false";
  }
  std::string_view operator()(WeightFormat ModelConfig::*f) const {
    return parse_format(text, model.*f) ? std::string_view() : "bf16, fp8 or mxfp4";
  }
};

struct Rule {
  bool broken;
  std::string text;
};

std::string field_text(std::string_view name, int value) {
  return std::string(name) + "=" + std::to_string(value);
}

Rule positive(std::string_view name, int value) {
  return {value <= 0, field_text(name, value) + " must be positive"};
}

Rule multiple(std::string_view name, int value, int of) {
  return {value % of != 0, field_text(name, value) + " is not a multiple of " + std::to_string(of)};
}

Rule at_most(std::string_view name, int value, int limit) {
  return {value > limit, field_text(name, value) + " is more than " + std::to_string(limit)};
}

// Generous, and small enough that no count of bytes overflows.
std::vector<Rule> size_rules(const ModelConfig& m) {
  constexpr int kWide = 1 << 18, kMany = 1 << 12;
  return {at_most("layers", m.layers, 1024),
          at_most("hidden", m.hidden, kWide),
          at_most("vocab", m.vocab, kWide),
          at_most("dense_intermediate", m.dense_intermediate, kWide),
          at_most("moe_intermediate", m.moe_intermediate, kWide),
          at_most("q_lora_rank", m.q_lora_rank, kWide),
          at_most("kv_lora_rank", m.kv_lora_rank, kWide),
          at_most("index_topk", m.index_topk, kWide),
          at_most("heads", m.heads, kMany),
          at_most("index_heads", m.index_heads, kMany),
          at_most("experts", m.experts, kMany),
          at_most("qk_nope_head_dim", m.qk_nope_head_dim, kMany),
          at_most("qk_rope_head_dim", m.qk_rope_head_dim, kMany),
          at_most("v_head_dim", m.v_head_dim, kMany)};
}

std::vector<Rule> shape_rules(const ModelConfig& m, int tp) {
  std::vector<Rule> rules = {
      positive("tp", tp),
      positive("hidden", m.hidden),
      positive("layers", m.layers),
      positive("heads", m.heads),
      positive("q_lora_rank", m.q_lora_rank),
      positive("kv_lora_rank", m.kv_lora_rank),
      positive("qk_nope_head_dim", m.qk_nope_head_dim),
      positive("qk_rope_head_dim", m.qk_rope_head_dim),
      positive("v_head_dim", m.v_head_dim),
      positive("vocab", m.vocab),
      positive("max_positions", m.max_positions),
      {m.dense_layers > 0 && m.dense_intermediate <= 0,
       field_text("dense_intermediate", m.dense_intermediate) + " must be positive"},
      {m.rope_factor < 1, "rope_factor must be 1 (no scaling) or more"},
      {m.rope_factor > 1 && m.rope_original_positions <= 0,
       "rope_factor > 1 needs rope_original_positions"},
      {m.rope_theta <= 1, "rope_theta must be more than 1"},
      {m.rms_norm_eps <= 0, "rms_norm_eps must be positive"},
  };
  if (tp <= 0) return rules;
  rules.push_back(multiple("hidden", m.hidden, kBlock));
  rules.push_back(multiple("q_lora_rank", m.q_lora_rank, kBlock));
  rules.push_back(multiple("kv_lora_rank", m.kv_lora_rank, 32));
  rules.push_back(multiple("qk_nope_head_dim", m.qk_nope_head_dim, 16));
  rules.push_back(multiple("qk_rope_head_dim", m.qk_rope_head_dim, 16));
  rules.push_back(multiple("v_head_dim", m.v_head_dim, 16));
  rules.push_back({m.heads % tp != 0,
                   field_text("heads", m.heads) + " is not divisible by " + field_text("tp", tp)});
  rules.push_back({m.vocab % tp != 0,
                   field_text("vocab", m.vocab) + " is not divisible by " + field_text("tp", tp)});
  rules.push_back(multiple("v_head_dim x heads / tp", m.v_head_dim * (m.heads / tp), kBlock));
  if (m.dense_layers > 0) {
    rules.push_back(multiple("dense_intermediate", m.dense_intermediate, kBlock * tp));
  }
  return rules;
}

std::vector<Rule> part_rules(const ModelConfig& m, int tp) {
  std::vector<Rule> rules;
  if (m.absorb == WeightFormat::mxfp4) {
    rules.push_back(multiple("qk_nope_head_dim with MXFP4 w_kc", m.qk_nope_head_dim, 32));
  }
  if (m.has_indexer()) {
    rules.push_back({m.index_head_dim != kBlock, field_text("index_head_dim", m.index_head_dim) +
                                                     ": the index-K layouts are for 128"});
    rules.push_back(positive("index_topk", m.index_topk));
    rules.push_back(multiple("index_topk", m.index_topk, 64));
    rules.push_back(positive("index_topk_freq", m.index_topk_freq));
    rules.push_back(
        {m.qk_rope_head_dim > m.index_head_dim, "qk_rope_head_dim is wider than index_head_dim"});
  }
  if (m.layers > m.dense_layers) {
    rules.push_back(positive("experts", m.experts));
    rules.push_back(positive("experts_per_token", m.experts_per_token));
    rules.push_back(positive("expert_groups", m.expert_groups));
    rules.push_back(positive("topk_groups", m.topk_groups));
    rules.push_back(multiple("moe_intermediate", m.moe_intermediate, kBlock * tp));
    rules.push_back(positive("moe_intermediate", m.moe_intermediate));
    rules.push_back(
        {m.experts_per_token > m.experts, field_text("experts_per_token", m.experts_per_token) +
                                              " is more than " + field_text("experts", m.experts)});
    rules.push_back({m.shared_experts > 1, field_text("shared_experts", m.shared_experts) +
                                               ": one shared expert at most"});
    if (m.expert_groups > 0 && m.topk_groups > 0) {
      const int group = m.experts / m.expert_groups;
      rules.push_back(multiple("experts", m.experts, m.expert_groups));
      rules.push_back({m.topk_groups > m.expert_groups, "topk_groups is more than expert_groups"});
      rules.push_back({m.expert_groups > 1 && group < 2, "a group needs two experts or more"});
      rules.push_back({group * m.topk_groups < m.experts_per_token,
                       "the kept groups hold fewer experts than experts_per_token"});
    }
  }
  return rules;
}

}  // namespace

bool ModelConfig::runs_indexer(int layer) const {
  if (!has_indexer()) return false;
  return std::max(layer - index_topk_offset + 1, 0) % std::max(index_topk_freq, 1) == 0;
}

double ModelConfig::softmax_scale() const {
  const double mscale = rope_factor > 1 ? 0.1 * rope_mscale_all_dim * std::log(rope_factor) + 1 : 1;
  return mscale * mscale / std::sqrt(static_cast<double>(qk_head_dim()));
}

std::span<const ModelConfig> model_presets() {
  return presets();
}

Result<ModelConfig> model_preset(std::string_view name) {
  if (name == "glm-5.1") {  // numerically the same configuration
    ModelConfig m = glm_5();
    m.name = "glm-5.1";
    return m;
  }
  std::string known;
  for (const ModelConfig& m : presets()) {
    if (m.name == name) return m;
    known += (known.empty() ? "" : ", ") + m.name;
  }
  return Error{"no such model: " + std::string(name), "known: " + known + ", glm-5.1"};
}

Status override_field(ModelConfig& model, std::string_view key, std::string_view value) {
  for (const Field& field : kFields) {
    if (field.name != key) continue;
    ModelConfig changed = model;
    const std::string_view wanted = std::visit(Assign{changed, value}, field.member);
    if (!wanted.empty()) {
      return Error{std::string(key) + "=" + std::string(value) + " is no valid value",
                   "expected " + std::string(wanted)};
    }
    // Another depth or a longer RoPE table is still the published model; another shape is nobody's.
    if (!(changed == model) && key != "layers" && key != "max_positions") changed.synthetic = true;
    model = changed;
    return Ok{};
  }
  std::string known;
  for (const Field& field : kFields) {
    known += (known.empty() ? "" : ", ") + std::string(field.name);
  }
  return Error{"no such model field: " + std::string(key), "known: " + known};
}

Status validate(const ModelConfig& m, int tp) {
  for (const auto& rules : {size_rules(m), shape_rules(m, tp), tp > 0 ? part_rules(m, tp) : std::vector<Rule>{}}) {
    for (const Rule& rule : rules) {
      if (rule.broken) return Error{rule.text, "model " + m.name};
    }
  }
  return Ok{};
}

}  // namespace trace
