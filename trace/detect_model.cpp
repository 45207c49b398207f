#include "trace/detect_model.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <set>

#include <fmt/format.h>

#include "trace/gqa_model.h"
#include "trace/kernel_names.h"

namespace trace {
namespace {

// Whole numbers that follow `anchor` in a name, whatever stands between them: "<256, 24" and the
// mangled "Li256ELi24E" alike.
std::vector<int> numbers_after(std::string_view name, std::string_view anchor, size_t most) {
  std::vector<int> out;
  size_t at = name.find(anchor);
  if (at == std::string_view::npos) return out;
  at += anchor.size();
  while (at < name.size() && out.size() < most) {
    int value = 0;
    const auto [end, error] = std::from_chars(name.data() + at, name.data() + name.size(), value);
    if (error == std::errc() && value >= 0) {
      out.push_back(value);
      at = static_cast<size_t>(end - name.data());
    } else {
      ++at;
    }
  }
  return out;
}

// Names without the digits of their types, so that "IDF16bDF16b" or "nv_bfloat16" yield no numbers.
std::string without_types(std::string_view name) {
  std::string text(name);
  for (const std::string_view type : {"DF16b", "bfloat16", "float16", "BFloat16", "half2"})
    for (size_t at; (at = text.find(type)) != std::string::npos;) text.erase(at, type.size());
  return text;
}

// Something that a name says and that a model fits or does not.
enum class About { size, format, behaviour };
struct Clue {
  About about;
  std::string text;
  std::function<bool(const ModelConfig&)> fits;
};

struct GqaClue {
  std::string text;
  std::function<bool(const GqaModel&)> fits;
};

bool has_experts(const OpUses& uses) { return uses.count({"experts_gate_up", "experts_down", "moe_gemm", "moe_fused"}) > 0; }

using Names = std::set<std::string_view>;

Names names_of(const Trace& trace, const OpUse& use) {
  Names names;
  for (const EventId id : use.events) names.insert(trace.name_of(trace.events[id]));
  return names;
}

// aiter picks the smallest instance whose threads x elements hold a row; elements come in eights.
void add_hidden(const Trace& trace, const OpUses& uses, std::vector<Clue>& clues) {
  const OpUse norms = uses.of_any({"post_norm", "input_norm"});
  for (const std::string_view name : names_of(trace, norms)) {
    const auto n = numbers_after(without_types(name), "add_rmsnorm_quant_kernel", 2);
    if (n.size() < 2 || n[0] < 32 || n[0] > 1024 || n[1] < 8 || n[1] > 64) continue;
    const int above = n[0] * (n[1] - 8), most = n[0] * n[1];
    clues.push_back({About::size,
                     fmt::format("hidden size {} to {}: `{}` with {} threads of {} elements",
                                 above + 1, most, bare_kernel_name(name), n[0], n[1]),
                     [=](const ModelConfig& m) { return m.hidden > above && m.hidden <= most; }});
    return;
  }
}

// Dimensions that DeepGEMM compiles in: "0u, 2624u, 6144u".
void add_projection(const Trace& trace, const OpUses& uses, std::vector<Clue>& clues) {
  for (const std::string_view name : names_of(trace, uses.of("qkv_a"))) {
    const auto n = numbers_after(name, ")0, 0u", 2);
    if (n.size() < 2 || n[1] < 1024) continue;
    clues.push_back({About::size,
                     fmt::format("qkv_a is {} x {}: `{}`", n[0], n[1], bare_kernel_name(name)),
                     [=](const ModelConfig& m) {
                       return m.hidden == n[1] && m.q_lora_rank + m.latent_dim() == n[0];
                     }});
    return;
  }
}

void add_index_heads(const Trace& trace, const OpUses& uses, std::vector<Clue>& clues) {
  for (const std::string_view name : names_of(trace, uses.of("mqa_logits"))) {
    const auto n = numbers_after(name, "paged_mqa_logits<", 3);
    if (n.size() < 3 || n[2] != 128) continue;
    clues.push_back({About::size,
                     fmt::format("{} index heads of {}: `{}`", n[1], n[2], bare_kernel_name(name)),
                     [=](const ModelConfig& m) { return m.index_heads == n[1]; }});
    return;
  }
}

void add_rope_style(const Trace& trace, const OpUses& uses, std::vector<Clue>& clues) {
  for (const std::string_view name : names_of(trace, uses.of("index_rope"))) {
    const auto n = numbers_after(name, "OpCachedFwd", 1);
    if (n.empty() || n[0] > 1) continue;
    clues.push_back(
        {About::behaviour,
         fmt::format("the indexer's RoPE is {}: `{}` of style {}",
                     n[0] ? "interleaved" : "in halves", bare_kernel_name(name), n[0]),
         [=](const ModelConfig& m) { return m.indexer_rope_interleave == (n[0] == 1); }});
    return;
  }
}

void add_sharing(const OpUses& uses, std::vector<Clue>& clues) {
  const int64_t blocks = uses.count({"sparse_partial"});
  const int64_t indexers = uses.of("mqa_logits").count();
  if (blocks == 0 || indexers == 0) return;
  const bool shared = indexers < blocks;
  clues.push_back({About::behaviour,
                   fmt::format("{} of {} attention blocks ran the indexer", indexers, blocks),
                   [=](const ModelConfig& m) { return (m.index_topk_freq > 1) == shared; }});
}

void add_absorb_format(const Trace& trace, const OpUses& uses, std::vector<Clue>& clues) {
  for (const std::string_view name : names_of(trace, uses.of_any({"v_bmm", "absorb"}))) {
    if (name.find("wfp4") == std::string_view::npos && name.find("mxfp4") == std::string_view::npos)
      continue;
    clues.push_back({About::format,
                     fmt::format("w_kc and w_vc are MXFP4: `{}`", bare_kernel_name(name)),
                     [](const ModelConfig& m) { return m.absorb == WeightFormat::mxfp4; }});
    return;
  }
}

int ranks_of(const Trace& trace, const OpUses& uses) {
  const OpUse reduces = uses.of_any({"attn_all_reduce", "moe_all_reduce", "mlp_all_reduce"});
  for (const std::string_view name : names_of(trace, reduces)) {
    for (const std::string_view kernel :
         {"cross_device_reduce_1stage", "cross_device_reduce_2stage"}) {
      const auto n = numbers_after(without_types(name), kernel, 1);
      if (!n.empty() && n[0] >= 2 && n[0] <= 64) return n[0];
    }
  }
  return 0;
}

ModelFamily family_of(const OpUses& uses) {
  const bool latent = uses.count({"sparse_partial", "mla", "rope_cat_store"}) > 0;
  if (uses.has("mqa_logits")) return ModelFamily::dsa;
  if (latent) return ModelFamily::dense_mla;
  return uses.has("attention") ? ModelFamily::gqa : ModelFamily::unknown;
}

void choose_preset(const std::vector<Clue>& clues, DetectedModel& m) {
  const auto any = [&](About about) {
    return std::ranges::find(clues, about, &Clue::about) != clues.end();
  };
  const bool sized = any(About::size), dsa = m.family == ModelFamily::dsa;
  std::vector<const ModelConfig*> left;
  for (const ModelConfig& preset : model_presets()) {
    if (preset.synthetic || preset.has_indexer() != dsa) continue;
    const auto fits = [&](const Clue& c) { return c.fits(preset); };
    if (std::ranges::all_of(clues, fits)) left.push_back(&preset);
  }
  // DeepSeek-V3 has Kimi-K2's sizes and is no preset: only the weights' format tells them apart.
  if (!sized || left.size() != 1 || (!dsa && !any(About::format))) {
    m.name += left.empty() && sized ? ", of no known preset" : "";
    return;
  }
  m.config = *left[0];
  m.name = m.config->name;
}

// Bytes of a token's keys that sglang compiles into its store: "store_kvcache<2048l".
void add_kv_width(const Trace& trace, const OpUses& uses, std::vector<GqaClue>& clues) {
  for (const std::string_view name : names_of(trace, uses.of("kv_store"))) {
    const auto n = numbers_after(name, "store_kvcache<", 1);
    if (n.empty() || n[0] < 64) continue;
    clues.push_back({fmt::format("{} bytes of keys a token: `{}`", n[0], bare_kernel_name(name)),
                     [=](const GqaModel& m) { return m.kv_heads * m.head_dim * 2 == n[0] || m.kv_heads * m.head_dim == n[0]; }});
    return;
  }
}

void find_gqa_presets(const Trace& trace, const OpUses& uses, DetectedModel& m) {
  std::vector<GqaClue> clues;
  std::vector<Clue> hidden;
  add_hidden(trace, uses, hidden);
  for (const Clue& c : hidden) clues.push_back({c.text, [fits = c.fits](const GqaModel& g) { return fits(g.dims); }});
  // Heads are shared out among ranks: the width tells the model only where there is one.
  if (m.ranks == 0) add_kv_width(trace, uses, clues);
  const bool experts = has_experts(uses), normed = uses.has("qk_norm");
  for (const GqaModel& preset : gqa_presets()) {
    if ((preset.dims.experts > 0) != experts || preset.qk_norm != normed) continue;
    if (std::ranges::all_of(clues, [&](const GqaClue& c) { return c.fits(preset); })) m.fitting.push_back(preset.dims.name);
  }
  for (const GqaClue& c : clues) m.evidence.push_back(c.text);
}

void describe_gqa(const OpUses& uses, DetectedModel& m) {
  m.name = has_experts(uses) ? "GQA with experts" : "dense GQA";
  m.evidence.push_back(
      fmt::format("{} kernels of grouped-query attention, none of latent attention",
                  uses.of("attention").count()));
  if (uses.has("attention_backward"))
    m.evidence.push_back("attention runs backward too: this is training, no decode");
  else if (uses.has("rope") && uses.of("qk_norm").count() >= uses.of("rope").count())
    m.evidence.push_back("q and k are normalised before RoPE, as in Qwen3");
}

}  // namespace

DetectedModel detect_model(const Trace& trace, const OpUses& uses) {
  DetectedModel m;
  m.family = family_of(uses);
  m.ranks = ranks_of(trace, uses);
  m.name = to_string(m.family);
  if (m.family == ModelFamily::gqa) {
    describe_gqa(uses, m);
    if (!uses.has("attention_backward")) find_gqa_presets(trace, uses, m);
  }
  if (m.family != ModelFamily::dsa && m.family != ModelFamily::dense_mla) return m;
  std::vector<Clue> clues;
  add_hidden(trace, uses, clues);
  add_projection(trace, uses, clues);
  add_absorb_format(trace, uses, clues);
  if (m.family == ModelFamily::dsa) {
    add_index_heads(trace, uses, clues);
    add_rope_style(trace, uses, clues);
    add_sharing(uses, clues);
  }
  choose_preset(clues, m);
  for (const Clue& c : clues) m.evidence.push_back(c.text);
  if (m.ranks) m.evidence.push_back(fmt::format("all-reduces of {} ranks", m.ranks));
  return m;
}

std::string_view to_string(ModelFamily family) {
  switch (family) {
    case ModelFamily::dsa:
      return "DSA of unknown size";
    case ModelFamily::dense_mla:
      return "dense MLA of unknown size";
    case ModelFamily::gqa:
      return "GQA";
    case ModelFamily::unknown:
      break;
  }
  return "unknown";
}

}  // namespace trace
