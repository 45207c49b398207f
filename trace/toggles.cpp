#include "trace/toggles.h"

#include <algorithm>
#include <charconv>

namespace trace {
namespace {

using E = Equivalence;

constexpr std::array<ToggleInfo, kToggles> kTable = {{
    {ToggleKey::cat_skip,
     "cat_skip",
     {"off", "on"},
     2,
     0,
     "Skip the q concat",
     "decode; prefill refuses the merged form",
     "q_all is rebuilt from two slices of q_cat with a copy kernel",
     "q_all is a zero-copy view of q_cat (a strided q_cat is made contiguous first)",
     "sglang #24125",
     "HIP, tilelang and aiter decode only; CUDA re-cats",
     E::bitwise,
     1,
     "TPOT -2.17 % at 8k/1k, 4 concurrent (21.21 -> 20.76 ms) to -0.74 % at 64; 1k/1k -2.45 % to "
     "-1.20 % (GLM-5.1-FP8, 8x MI355X, TP 8)"},
    {ToggleKey::x_scale,
     "x_scale",
     {"copy", "transposed"},
     2,
     0,
     "Transposed activation scales",
     "fp8 block-scaled GEMM that wants column-major scales",
     "a transpose copy of the scales before each of qkv_a, q_b, wk and o_proj",
     "the producer writes the scales as (K/128, M) and tags them; a consumer that wants row-major "
     "(gemm_scales=row) untransposes, at a cost that shows",
     "sglang #24125 (first proposed in #24476)",
     "HIP, gfx95 with bpreshuffle GEMMs",
     E::bitwise,
     4,
     "throughput +3.1 %, median TPOT -3.1 %, mean of 10 configurations; about 4.17 us a copy "
     "(GLM-5.1-FP8, 8x MI355X)"},
    {ToggleKey::v_layout,
     "v_layout",
     {"heads_major", "batch_major"},
     2,
     0,
     "Layout of the v BMM",
     "MXFP4 w_vc",
     "the BMM writes (heads, batch, v) and flatten copies",
     "the BMM writes through strides into (batch, heads, v); flatten is a view",
     "sglang #25463",
     "gfx950 with MXFP4 w_vc (Kimi-K2)",
     E::bitwise,
     1,
     "about 4 us a layer, 268 us over 61 layers; TPOT and throughput 1-3 % (Kimi-K2.6-MXFP4, "
     "MI355X)"},
    {ToggleKey::head_gates,
     "head_gates",
     {"unfused", "fused"},
     2,
     0,
     "Fused head gates",
     "indexer",
     "fp32 cast, fp32 projection in two kernels and three scalings",
     "bf16 projection and one launch for all three scalings",
     "sglang #22232",
     "HIP",
     E::bounded,
     4,
     "with the guarded RoPE: throughput +4-5 %, TTFT and ITL 2-5 % (GLM-5-FP8, MI355X)"},
    {ToggleKey::rope_update,
     "rope_update",
     {"clone", "guarded"},
     2,
     0,
     "Guarded RoPE write-back",
     "indexer",
     "the rotated q and k are cloned and copied back over themselves",
     "skipped when source and destination have the same pointer, shape and stride; also on the "
     "K-only path",
     "sglang #22232",
     "HIP and CUDA",
     E::bitwise,
     4,
     "with the fused head gates: throughput +4-5 %, TTFT and ITL 2-5 % (GLM-5-FP8, MI355X)"},
    {ToggleKey::index_layout,
     "index_layout",
     {"row", "preshuffle"},
     2,
     0,
     "Index-K page layout",
     "preshuffle: page_size % 16 == 0",
     "row-major index-K pages",
     "16x16-byte tiles; writer, reader and gather carry one tag and every mismatch is refused",
     "sglang #23562",
     "HIP",
     E::bitwise,
     0,
     "with page 64 and empty logits: 88 -> 19 us a layer at 8k/1k, 64 concurrent; throughput "
     "about +16 % at high concurrency (MI355X)"},
    {ToggleKey::page_size,
     "page_size",
     {"1", "16", "32", "64"},
     4,
     3,
     "Page size of the index cache",
     "",
     "one token a page: the block table is as wide as the context",
     "64 tokens a page: the block table has max_context / 64 columns",
     "sglang #23562",
     "HIP; fixed at 64 on CUDA",
     E::bitwise,
     0,
     "with preshuffle and empty logits: 88 -> 19 us a layer at 8k/1k, 64 concurrent (MI355X)"},
    {ToggleKey::logits_init,
     "logits_init",
     {"full", "empty"},
     2,
     0,
     "Initialisation of the index logits",
     "indexer",
     "a fill with -inf as wide as the block table (max_context)",
     "left uninitialised; every consumer is bounded by the length",
     "sglang #23562",
     "HIP",
     E::bitwise_on_valid,
     1,
     "with preshuffle and page 64: 88 -> 19 us a layer, 11 of them the fill, at 8k/1k, 64 "
     "concurrent (MI355X)"},
    {ToggleKey::streams,
     "streams",
     {"single", "dual"},
     2,
     0,
     "Second stream for the indexer",
     "indexer",
     "every kernel on one stream",
     "the indexer chain on a second stream, forked before q_b, joined before the sparse MLA",
     "the published dual-stream visualisation",
     "experimental on HIP; on CUDA another split",
     E::bitwise,
     0,
     "TPOT 21.21 -> 24.45 ms with ROCm 7.2, 28.32 with 7.13: slower; 18 us of idle a layer, 91 % "
     "of it stalls of 2 us and more (8k/1k, 4 concurrent, 8x MI355X)"},
    {ToggleKey::launch,
     "launch",
     {"eager", "graph"},
     2,
     0,
     "Launch",
     "graph: a GPU",
     "every kernel is launched by the host",
     "the step is captured once and replayed with one launch",
     "the published dual-stream visualisation",
     "HIP and CUDA",
     E::bitwise,
     0,
     ""},
    {ToggleKey::kv_dtype,
     "kv_dtype",
     {"bf16", "fp8"},
     2,
     1,
     "KV cache format",
     "",
     "1152 bytes a token and layer",
     "576 bytes a token and layer, q_cat and the probabilities in e4m3 too",
     "sglang #21511",
     "HIP with tilelang or aiter: 576 bytes without scales",
     E::bounded,
     0,
     ""},
}};

std::string values_text(const ToggleInfo& row) {
  std::string text;
  for (int i = 0; i < row.value_count; ++i) {
    text += (i ? ", " : "") + std::string(row.values[static_cast<size_t>(i)]);
  }
  return text;
}

Result<int> value_index(const ToggleInfo& row, std::string_view value) {
  for (int i = 0; i < row.value_count; ++i) {
    if (row.values[static_cast<size_t>(i)] == value) return i;
  }
  return Error{"no such value: " + std::string(row.name) + "=" + std::string(value),
               "values: " + values_text(row)};
}

bool any_fp8_linear(const ModelConfig& m) {
  return m.linears == WeightFormat::fp8_block || m.o_proj == WeightFormat::fp8_block;
}

std::optional<std::string> missing_in_model(ToggleKey key, const ModelConfig& m) {
  switch (key) {
    case ToggleKey::cat_skip:
      if (!m.has_indexer()) {
        return "needs sparse attention: the dense MLA of " + m.name + " reads q_cat as it is";
      }
      break;
    case ToggleKey::head_gates:
    case ToggleKey::rope_update:
    case ToggleKey::index_layout:
    case ToggleKey::page_size:
    case ToggleKey::logits_init:
    case ToggleKey::streams:
      if (!m.has_indexer()) return "needs an indexer: dense MLA (" + m.name + ") has none";
      break;
    case ToggleKey::x_scale:
      if (!any_fp8_linear(m)) {
        return "needs fp8 block-scaled GEMMs: the linears of " + m.name + " are not fp8";
      }
      break;
    case ToggleKey::v_layout:
      if (m.absorb != WeightFormat::mxfp4) {
        return "needs MXFP4 w_vc: " + m.name + " has " +
               (m.absorb == WeightFormat::bf16 ? "bf16" : "fp8");
      }
      break;
    default:
      break;
  }
  return std::nullopt;
}

// "key=a:b" -> arms of one switch. `rest` is what follows the key, with its '='.
Result<std::pair<int, int>> arm_values(const ToggleInfo& row, std::string_view rest) {
  if (rest.empty()) return std::pair{0, row.value_count - 1};
  rest.remove_prefix(1);
  const size_t colon = rest.find(':');
  if (colon == std::string_view::npos) {
    return Error{"a comparison needs two values: " + std::string(row.name) + "=A:B",
                 "values: " + values_text(row)};
  }
  const Result<int> a = value_index(row, rest.substr(0, colon));
  if (!a) return a.error();
  const Result<int> b = value_index(row, rest.substr(colon + 1));
  if (!b) return b.error();
  return std::pair{*a, *b};
}

}  // namespace

std::span<const ToggleInfo> toggle_table() {
  return kTable;
}

const ToggleInfo& info(ToggleKey key) {
  assert(key < ToggleKey::count_);
  return kTable[static_cast<size_t>(key)];
}

std::string_view to_string(Equivalence e) {
  switch (e) {
    case E::bitwise:
      return "bitwise";
    case E::bitwise_on_valid:
      return "bitwise on valid columns";
    case E::bounded:
      return "bounded";
  }
  return "";
}

ToggleSet::ToggleSet() {
  for (const ToggleInfo& row : kTable) set_index(row.key, row.default_index);
}

ToggleSet ToggleSet::all_off() {
  ToggleSet set;
  for (const ToggleInfo& row : kTable) set.set_index(row.key, 0);
  set.set_index(ToggleKey::page_size, info(ToggleKey::page_size).default_index);
  return set;
}

int ToggleSet::page_size() const {
  int pages = 0;
  const std::string_view text = value(ToggleKey::page_size);
  std::from_chars(text.data(), text.data() + text.size(), pages);
  return pages;
}

void ToggleSet::set_index(ToggleKey key, int value) {
  assert(value >= 0 && value < info(key).value_count);
  m_index[static_cast<size_t>(key)] = static_cast<uint8_t>(value);
}

Status ToggleSet::set(ToggleKey key, std::string_view value) {
  const Result<int> found = value_index(info(key), value);
  if (!found) return found.error();
  set_index(key, *found);
  return Ok{};
}

std::vector<ToggleKey> ToggleSet::differing(const ToggleSet& other) const {
  std::vector<ToggleKey> keys;
  for (const ToggleInfo& row : kTable) {
    if (index(row.key) != other.index(row.key)) keys.push_back(row.key);
  }
  return keys;
}

std::string ToggleSet::text() const {
  std::string text;
  for (const ToggleInfo& row : kTable) {
    text += (text.empty() ? "" : " ") + std::string(row.name) + "=" + std::string(value(row.key));
  }
  return text;
}

Result<ToggleKey> toggle_key(std::string_view name) {
  std::string known;
  for (const ToggleInfo& row : kTable) {
    if (row.name == name) return row.key;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  return Error{"no such switch: " + std::string(name), "known: " + known};
}

Result<ToggleArms> parse_arms(std::string_view text, const ToggleSet& base) {
  ToggleArms arms{{}, base, base};
  if (text.empty()) return Error{"no switch to compare", "--toggle"};
  for (size_t begin = 0; begin <= text.size();) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    const std::string_view item = text.substr(begin, comma - begin);
    begin = comma + 1;
    const size_t equals = std::min(item.find('='), item.size());
    const Result<ToggleKey> key = toggle_key(item.substr(0, equals));
    if (!key) return key.error();
    const ToggleInfo& row = info(*key);
    if (std::find(arms.keys.begin(), arms.keys.end(), *key) != arms.keys.end()) {
      return Error{"switch named twice: " + std::string(row.name), std::string(text)};
    }
    const auto values = arm_values(row, item.substr(equals));
    if (!values) return values.error();
    if (values->first == values->second) {
      return Error{"both arms have " + std::string(row.name) + "=" +
                       std::string(row.values[static_cast<size_t>(values->first)]),
                   std::string(item)};
    }
    arms.keys.push_back(*key);
    arms.a.set_index(*key, values->first);
    arms.b.set_index(*key, values->second);
  }
  return arms;
}

std::optional<std::string> unavailable(ToggleKey key, const ModelConfig& model,
                                       std::string_view backend) {
  if (auto missing = missing_in_model(key, model)) return missing;
  if (key == ToggleKey::launch && (backend == "cpu" || backend == "auto")) {
    return "needs a GPU: the cpu backend has no graph launch";
  }
  return std::nullopt;
}

Status validate(const ToggleSet& set, const ModelConfig& model, std::string_view backend) {
  const bool preshuffle = set.is(ToggleKey::index_layout, "preshuffle");
  if (preshuffle && set.page_size() % 16 != 0) {
    return Error{"index_layout=preshuffle needs a page_size that is a multiple of 16",
                 "page_size=" + std::string(set.value(ToggleKey::page_size))};
  }
  // A switch that can't be flipped must stand at its fixed value; one that the model does not know
  // is moot.
  if (set.is(ToggleKey::launch, "graph")) {
    if (const auto why = unavailable(ToggleKey::launch, model, backend)) {
      return Error{"launch=graph can't run", *why};
    }
  }
  if (set.is(ToggleKey::v_layout, "batch_major")) {
    if (const auto why = unavailable(ToggleKey::v_layout, model, backend)) {
      return Error{"v_layout=batch_major can't run", *why};
    }
  }
  return Ok{};
}

Equivalence equivalence_of(const ToggleSet& a, const ToggleSet& b) {
  Equivalence weakest = Equivalence::bitwise;
  for (const ToggleKey key : a.differing(b)) weakest = std::max(weakest, info(key).equivalence);
  return weakest;
}

}  // namespace trace
