#include "trace/gqa_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

#include "trace/run_json.h"

namespace trace {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

struct Dense {
  const char* name;
  int hidden, layers, heads, kv_heads, head_dim, intermediate, vocab;
  bool qk_norm;
};

GqaModel bare(std::string name) {
  GqaModel m;
  m.dims.name = std::move(name);
  m.dims.linears = m.dims.absorb = m.dims.experts_format = m.dims.o_proj = WeightFormat::bf16;
  return m;
}

GqaModel dense(const Dense& d) {
  GqaModel m = bare(d.name);
  m.dims.hidden = d.hidden, m.dims.layers = m.dims.dense_layers = d.layers, m.dims.heads = d.heads;
  m.dims.dense_intermediate = d.intermediate, m.dims.vocab = d.vocab;
  m.kv_heads = d.kv_heads, m.head_dim = m.dims.v_head_dim = d.head_dim, m.qk_norm = d.qk_norm;
  return m;
}

GqaModel with_experts(const Dense& d, int experts, int chosen, WeightFormat format, int window) {
  GqaModel m = dense(d);
  m.dims.dense_layers = 0, m.dims.dense_intermediate = 0, m.dims.moe_intermediate = d.intermediate;
  m.dims.experts = experts, m.dims.experts_per_token = chosen, m.dims.experts_format = format;
  m.sliding_window = window;
  return m;
}

std::vector<GqaModel> make_presets() {
  return {
      dense({"qwen3-4b", 2560, 36, 32, 8, 128, 9728, 151936, true}),
      dense({"qwen3-8b", 4096, 36, 32, 8, 128, 12288, 151936, true}),
      dense({"qwen3-14b", 5120, 40, 40, 8, 128, 17408, 151936, true}),
      dense({"qwen3-32b", 5120, 64, 64, 8, 128, 25600, 151936, true}),
      dense({"llama-3.1-8b", 4096, 32, 32, 8, 128, 14336, 128256, false}),
      with_experts({"qwen3-30b-a3b", 2048, 48, 32, 4, 128, 768, 151936, true}, 128, 8, WeightFormat::bf16, 0),
      with_experts({"gpt-oss-20b", 2880, 24, 64, 8, 64, 2880, 201088, false}, 32, 4, WeightFormat::mxfp4, 128),
      with_experts({"gpt-oss-120b", 2880, 36, 64, 8, 64, 2880, 201088, false}, 128, 4, WeightFormat::mxfp4, 128),
  };
}

struct Architecture {
  std::string_view name;
  bool qk_norm, experts, windows;   // windows: every other layer, as `layer_types` of gpt-oss says
};
constexpr std::array<Architecture, 7> kArchitectures = {{
    {"Qwen3ForCausalLM", true, false, false},
    {"Qwen3MoeForCausalLM", true, true, false},
    {"Qwen2ForCausalLM", false, false, false},
    {"LlamaForCausalLM", false, false, false},
    {"MistralForCausalLM", false, false, false},
    {"MixtralForCausalLM", false, true, false},
    {"GptOssForCausalLM", false, true, true},
}};

class GqaReader {
 public:
  GqaReader(const json& root, std::string name, std::string where) : m_root(root), m_where(std::move(where)), m_model(bare(std::move(name))) {}

  Result<GqaModel> read() {
    const Architecture* a = architecture();
    if (!a) return m_error;
    ModelConfig& d = m_model.dims;
    if (!need("hidden_size", d.hidden) || !need("num_hidden_layers", d.layers) || !need("num_attention_heads", d.heads) || !need("vocab_size", d.vocab)) return m_error;
    m_model.kv_heads = number("num_key_value_heads", d.heads);
    m_model.head_dim = number("head_dim", d.heads > 0 ? d.hidden / d.heads : 0);
    d.v_head_dim = m_model.head_dim;
    m_model.qk_norm = a->qk_norm;
    int intermediate = 0;
    if (!need("intermediate_size", intermediate)) return m_error;
    if (a->experts) {
      d.experts = number("num_experts", number("num_local_experts", 0));
      d.experts_per_token = number("num_experts_per_tok", number("experts_per_token", 0));
      d.moe_intermediate = number("moe_intermediate_size", intermediate);
      if (d.experts < 1 || d.experts_per_token < 1) return fail("num_experts and num_experts_per_tok are missing");
    } else {
      d.dense_layers = d.layers, d.dense_intermediate = intermediate;
    }
    if (a->windows) m_model.sliding_window = number("sliding_window", 0);
    if (!formats()) return m_error;
    return m_model;
  }

 private:
  Error fail(std::string what) { return m_error = Error{std::move(what), m_where}; }

  const Architecture* architecture() {
    std::string found, known;
    if (const auto list = m_root.find("architectures"); list != m_root.end() && list->is_array() && !list->empty() && list->front().is_string()) found = list->front().get<std::string>();
    for (const Architecture& a : kArchitectures) {
      if (a.name == found) return &a;
      known += (known.empty() ? "" : ", ") + std::string(a.name);
    }
    fail((found.empty() ? "no architecture is named" : "unknown architecture " + found) + ", known: " + known);
    return nullptr;
  }

  int number(const char* key, int otherwise) const {
    const auto found = m_root.find(key);
    if (found == m_root.end() || !found->is_number_integer()) return otherwise;
    const auto value = found->get<int64_t>();
    return value >= 0 && value <= 1 << 30 ? static_cast<int>(value) : otherwise;
  }
  bool need(const char* key, int& field) {
    field = number(key, -1);
    if (field < 0) fail(std::string(key) + " is missing");
    return field >= 0;
  }

