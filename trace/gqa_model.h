// GqaModel: the numbers of a model with grouped-query attention, dense or with experts, for floors on traces of other
// engines. The embedded engine runs latent attention only (model.h) and never sees these.
// Source of every figure: the published Hugging Face config.json of each preset (Qwen/Qwen3-4B, -8B, -14B, -32B, -30B-A3B,
// meta-llama/Llama-3.1-8B, openai/gpt-oss-20b, -120b).
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "trace/model.h"

namespace trace {

struct GqaModel {
  // What both families have: name, hidden, layers, heads, vocab, dense_intermediate, experts, experts_per_token,
  // moe_intermediate, formats. v_head_dim equals head_dim; the rest is of latent attention and stays 0.
  ModelConfig dims;
  int kv_heads = 0;
  int head_dim = 0;
  bool qk_norm = false;       // q and k are normalised head by head
  int sliding_window = 0;     // every other layer looks back this far at most; 0 = all look at everything
  bool operator==(const GqaModel&) const = default;
};

std::span<const GqaModel> gqa_presets();
// A preset by its name, else a config.json of such a model, or its folder. error: what is missing or not known.
Result<GqaModel> open_gqa_model(const std::string& name_or_path);
// The text of a config.json. error: another architecture (and those known), a missing key, an unknown quantisation.
Result<GqaModel> parse_gqa_config(std::string_view text, const std::string& name, const std::string& where);
Status override_field(GqaModel&, std::string_view key, std::string_view value);
Status validate(const GqaModel&, int tp);
// "36 layers, hidden 4096, 32 heads of 128, 8 of keys and values ..."
std::string describe(const GqaModel&);

}  // namespace trace
