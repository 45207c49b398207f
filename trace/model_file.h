// A model from a Hugging Face `config.json`: dimensions, RoPE, router and the formats of its weights. Architectures of
// the MLA family only; whatever the engine would compute otherwise than the file asks (another scoring function, a
// scaling of RoPE that is not yarn, int4 experts) is refused, never approximated.
// Source of the keys: the published config.json of GLM-5, GLM-5.2, DeepSeek-V3, DeepSeek-V3.2, Kimi-K2 and Kimi-K2.5.
// Not confirmed on a published file: `quant_method: quark` (MXFP4), read as AMD's Quark documents it.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "trace/model.h"

namespace trace {

// The architectures that open, as `architectures` of config.json spells them.
std::span<const std::string_view> known_architectures();

// The text of a config.json. `name` becomes the model's. error: an unknown architecture (and the known ones), a missing
// or mistyped key, or what of it the engine does not compute; where = `where`.
Result<ModelConfig> parse_model_config(std::string_view text, const std::string& name, const std::string& where);

struct OpenedModel {
  ModelConfig model;
  std::string folder;  // where its config.json lies; empty for a preset
};
// A preset by its name, else a config.json or a folder that holds one. error: as model_preset() and parse_model_config().
Result<OpenedModel> open_model(const std::string& name_or_path);

}  // namespace trace