  bool formats() {
    const auto q = m_root.find("quantization_config");
    if (q == m_root.end() || !q->is_object()) return true;
    const std::string method = q->contains("quant_method") && (*q)["quant_method"].is_string() ? (*q)["quant_method"].get<std::string>() : "";
    ModelConfig& d = m_model.dims;
    if (method == "fp8") d.linears = d.o_proj = d.experts_format = WeightFormat::fp8_block;
    else if (method == "mxfp4") d.experts_format = WeightFormat::mxfp4;   // gpt-oss: attention and router stay bf16
    else fail("weights quantised by " + (method.empty() ? "nothing named" : method) + " are not available: fp8, mxfp4 (experts) or none");
    return m_error.what.empty();
  }

  const json& m_root;
  std::string m_where;
  GqaModel m_model;
  Error m_error;
};

// What --set may change: fields of both families, and the four of this one.
constexpr std::string_view kShared[] = {"hidden", "layers", "heads", "dense_intermediate", "moe_intermediate", "experts", "experts_per_token", "vocab"};

}  // namespace

std::span<const GqaModel> gqa_presets() {
  static const std::vector<GqaModel> presets = make_presets();
  return presets;
}

Result<GqaModel> parse_gqa_config(std::string_view text, const std::string& name, const std::string& where) {
  const auto root = parse_json(text, where);
  if (!root) return root.error();
  if (!root->is_object()) return Error{"no config.json: a JSON object is expected", where};
  return GqaReader(*root, name, where).read();
}

Result<GqaModel> open_gqa_model(const std::string& name_or_path) {
  for (const GqaModel& preset : gqa_presets())
    if (preset.dims.name == name_or_path) return preset;
  std::error_code error;
  fs::path file = name_or_path;
  if (fs::is_directory(file, error)) file /= "config.json";
  if (!fs::is_regular_file(file, error)) {
    std::string known;
    for (const GqaModel& preset : gqa_presets()) known += (known.empty() ? "" : ", ") + preset.dims.name;
    return Error{"no such model: " + name_or_path, "of grouped-query attention known: " + known + ", or a config.json or its folder"};
  }
  constexpr uintmax_t kLargest = 16 << 20;
  if (fs::file_size(file, error) > kLargest) return Error{"too large for a config.json", file.string()};
  std::ifstream in(file, std::ios::binary);
  if (!in) return Error{"cannot be read", file.string()};
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::string folder = fs::weakly_canonical(file, error).parent_path().filename().string();
  return parse_gqa_config(text, file.stem() == "config" && !folder.empty() ? folder : file.stem().string(), file.string());
}

Status override_field(GqaModel& model, std::string_view key, std::string_view value) {
  if (std::ranges::find(kShared, key) != std::end(kShared)) return override_field(model.dims, key, value);
  const std::pair<std::string_view, int*> own[] = {{"kv_heads", &model.kv_heads}, {"head_dim", &model.head_dim}, {"sliding_window", &model.sliding_window}};
  for (const auto& [name, field] : own) {
    if (name != key) continue;
    int number = 0;
    const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (code != std::errc{} || end != value.data() + value.size() || number < 0) return Error{std::string(key) + "=" + std::string(value) + " is no valid value", "expected a whole number"};
    if (*field != number) model.dims.synthetic = true;
    *field = number;
    model.dims.v_head_dim = model.head_dim;
    return Ok{};
  }
  std::string known = "kv_heads, head_dim, sliding_window";
  for (const std::string_view name : kShared) known += ", " + std::string(name);
  return Error{"no such field of a model with grouped-query attention: " + std::string(key), "known: " + known};
}

Status validate(const GqaModel& m, int tp) {
  const ModelConfig& d = m.dims;
  const auto broken = [&](std::string what) { return Error{std::move(what), "model " + d.name}; };
  if (d.hidden < 1 || d.layers < 1 || d.heads < 1 || m.kv_heads < 1 || m.head_dim < 1 || d.vocab < 1) return broken("a dimension is 0");
  if (d.dense_intermediate < 1 && (d.experts < 1 || d.experts_per_token < 1 || d.moe_intermediate < 1)) return broken("it has neither a dense feed-forward nor experts");
  if (d.experts_per_token > d.experts) return broken("more experts a token than there are");
  if (d.heads % m.kv_heads != 0) return broken("heads are not divisible by those of keys and values");
  if (tp < 1 || d.heads % tp != 0) return broken(fmt::format("{} heads are not divisible by tp {}", d.heads, tp));
  if (m.kv_heads % tp != 0 && tp % m.kv_heads != 0) return broken(fmt::format("{} heads of keys and values neither divide tp {} nor are divided by it", m.kv_heads, tp));
  return Ok{};
}

std::string describe(const GqaModel& m) {
  const ModelConfig& d = m.dims;
  std::string out = fmt::format("{} layers, hidden {}, {} heads of {}, {} of keys and values", d.layers, d.hidden, d.heads, m.head_dim, m.kv_heads);
  if (d.experts > 0) out += fmt::format(", {} experts of {}, {} a token", d.experts, d.moe_intermediate, d.experts_per_token);
  else out += fmt::format(", feed-forward {}", d.dense_intermediate);
  if (m.sliding_window > 0) out += fmt::format(", every other layer looks back {} tokens", m.sliding_window);
  const auto word = [](WeightFormat f) { return f == WeightFormat::bf16 ? "bf16" : f == WeightFormat::mxfp4 ? "MXFP4" : "fp8"; };
  out += fmt::format("; {} linears", word(d.linears));
  if (d.experts > 0) out += fmt::format(", {} experts", word(d.experts_format));
  return out;
}

}  // namespace trace
