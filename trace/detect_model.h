// Which model a trace ran, from its kernels: their ops (kernel_rules.h) tell the family, sizes that names carry tell the
// preset. Never from file names. Nothing is guessed beyond what the evidence excludes: where two presets fit, the
// family is known and the model is not.
// Thread rule: pure function of a const Trace.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "trace/model.h"
#include "trace/op_uses.h"

namespace trace {

enum class ModelFamily : uint8_t {
  unknown,
  dsa,         // latent attention behind a sparse indexer: GLM-5.x, DeepSeek-V3.2
  dense_mla,   // latent attention over the whole context: Kimi-K2, DeepSeek-V3
  gqa          // keys and values a head: Qwen3, gpt-oss
};

struct DetectedModel {
  ModelFamily family = ModelFamily::unknown;
  std::string name;                     // the preset's, or the family in words
  std::optional<ModelConfig> config;    // only when one preset is left
  std::vector<std::string> evidence;    // one line each
  std::vector<std::string> fitting;     // presets of grouped-query attention that nothing speaks against
  int ranks = 0;                        // of tensor parallelism; 0 = not said
};

DetectedModel detect_model(const Trace&, const OpUses&);

std::string_view to_string(ModelFamily);

}  // namespace trace
