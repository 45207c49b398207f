#include "trace/model_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "trace/json_fields.h"
#include "trace/run_json.h"

namespace trace {
namespace {

using nlohmann::json;

struct Architecture {
  std::string_view name;
  bool indexer;   // the lightning indexer of DSA
  bool wrapped;   // the language model is `text_config`
  bool indexer_interleaves;  // where the file does not say
};

// Kimi-K2 publishes itself as DeepseekV3ForCausalLM; converters also write the names of its own.
constexpr Architecture kArchitectures[] = {
    {"GlmMoeDsaForCausalLM", true, false, true},
    {"DeepseekV32ForCausalLM", true, false, false},
    {"DeepseekV3ForCausalLM", false, false, true},
    {"KimiK2ForCausalLM", false, false, true},
    {"KimiK25ForConditionalGeneration", false, true, true},
};

class ConfigReader {
 public:
  ConfigReader(const json& root, std::string name, std::string where) : m_root(root), m_where(std::move(where)) { m_model.name = std::move(name); }

  Result<ModelConfig> read() {
    const Architecture* architecture = find_architecture();
    if (!architecture) return *m_error;
    if (architecture->wrapped) {
      const auto text = m_root.find("text_config");
      if (text == m_root.end() || !text->is_object()) return Error{"text_config is missing: the language model of " + std::string(architecture->name), m_where};
      m_text = &*text;
    }
    dimensions();
    experts();
    if (architecture->indexer) indexer(architecture->indexer_interleaves);
    rope();
    same_maths();
    formats();
    if (m_error) return *m_error;
    return m_model;
  }

 private:
  void fail(std::string what) {
    if (!m_error) m_error = Error{std::move(what), m_where};
  }

  const Architecture* find_architecture() {
    std::string found, known;
    if (const auto list = m_root.find("architectures"); list != m_root.end() && list->is_array() && !list->empty() && list->front().is_string())
      found = list->front().get<std::string>();
    for (const Architecture& a : kArchitectures) {
      if (a.name == found) return &a;
      known.append(known.empty() ? "" : ", ").append(a.name);
    }
    fail((found.empty() ? "no architecture is named" : "unknown architecture " + found) + ", known: " + known);
    return nullptr;
  }

  // Of the language model, else of the whole file.
  const json* value(const char* key) const {
    for (const json* object : {m_text, &m_root}) {
      const auto found = object->find(key);
      if (found != object->end() && !found->is_null()) return &*found;
    }
    return nullptr;
  }

  // Reads `key` of `from` into the field. False when it is absent.
  template <class T>
  bool take(const json& from, const char* key, T& field) {
    const auto found = from.find(key);
    if (found == from.end() || found->is_null()) return false;
    JsonReader reader(from);
    reader.read(*found, key, field);
    if (reader.error()) fail(*reader.error());
    return true;
  }
  template <class T>
  bool take(const char* key, T& field) {
    for (const json* object : {m_text, &m_root})
      if (take(*object, key, field)) return true;
    return false;
  }
  template <class T>
  void need(const char* key, T& field) {
    if (!take(key, field)) fail(std::string(key) + " is missing");
  }

  void dimensions() {
    ModelConfig& m = m_model;
    need("hidden_size", m.hidden), need("num_hidden_layers", m.layers), need("num_attention_heads", m.heads);
    need("q_lora_rank", m.q_lora_rank), need("kv_lora_rank", m.kv_lora_rank);
    need("qk_nope_head_dim", m.qk_nope_head_dim), need("qk_rope_head_dim", m.qk_rope_head_dim), need("v_head_dim", m.v_head_dim);
    need("intermediate_size", m.dense_intermediate), need("vocab_size", m.vocab);
    need("max_position_embeddings", m.max_positions), need("rms_norm_eps", m.rms_norm_eps);
    take("rope_interleave", m.rope_interleave);
    std::vector<std::string> kinds;
    if (take("mlp_layer_types", kinds)) {
      const auto first = std::find(kinds.begin(), kinds.end(), "sparse");
      m.dense_layers = static_cast<int>(first - kinds.begin());
      if (std::find(first, kinds.end(), "dense") != kinds.end()) fail("mlp_layer_types: dense layers behind sparse ones are not available");
      int replace = m.dense_layers;
      if (take("first_k_dense_replace", replace) && replace != m.dense_layers) fail("first_k_dense_replace and mlp_layer_types disagree");
    } else {
      need("first_k_dense_replace", m.dense_layers);
    }
  }

