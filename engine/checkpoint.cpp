#include "engine/checkpoint.h"

#include <algorithm>
#include <cmath>

#include "engine/checkpoint_values.h"

namespace engine {

using kernels::kGroup;
using kernels::kMxGroup;
using trace::Error;
using trace::Ok;
using trace::Result;
using trace::Status;
using Kind = WeightTensor::Kind;

namespace {

enum class Cut { none, rows, columns };  // what of a matrix belongs to one rank

// A tensor of the layout ("qkv_a" of "layers.3.qkv_a") and where the checkpoint has it.
struct Name {
  std::string_view part, published;
  Cut cut = Cut::none;
  bool whole = false;  // the published name ends without ".weight"
};
constexpr Name kNames[] = {
    {"input_norm", "input_layernorm"},
    {"q_norm", "self_attn.q_a_layernorm"},
    {"kv_norm", "self_attn.kv_a_layernorm"},
    {"post_norm", "post_attention_layernorm"},
    {"q_b", "self_attn.q_b_proj", Cut::rows},
    {"o_proj", "self_attn.o_proj", Cut::columns},
    {"wq_b", "self_attn.indexer.wq_b"},
    {"wk", "self_attn.indexer.wk"},
    {"k_norm", "self_attn.indexer.k_norm"},
    {"k_norm_bias", "self_attn.indexer.k_norm.bias", Cut::none, true},
    {"weights_proj", "self_attn.indexer.weights_proj"},
    {"mlp.gate", "mlp.gate_proj", Cut::rows},
    {"mlp.up", "mlp.up_proj", Cut::rows},
    {"mlp.down", "mlp.down_proj", Cut::columns},
    {"router", "mlp.gate"},
    {"router_bias", "mlp.gate.e_score_correction_bias", Cut::none, true},
    {"experts.gate", "gate_proj", Cut::rows},
    {"experts.up", "up_proj", Cut::rows},
    {"experts.down", "down_proj", Cut::columns},
};

const Name& published(std::string_view part) {
  const auto* found = std::find_if(std::begin(kNames), std::end(kNames),
                                   [&](const Name& n) { return n.part == part; });
  assert(found != std::end(kNames));
  return *found;
}

std::string list(std::initializer_list<std::string_view> words) {
  std::string text;
  for (const std::string_view w : words) text.append(text.empty() ? "" : " or ").append(w);
  return text;
}

int64_t blocks(int64_t n) {
  return (n + kGroup - 1) / kGroup;
}

// Which field of the model says the format of this tensor.
std::string_view format_field(std::string_view part) {
  if (part == "o_proj") return "o_proj";
  return part.starts_with("experts.") ? "experts_format" : "linears";
}

// "layers.3.q_b" -> "q_b"; what lies outside the layers keeps its name.
std::string_view part_of(std::string_view name, std::string_view* layer = nullptr) {
  if (!name.starts_with("layers.")) return name;
  const size_t dot = name.find('.', 7) + 1;
  if (layer) *layer = name.substr(0, dot);
  return name.substr(dot);
}

}  // namespace

// Where this tensor's rows lie in the file, by name and shape alone.
Checkpoint::Need Checkpoint::need(const WeightTensor& t) const {
  const Shape& s = m_shape;
  std::string_view layer;
  const std::string_view part = part_of(t.name, &layer);
  const std::string at = m_prefix + "model." + std::string(layer);
  Need need;
  const auto add = [&](std::string name, Cut cut, int64_t rows, int64_t row = 0, int64_t batch = 0,
                       bool whole = false) {
    Source source{.name = std::move(name), .whole_name = whole, .rows = rows, .columns = t.K};
    source.batch = batch, source.row = row, source.n = rows;
    if (cut == Cut::rows) source.rows *= s.tp, source.first_row = m_rank * rows;
    if (cut == Cut::columns) source.columns *= s.tp, source.first_column = m_rank * t.K;
    need.sources.push_back(std::move(source));
  };
  if (part == "embedding") {
    add(at + "embed_tokens", Cut::rows, t.N);
  } else if (part == "lm_head") {
    add(m_prefix + "lm_head", Cut::rows, t.N);
  } else if (part == "final_norm") {
    add(at + "norm", Cut::none, t.N);
  } else if (part == "qkv_a") {
    add(at + "self_attn.q_a_proj", Cut::none, s.q_lora);
    add(at + "self_attn.kv_a_proj_with_mqa", Cut::none, s.kv(), s.q_lora);
  } else if (part == "w_kc" || part == "w_vc") {
    need.from_kv_b = true, need.is_kc = part == "w_kc";
    Source source{.name = at + "self_attn.kv_b_proj", .columns = s.latent};
    source.rows = s.all_heads * (s.nope + s.v), source.n = s.heads * (s.nope + s.v);
    source.first_row = m_rank * source.n;
    need.sources.push_back(std::move(source));
  } else if (part.starts_with("experts.")) {
    const Name& name = published(part);
    for (int64_t e = 0; e < t.batches; ++e) {
      const std::string expert =
          e < s.experts ? "mlp.experts." + std::to_string(e) + "." : "mlp.shared_experts.";
      add(at + expert + std::string(name.published), name.cut, t.N, 0, e);
    }
  } else {
    const Name& name = published(part);
    add(at + std::string(name.published), name.cut, t.N, 0, 0, name.whole);
  }
  return need;
}

Result<const StoredTensor*> Checkpoint::expect(const std::string& name,
                                               std::initializer_list<std::string_view> dtypes,
                                               std::vector<int64_t> shape,
                                               const std::string& hint) {
  StoredTensor want;
  want.dtype = list(dtypes), want.shape = std::move(shape);
  const auto found = m_files->find(name);
  if (!found) return Error{found.error().what + ", expected " + want.text(), found.error().where};
  const bool dtype = std::find(dtypes.begin(), dtypes.end(), (*found)->dtype) != dtypes.end();
  if (!dtype || (*found)->shape != want.shape) {
    return Error{"tensor " + name + ": expected " + want.text() + ", found " + (*found)->text() +
                     (dtype ? "" : hint),
                 m_files->path()};
  }
  return found;
}

Status Checkpoint::find(const WeightTensor& t, Source& s) {
  const bool vector = t.kind == Kind::norm || t.kind == Kind::offset;
  const std::string name = s.whole_name ? s.name : s.name + ".weight";
  const auto take = [](Result<const StoredTensor*> from, const StoredTensor*& to) -> Status {
    if (!from) return from.error();
    to = *from;
    return Ok{};
  };
  // A matrix in another format than the model's: which setting takes it as it is.
  std::string hint;
  const std::string_view part = part_of(t.name);
  const bool fixed = vector || part == "embedding" || part == "lm_head" || part == "router" ||
                     part == "weights_proj";
  if (const auto found = m_files->find(name); found && !fixed) {
    const std::string& dtype = (*found)->dtype;
    const char* format = dtype == "F8_E4M3" ? "fp8"
                         : dtype == "BF16"  ? "bf16"
                         : dtype == "U8"    ? "mxfp4"
                                            : nullptr;
    if (format)
      hint = "; --set " + std::string(format_field(part)) + "=" + format + " takes it as it is";
    s.quantise = t.kind == Kind::mxfp4 && dtype == "BF16" &&
                 s.name.find("shared_experts") != std::string::npos;
  }
  switch (s.quantise ? Kind::bf16 : t.kind) {
    case Kind::fp8: {
      if (s.first_row % kGroup != 0 || s.first_column % kGroup != 0) {
        return Error{"tensor " + name + ": the slice of rank " + std::to_string(m_rank) +
                         " begins inside a 128x128 block of scales: a smaller --tp",
                     m_files->path()};
      }
      if (const Status v = take(expect(name, {"F8_E4M3"}, {s.rows, s.columns}, hint), s.values); !v)
        return v;
      return take(
          expect(s.name + ".weight_scale_inv", {"F32"}, {blocks(s.rows), blocks(s.columns)}, ""),
          s.scales);
    }
    case Kind::mxfp4:
      if (const Status v = take(expect(name, {"U8"}, {s.rows, s.columns / 2}, hint), s.values); !v)
        return v;
      return take(
          expect(s.name + ".weight_scale", {"U8", "F8_E8M0"}, {s.rows, s.columns / kMxGroup}, ""),
          s.scales);
    default:
      return take(expect(name, {"BF16", "F32", "F16"},
                         vector ? std::vector{s.columns} : std::vector{s.rows, s.columns}, hint),
                  s.values);
  }
}

// Any format: it is dequantised at load.
Status Checkpoint::find_kv_b(Source& s) {
  const std::string name = s.name + ".weight";
  const auto stored = m_files->find(name);
  const std::string dtype = stored ? (*stored)->dtype : std::string();
  const bool mx = dtype == "U8";
  const auto values = expect(name, {"F8_E4M3", "BF16", "F32", "F16", "U8"},
                             {s.rows, mx ? s.columns / 2 : s.columns}, "");
  if (!values) return values.error();
  s.values = *values;
  if (dtype != "F8_E4M3" && !mx) return Ok{};
  const auto scales =
      mx ? expect(s.name + ".weight_scale", {"U8", "F8_E8M0"}, {s.rows, s.columns / kMxGroup}, "")
         : expect(s.name + ".weight_scale_inv", {"F32"}, {blocks(s.rows), blocks(s.columns)}, "");
  if (!scales) return scales.error();
  s.scales = *scales;
  return Ok{};
}

Result<std::shared_ptr<const Checkpoint>> Checkpoint::open(const std::string& path,
                                                           const trace::ModelConfig& model,
                                                           const Shape& shape, int rank) {
  auto files = TensorFiles::open(path);
  if (!files) return files.error();
  std::shared_ptr<Checkpoint> c(new Checkpoint(std::move(*files), shape, rank));
  if (c->m_files->holds("language_model.model.norm.weight")) c->m_prefix = "language_model.";
  const WeightLayout layout(model, shape, nullptr);
  for (const WeightTensor& t : layout.tensors()) {
    Need need = c->need(t);
    for (Source& s : need.sources) {
      if (const Status status = need.from_kv_b ? c->find_kv_b(s) : c->find(t, s); !status)
        return status.error();
    }
    c->m_needs.push_back(std::move(need));
  }
  return std::shared_ptr<const Checkpoint>(std::move(c));
}

Status Checkpoint::load(const WeightLayout& layout, std::vector<LayerWeights>& layers,
                        const Progress& progress) const {
  int64_t done = 0, all = 0;
  for (const WeightTensor& t : layout.tensors()) all += t.batches * t.N * t.K;
  for (size_t i = 0; i < m_needs.size(); ++i) {
    const WeightTensor& t = layout.tensors()[i];
    if (progress)
      progress("loading weights, " + t.name, static_cast<double>(done) / static_cast<double>(all));
    for (const Source& s : m_needs[i].sources) {
      const Status status =
          m_needs[i].from_kv_b
              ? split_kv_b(t, s, m_needs[i].is_kc,
                           layers[static_cast<size_t>(std::stoll(t.name.substr(7)))])
              : copy(t, s);
      if (!status) return status;
    }
    done += t.batches * t.N * t.K;
  }
  return Ok{};
}

Status Checkpoint::copy(const WeightTensor& t, const Source& s) const {
  std::vector<float> row(static_cast<size_t>(t.K));
  const StoredMatrix from{s.values, s.scales, s.columns};
  const int64_t first = s.batch * t.stride + s.row;  // row of the tensor
  for (int64_t i = 0; i < s.n; ++i) {
    auto* out = static_cast<uint8_t*>(t.values);
    if (t.kind == Kind::fp8) {
      uint8_t* codes = out + (first + i) * t.K;
      std::memcpy(codes, s.values->data + (s.first_row + i) * s.columns + s.first_column,
                  static_cast<size_t>(t.K));
      if (std::any_of(codes, codes + t.K, [](uint8_t c) { return (c & 0x7f) == 0x7f; }))
        return Error{
            "tensor " + s.name + ".weight: a NaN in row " + std::to_string(s.first_row + i),
            path()};
    } else if (t.kind == Kind::mxfp4 && !s.quantise) {
      std::memcpy(out + (first + i) * t.K / 2,
                  s.values->data + ((s.first_row + i) * s.columns + s.first_column) / 2,
                  static_cast<size_t>(t.K / 2));
      std::memcpy(static_cast<uint8_t*>(t.scales) +
                      (s.batch * t.scale_stride + s.row + i) * (t.K / kMxGroup),
                  s.scales->data + ((s.first_row + i) * s.columns + s.first_column) / kMxGroup,
                  static_cast<size_t>(t.K / kMxGroup));
    } else {
      from.row(s.first_row + i, s.first_column, row);
      if (t.kind == Kind::mxfp4)
        store_mx(row, out + (first + i) * t.K / 2,
                 static_cast<uint8_t*>(t.scales) +
                     (s.batch * t.scale_stride + s.row + i) * (t.K / kMxGroup));
      else
        store_bf16(row, reinterpret_cast<kernels::Bf16*>(out) + (first + i) * t.K);
    }
  }
  if (t.kind != Kind::fp8) return Ok{};
  const int64_t groups = t.K / kGroup, stored = blocks(s.columns);
  for (int64_t g = 0; g < blocks(s.n); ++g) {
    std::memcpy(
        static_cast<float*>(t.scales) + (s.batch * t.scale_stride + s.row / kGroup + g) * groups,
        s.scales->data + ((s.first_row / kGroup + g) * stored + s.first_column / kGroup) * 4,
        static_cast<size_t>(groups * 4));
  }
  return Ok{};
}

// Rows of a head: nope of w_kc (transposed here), then v of w_vc.
Status Checkpoint::split_kv_b(const WeightTensor& t, const Source& s, bool kc,
                              LayerWeights& layer) const {
  const StoredMatrix from{s.values, s.scales, s.columns};
  const int64_t nope = m_shape.nope, v = m_shape.v, latent = m_shape.latent;
  std::vector<float> row(static_cast<size_t>(latent)), head(static_cast<size_t>(t.N * t.K)),
      out(static_cast<size_t>(t.K));
  float largest = 0, scale = 1;
  for (int64_t i = 0; i < s.n; ++i) {
    from.row(s.first_row + i, 0, row);
    for (const float x : row) {
      if (!std::isfinite(x))
        return Error{"tensor " + s.name + ".weight: row " + std::to_string(s.first_row + i) +
                         " holds what is no finite number",
                     path()};
      largest = std::max(largest, std::fabs(x));
    }
  }
  if (t.kind == Kind::one_scale) {
    scale = std::max(largest, 1e-12f) / kernels::kE4m3Max;
    (kc ? layer.w_kc : layer.w_vc).scale = scale;
  }
  for (int64_t h = 0; h < m_shape.heads; ++h) {
    const int64_t first = s.first_row + h * (nope + v) + (kc ? 0 : nope);
    for (int64_t i = 0; i < (kc ? nope : v); ++i) {
      from.row(first + i, 0, row);
      for (int64_t c = 0; c < latent; ++c)
        head[static_cast<size_t>(kc ? c * nope + i : i * latent + c)] = row[static_cast<size_t>(c)];
    }
    for (int64_t n = 0; n < t.N; ++n) {
      std::copy_n(head.begin() + n * t.K, t.K, out.begin());
      const int64_t at = h * t.N + n;
      auto* values = static_cast<uint8_t*>(t.values);
      if (t.kind == Kind::one_scale) {
        for (int64_t k = 0; k < t.K; ++k)
          values[at * t.K + k] = kernels::to_e4m3(out[static_cast<size_t>(k)] / scale).bits;
      } else if (t.kind == Kind::mxfp4) {
        store_mx(out, values + at * t.K / 2,
                 static_cast<uint8_t*>(t.scales) + at * (t.K / kMxGroup));
      } else {
        store_bf16(out, reinterpret_cast<kernels::Bf16*>(values) + at * t.K);
      }
    }
  }
  return Ok{};
}

}  // namespace engine
