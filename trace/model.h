// ModelConfig: the numbers of one MLA model as its config.json has them. Presets: the published models and
// the tiny ones for CPUs. Source of every figure: Hugging Face config.json of the model (GLM-5 =
// zai-org/GLM-5, DeepSeek-V3.2, Kimi-K2-Instruct); `tiny*` are ours and labelled synthetic.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace/result.h"

namespace trace {

enum class WeightFormat : uint8_t { bf16, fp8_block, mxfp4 };  // fp8_block: e4m3, one scale per 128x128

struct ModelConfig {
  std::string name;               // preset or file name
  bool synthetic = false;         // no public model has this combination; shown wherever the name is
  int hidden = 0;                 // hidden_size
  int layers = 0;                 // num_hidden_layers, without MTP
  int dense_layers = 0;           // first_k_dense_replace
  int heads = 0;                  // num_attention_heads, all ranks
  int q_lora_rank = 0;
  int kv_lora_rank = 0;
  int qk_nope_head_dim = 0;
  int qk_rope_head_dim = 0;
  int v_head_dim = 0;
  int index_heads = 0;            // index_n_heads, not sharded by TP; 0 = dense MLA, no indexer
  int index_head_dim = 0;
  int index_topk = 0;
  int index_topk_freq = 1;        // GLM-5.2: one layer in 4 runs the indexer, the others reuse its indices
  int index_topk_offset = 0;
  int experts = 0;                // n_routed_experts
  int experts_per_token = 0;
  int shared_experts = 0;
  int moe_intermediate = 0;
  int dense_intermediate = 0;
  int expert_groups = 1;          // n_group
  int topk_groups = 1;            // topk_group
  double routed_scaling = 1.0;
  bool norm_topk_prob = true;
  int vocab = 0;
  double rope_theta = 10000.0;
  double rope_factor = 1.0;       // yarn; 1 = no scaling
  int rope_original_positions = 0;
  double rope_beta_fast = 32, rope_beta_slow = 1, rope_mscale = 1, rope_mscale_all_dim = 0;
  int max_positions = 0;
  double rms_norm_eps = 1e-6;
  bool rope_interleave = true;          // MLA: pairs (2i, 2i+1)
  bool indexer_rope_interleave = true;  // false = half-split (neox), DeepSeek-V3.2
  WeightFormat linears = WeightFormat::fp8_block;
  WeightFormat absorb = WeightFormat::fp8_block;   // w_kc, w_vc (fp8: one scale per tensor after load)
  WeightFormat experts_format = WeightFormat::fp8_block;
  WeightFormat o_proj = WeightFormat::fp8_block;

  bool has_indexer() const { return index_heads > 0; }
  // Whether layer `i` runs the indexer itself (GLM-5.2 shares indices between layers).
  bool runs_indexer(int layer) const;
  int qk_head_dim() const { return qk_nope_head_dim + qk_rope_head_dim; }
  int latent_dim() const { return kv_lora_rank + qk_rope_head_dim; }   // 576
  double softmax_scale() const;   // qk_head_dim^-0.5 x mscale^2
  bool operator==(const ModelConfig&) const = default;
};

std::span<const ModelConfig> model_presets();
// error: names the known presets.
Result<ModelConfig> model_preset(std::string_view name);
// `key=value` overrides of any integer or floating field by its name above. error: unknown key, bad value.
Status override_field(ModelConfig&, std::string_view key, std::string_view value);
// What cannot work (hidden not divisible by 128, heads not divisible by tp, ...). error: field and reason.
Status validate(const ModelConfig&, int tp);

}  // namespace trace