  void experts() {
    ModelConfig& m = m_model;
    need("n_routed_experts", m.experts), need("num_experts_per_tok", m.experts_per_token);
    need("moe_intermediate_size", m.moe_intermediate);
    take("n_shared_experts", m.shared_experts);
    take("n_group", m.expert_groups), take("topk_group", m.topk_groups);
    take("routed_scaling_factor", m.routed_scaling), take("norm_topk_prob", m.norm_topk_prob);
  }

  void indexer(bool interleaves) {
    ModelConfig& m = m_model;
    need("index_n_heads", m.index_heads), need("index_head_dim", m.index_head_dim), need("index_topk", m.index_topk);
    m.indexer_rope_interleave = interleaves;
    take("indexer_rope_interleave", m.indexer_rope_interleave);
    take("index_topk_freq", m.index_topk_freq), take("index_topk_offset", m.index_topk_offset);
    std::vector<std::string> kinds;
    if (!take("indexer_types", kinds) || m_error) return;
    for (size_t i = 0; i < kinds.size() && i < static_cast<size_t>(m.layers); ++i) {
      if ((kinds[i] == "full") != m.runs_indexer(static_cast<int>(i)))
        return fail("indexer_types: layer " + std::to_string(i) + " is " + kinds[i] + ", which index_topk_freq and index_topk_offset do not give");
    }
  }

  // `rope_scaling` of older files, `rope_parameters` of newer ones.
  void rope() {
    ModelConfig& m = m_model;
    const json* scaling = value("rope_scaling");
    const json* parameters = value("rope_parameters");
    if (!take("rope_theta", m.rope_theta) && !(parameters && take(*parameters, "rope_theta", m.rope_theta))) fail("rope_theta is missing");
    const json* from = scaling ? scaling : parameters;
    if (!from) return;
    std::string kind = "default";
    if (!take(*from, "rope_type", kind)) take(*from, "type", kind);
    if (kind == "default" || kind == "none") return;
    if (kind != "yarn" && kind != "deepseek_yarn") return fail("RoPE scaled by " + kind + " is not available: yarn or none");
    if (!take(*from, "factor", m.rope_factor)) fail("rope_scaling.factor is missing");
    if (!take(*from, "original_max_position_embeddings", m.rope_original_positions)) fail("rope_scaling.original_max_position_embeddings is missing");
    take(*from, "beta_fast", m.rope_beta_fast), take(*from, "beta_slow", m.rope_beta_slow);
    take(*from, "mscale", m.rope_mscale), take(*from, "mscale_all_dim", m.rope_mscale_all_dim);
  }

  // What the engine computes in one way only.
  void same_maths() {
    const auto only = [&](const char* key, const char* wanted) {
      std::string text = wanted;
      if (take(key, text) && text != wanted) fail(std::string(key) + " " + text + " is not available: " + wanted);
    };
    only("scoring_func", "sigmoid"), only("topk_method", "noaux_tc"), only("hidden_act", "silu");
    int every = 1;
    if (take("moe_layer_freq", every) && every != 1) fail("moe_layer_freq " + std::to_string(every) + " is not available: 1");
    bool bias = false;
    if (take("attention_bias", bias) && bias) fail("attention_bias is not available");
  }

  void all_formats(WeightFormat f) {
    m_model.linears = m_model.absorb = m_model.experts_format = m_model.o_proj = f;
  }

  void formats() {
    const json* quantised = value("quantization_config");
    if (!quantised) return all_formats(WeightFormat::bf16);
    std::string method;
    if (!take(*quantised, "quant_method", method)) return fail("quantization_config.quant_method is missing");
    if (method == "fp8") return fp8(*quantised);
    if (method == "quark") return quark(*quantised);
    fail("weights quantised by " + method + " are not available: fp8 (128x128 blocks), quark (MXFP4) or none; a preset has the dimensions with other formats");
  }

  void fp8(const json& q) {
    std::vector<int> block;
    if (!take(q, "weight_block_size", block)) return fail("fp8 weights without weight_block_size are not available: 128x128 blocks");
    if (block != std::vector<int>{128, 128}) return fail("weight_block_size is not 128x128");
    all_formats(WeightFormat::fp8_block);
  }

  // MXFP4 but for what `exclude` names. w_kc and w_vc are quantised at load in the Kimi family (sglang #25463), and
  // stay as kv_b_proj is where the model has an indexer.
  void quark(const json& q) {
    std::string dtype, scale = "e8m0";
    int group = 32;
    const auto global = q.find("global_quant_config");
    const json* weight = nullptr;
    if (global != q.end() && global->is_object()) {
      if (const auto found = global->find("weight"); found != global->end() && found->is_object()) weight = &*found;
    }
    if (!weight || !take(*weight, "dtype", dtype)) return fail("quantization_config.global_quant_config.weight.dtype is missing");
    take(*weight, "scale_format", scale), take(*weight, "group_size", group);
    if (!dtype.starts_with("fp4") || scale != "e8m0" || group != 32) return fail("Quark weights of " + dtype + ", scale " + scale + ", group " + std::to_string(group) + " are not available: fp4, e8m0, 32");
    std::vector<std::string> exclude;
    take(q, "exclude", exclude);
    const auto excluded = [&](std::string_view part) {
      return std::any_of(exclude.begin(), exclude.end(), [&](const std::string& e) { return e.find(part) != std::string::npos; });
    };
    const auto format = [&](std::initializer_list<std::string_view> parts) {
      return std::any_of(parts.begin(), parts.end(), excluded) ? WeightFormat::bf16 : WeightFormat::mxfp4;
    };
    m_model.linears = format({"q_a_proj", "q_b_proj", "kv_a_proj", "self_attn.*", "self_attn*"});
    m_model.o_proj = format({"o_proj", "self_attn.*", "self_attn*"});
    m_model.experts_format = WeightFormat::mxfp4;
    m_model.absorb = m_model.has_indexer() ? WeightFormat::bf16 : WeightFormat::mxfp4;
  }

  const json& m_root;
  const json* m_text = &m_root;
  std::string m_where;
  ModelConfig m_model;
  std::optional<Error> m_error;
};

// "GLM-5-FP8/config.json" is GLM-5-FP8; "kimi_config.json" is kimi_config.
std::string model_name(const std::filesystem::path& file) {
  std::error_code ignored;
  const auto whole = std::filesystem::weakly_canonical(file, ignored);
  const std::string stem = whole.stem().string(), folder = whole.parent_path().filename().string();
  return stem == "config" && !folder.empty() ? folder : stem;
}

}  // namespace

std::span<const std::string_view> known_architectures() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const Architecture& a : kArchitectures) all.push_back(a.name);
    return all;
  }();
  return names;
}

Result<ModelConfig> parse_model_config(std::string_view text, const std::string& name, const std::string& where) {
  const auto root = parse_json(text, where);
  if (!root) return root.error();
  if (!root->is_object()) return Error{"no config.json: a JSON object is expected", where};
  return ConfigReader(*root, name, where).read();
}

Result<OpenedModel> open_model(const std::string& name_or_path) {
  namespace fs = std::filesystem;
  if (auto preset = model_preset(name_or_path)) return OpenedModel{std::move(*preset), {}};
  std::error_code error;
  fs::path file = name_or_path;
  if (fs::is_directory(file, error)) file /= "config.json";
  if (!fs::is_regular_file(file, error)) {
    if (file != fs::path(name_or_path)) return Error{"the folder holds no config.json", name_or_path};
    if (name_or_path.find('/') != std::string::npos || name_or_path.ends_with(".json")) return Error{"no such file or folder", name_or_path};
    const Error unknown = model_preset(name_or_path).error();
    return Error{unknown.what, unknown.where + ", or a config.json or its folder"};
  }
  constexpr uintmax_t kLargest = 16 << 20;
  if (fs::file_size(file, error) > kLargest) return Error{"too large for a config.json", file.string()};
  std::ifstream in(file, std::ios::binary);
  if (!in) return Error{"cannot be read", file.string()};
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  auto model = parse_model_config(text, model_name(file), file.string());
  if (!model) return model.error();
  return OpenedModel{std::move(*model), file.parent_path().empty() ? "." : file.parent_path().string()};
}

}  // namespace trace
