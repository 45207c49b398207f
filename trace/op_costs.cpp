#include "trace/op_costs.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

namespace trace {
namespace {

constexpr int64_t kGroup = 128;      // fp8 scales along K, and both ways of a weight block
constexpr int64_t kMxGroup = 32;
constexpr int64_t kIndexDim = 128, kIndexToken = 132;
constexpr int64_t kTile = 64;        // slots of a sparse MLA tile, tokens of a page

// The step's sizes by the names that formulas use.
struct Sizes {
  const StepShape& shape;
  const ModelConfig& m;
  const OpRan& ran;
  std::string_view next;
  int64_t B, n, M, D, H, Hi, L, W, q, kv, rope, v, moe, dense, k, E, topk;

  Sizes(const StepShape& s, std::string_view next_op, const OpRan& what_ran)
      : shape(s), m(s.model), ran(what_ran), next(next_op), B(s.batch), n(s.next_n), M(s.tokens()), D(m.hidden), H(m.heads / std::max(1, s.tp)), Hi(m.index_heads),
        L(s.context), W(s.max_context ? s.max_context : (s.context + kTile - 1) / kTile * kTile), q(m.q_lora_rank), kv(m.kv_lora_rank), rope(m.qk_rope_head_dim),
        v(m.v_head_dim), moe(m.moe_intermediate / std::max(1, s.tp)), dense(m.dense_intermediate / std::max(1, s.tp)), k(m.experts_per_token), E(m.experts), topk(m.index_topk) {}

  int64_t kv_width() const { return kv + rope; }
  int64_t kv_row() const { return shape.kv == KvFormat::bf16 ? kv_width() * 2 : shape.kv == KvFormat::fp8 ? kv_width() : kv + kv / kGroup * 4 + rope * 2; }
  int64_t q_size() const { return shape.kv == KvFormat::fp8 ? 1 : 2; }
  Arithmetic kv_arithmetic() const { return shape.kv == KvFormat::fp8 ? Arithmetic::fp8 : Arithmetic::bf16; }
  // The shared expert runs as one more routed one where nothing runs it apart.
  bool shared_fused() const { return m.shared_experts > 0 && !ran("shared_gate_up"); }
  int64_t rows() const { return M * (k + (shared_fused() ? m.shared_experts : 0)); }
  double touched() const {
    const auto e = static_cast<double>(E), chosen = static_cast<double>(M * k);
    double routed = 0;
    switch (shape.routing.kind) {
      case Routing::Kind::uniform: routed = e * (1 - std::pow(1 - static_cast<double>(k) / e, static_cast<double>(M))); break;
      case Routing::Kind::distinct: routed = std::min(e, chosen); break;
      case Routing::Kind::given: routed = std::min({e, chosen, shape.routing.experts}); break;
    }
    return routed + (shared_fused() ? m.shared_experts : 0);
  }
  // sglang's rule for sparse MLA: 64-slot tiles shared out until a step fills the device.
  int64_t splits() const {
    const int64_t tiles = std::max<int64_t>(1, topk / kTile);
    int64_t inner = 1;
    while (inner * 2 <= M * tiles / 512 && tiles % (inner * 2) == 0) inner *= 2;
    return tiles / inner;
  }
};

Arithmetic arithmetic_of(WeightFormat f) { return f == WeightFormat::bf16 ? Arithmetic::bf16 : f == WeightFormat::mxfp4 ? Arithmetic::fp4 : Arithmetic::fp8; }

int64_t weight_bytes(WeightFormat f, int64_t N, int64_t K) {
  switch (f) {
    case WeightFormat::bf16: return N * K * 2;
    case WeightFormat::mxfp4: return N * K / 2 + N * K / kMxGroup;
    case WeightFormat::fp8_block: break;
  }
  return N * K + (N + kGroup - 1) / kGroup * ((K + kGroup - 1) / kGroup) * 4;
}

// `rows` inputs of K as this format's product wants them.
int64_t input_bytes(WeightFormat f, int64_t rows, int64_t K) {
  switch (f) {
    case WeightFormat::bf16: return rows * K * 2;
    case WeightFormat::mxfp4: return rows * (K / 2 + K / kMxGroup);
    case WeightFormat::fp8_block: break;
  }
  return rows * (K + K / kGroup * 4);
}

OpCost linear(const Sizes& s, WeightFormat f, int64_t N, int64_t K, int64_t out_size = 2) {
  return {weight_bytes(f, N, K) + input_bytes(f, s.M, K) + s.M * N * out_size, 2 * s.M * N * K, 0, arithmetic_of(f)};
}

OpCost batched(const Sizes& s, int64_t N, int64_t K) {
  const int64_t n = s.H * N * K;
  const int64_t weights = s.m.absorb == WeightFormat::fp8_block ? n : s.m.absorb == WeightFormat::bf16 ? n * 2 : n / 2 + n / kMxGroup;
  return {weights + s.M * s.H * (K + N) * 2, 2 * s.M * n, 0, arithmetic_of(s.m.absorb)};
}

OpCost plain(int64_t bytes) { return {bytes, 0, 0, Arithmetic::none}; }

// `tensors` of M x n in bf16 and the weight; with the quantised result, unless `quant` ran as an op of its own.
OpCost norm(const Sizes& s, int64_t n, int64_t tensors, std::string_view quant = {}) {
  const int64_t quantised = quant.empty() || s.ran(quant) ? 0 : s.M * (n + n / kGroup * 4);
  return plain(n * 2 + s.M * n * 2 * tensors + quantised);
}

OpCost quantise(int64_t rows, int64_t n) { return plain(rows * (n * 3 + n / kGroup * 4)); }
OpCost copied(int64_t values, int64_t size) { return plain(2 * values * size); }
OpCost silu(int64_t rows, int64_t n, int64_t size) { return plain(rows * n * (2 * size + 2)); }

OpCost scale_copy(const Sizes& s) {
  const int64_t K = s.next == "q_b" || s.next == "wq_b" ? s.q : s.next == "o_proj" ? s.H * s.v : s.next == "shared_down" ? s.moe : s.next == "mlp_down" ? s.dense : s.D;
  return plain(s.M * (K / kGroup) * 8);
}

OpCost mqa_logits(const Sizes& s) {
  return {s.B * (s.L * kIndexToken + s.n * s.Hi * kIndexToken + s.n * s.L * 4), s.M * s.L * s.Hi * (2 * kIndexDim + 3), 0, Arithmetic::fp8};
}

OpCost sparse_partial(const Sizes& s) {
  const int64_t rows = std::min(s.topk, s.L);
  return {s.M * (rows * s.kv_row() + s.topk * 4 + s.H * s.kv_width() * s.q_size() + s.splits() * s.H * (s.kv * 2 + 4)), 2 * s.M * s.H * rows * (s.kv_width() + s.kv), 0, s.kv_arithmetic()};
}

OpCost dense_mla(const Sizes& s) {
  return {s.M * s.H * (s.kv_width() * s.q_size() + s.kv * 2 + 4) + s.B * s.L * (s.kv_row() + 4), 2 * s.M * s.H * s.L * (s.kv_width() + s.kv), 0, s.kv_arithmetic()};
}

OpCost experts(const Sizes& s, int64_t N, int64_t K, int64_t inputs, int64_t outputs) {
  const WeightFormat f = s.m.experts_format;
  const auto weights = static_cast<int64_t>(std::llround(s.touched() * static_cast<double>(weight_bytes(f, N, K))));
  return {weights + input_bytes(f, inputs, K) + outputs, 2 * s.rows() * N * K, 0, arithmetic_of(f)};
}

// In: reduce-scatter and all-gather move the least that any all-reduce can.
OpCost all_reduce(const Sizes& s) {
  const int64_t size = s.M * s.D * 2, tp = s.shape.tp;
  return {2 * size, 0, tp > 1 ? 2 * size * (tp - 1) / tp : 0, Arithmetic::none};
}

using Formula = OpCost (*)(const Sizes&);

const std::map<std::string_view, Formula>& formulas() {
  using S = Sizes;
  static const std::map<std::string_view, Formula> table = {
      {"embed", [](const S& s) { return plain(s.M * (s.D * 4 + 4)); }},
      {"input_norm", [](const S& s) { return norm(s, s.D, 4, "input_quant"); }},
      {"input_quant", [](const S& s) { return quantise(s.M, s.D); }},
      {"wk_quant", [](const S& s) { return quantise(s.M, s.D); }},
      {"x_scale_copy", scale_copy},
      {"qkv_a", [](const S& s) { return linear(s, s.m.linears, s.q + s.kv_width(), s.D); }},
      {"q_kv_norm", [](const S& s) { return plain(norm(s, s.q, 2, "q_b_quant").bytes + norm(s, s.kv, 2).bytes); }},
      {"q_a_norm", [](const S& s) { return norm(s, s.q, 2, "q_b_quant"); }},
      {"kv_a_norm", [](const S& s) { return norm(s, s.kv, 2); }},
      {"q_b_quant", [](const S& s) { return quantise(s.M, s.q); }},
      {"q_b", [](const S& s) { return linear(s, s.m.linears, s.H * s.m.qk_head_dim(), s.q); }},
      {"q_lora_quant", [](const S& s) { return quantise(s.M, s.q); }},
      {"wq_b", [](const S& s) { return linear(s, s.m.linears, s.Hi * kIndexDim, s.q); }},
      {"wk", [](const S& s) { return linear(s, s.m.linears, kIndexDim, s.D); }},
      {"k_norm", [](const S& s) { return plain(s.M * kIndexDim * 4 + kIndexDim * 4); }},
      {"index_rope", [](const S& s) { return plain(s.M * ((s.Hi + 1) * s.rope * 4 + s.rope * 2)); }},
      {"hadamard_q", [](const S& s) { return copied(s.M * s.Hi * kIndexDim, 2); }},
      {"hadamard_k", [](const S& s) { return copied(s.M * kIndexDim, 2); }},
      {"index_q_quant", [](const S& s) { return plain(s.M * s.Hi * (kIndexDim * 3 + 4)); }},
      {"index_k_quant", [](const S& s) { return plain(s.M * (kIndexDim * 3 + 4)); }},
      {"index_k_store", [](const S& s) { return plain(s.M * (s.ran("index_k_quant") ? 2 * kIndexToken + 4 : kIndexDim * 3 + 8)); }},
      {"index_fused", [](const S& s) { return plain(s.M * (s.Hi + 1) * (kIndexDim * 2 + kIndexToken)); }},
      {"weights_proj", [](const S& s) { return linear(s, WeightFormat::bf16, s.Hi, s.D); }},
      {"head_gates", [](const S& s) { return plain(s.M * s.Hi * 10); }},
      {"logits_fill", [](const S& s) { return plain(s.M * s.W * 4); }},
      {"mqa_logits", mqa_logits},
      {"topk", [](const S& s) { return plain(s.M * ((s.L > s.topk ? s.L * 4 : 0) + s.topk * 8)); }},
      {"absorb", [](const S& s) { return batched(s, s.kv, s.m.qk_nope_head_dim); }},
      {"rope_cat_store", [](const S& s) { return plain(s.M * (s.H + 1) * s.kv_width() * (2 + s.q_size()) + s.M * (s.rope * 2 + 8)); }},
      {"concat", [](const S& s) { return copied(s.M * s.H * s.kv_width(), s.q_size()); }},
      {"q_concat", [](const S& s) { return copied(s.M * s.H * s.kv_width(), s.q_size()); }},
      {"kv_quant", [](const S& s) { return plain(s.M * (s.kv_width() * 2 + s.kv_row())); }},
      {"kv_store", [](const S& s) { return plain(s.M * (2 * s.kv_row() + 8)); }},
      {"sparse_partial", sparse_partial},
      {"sparse_combine", [](const S& s) { return plain(s.M * s.H * (s.splits() * (s.kv * 2 + 4) + s.kv * 2)); }},
      {"mla", dense_mla},
      {"mla_partial", dense_mla},
      {"v_bmm", [](const S& s) { return batched(s, s.v, s.kv); }},
      {"v_flatten_copy", [](const S& s) { return copied(s.M * s.H * s.v, 2); }},
      {"attn_quant", [](const S& s) { return quantise(s.M, s.H * s.v); }},
      {"o_proj", [](const S& s) { return linear(s, s.m.o_proj, s.D, s.H * s.v); }},
      {"attn_all_reduce", all_reduce},
      {"moe_all_reduce", all_reduce},
      {"mlp_all_reduce", all_reduce},
      {"all_reduce", all_reduce},
      {"post_norm", [](const S& s) { return norm(s, s.D, 4); }},
      {"mlp_quant", [](const S& s) { return quantise(s.M, s.D); }},
      {"mlp_gate_up", [](const S& s) { return linear(s, s.m.linears, 2 * s.dense, s.D); }},
      {"mlp_silu", [](const S& s) { return silu(s.M, s.dense, 2); }},
      {"mlp_act_quant", [](const S& s) { return quantise(s.M, s.dense); }},
      {"mlp_down", [](const S& s) { return linear(s, s.m.linears, s.D, s.dense); }},
      {"router", [](const S& s) { return linear(s, WeightFormat::bf16, s.E, s.D); }},
      {"router_topk", [](const S& s) { return plain(s.M * (s.E * 2 + s.k * 8) + s.E * 2); }},
      {"append_shared", [](const S& s) { return plain(s.M * (2 * s.k + 1) * 8); }},
      {"moe_sort", [](const S& s) { return plain(s.rows() * 8 + (s.E + (s.shared_fused() ? s.m.shared_experts : 0) + 1) * 4); }},
      {"moe_quant", [](const S& s) { return quantise(s.M, s.D); }},
      {"moe_fill", [](const S& s) { return plain(s.M * s.D * 2); }},
      {"experts_gate_up", [](const S& s) { return experts(s, 2 * s.moe, s.D, s.M, s.rows() * (2 * s.moe * 4 + 4)); }},
      {"experts_silu", [](const S& s) { return silu(s.rows(), s.moe, 4); }},
      {"experts_quant", [](const S& s) { return quantise(s.rows(), s.moe); }},
      {"experts_down", [](const S& s) { return experts(s, s.D, s.moe, s.rows(), s.rows() * 8 + s.M * s.D * 4); }},
      {"moe_finalize", [](const S& s) { return plain(s.rows() * s.D * 2 + s.M * s.D * 2); }},
      {"shared_quant", [](const S& s) { return quantise(s.M, s.D); }},
      {"shared_gate_up", [](const S& s) { return linear(s, s.m.linears, 2 * s.moe, s.D); }},
      {"shared_silu", [](const S& s) { return silu(s.M, s.moe, 2); }},
      {"shared_act_quant", [](const S& s) { return quantise(s.M, s.moe); }},
      {"shared_down", [](const S& s) { return linear(s, s.m.linears, s.D, s.moe); }},
      {"shared_add", [](const S& s) { return plain(3 * s.M * s.D * 2); }},
      {"final_norm", [](const S& s) { return norm(s, s.D, 3); }},
      {"lm_head", [](const S& s) { return linear(s, WeightFormat::bf16, s.m.vocab / std::max(1, s.shape.tp), s.D, 4); }},
      {"argmax", [](const S& s) { return plain(s.M * (s.m.vocab / std::max(1, s.shape.tp) + 1) * 4); }},
  };
  return table;
}

// Grouped-query attention: what differs from the formulas above.
struct GqaSizes {
  const Sizes& s;
  int64_t hd, q, kv;       // of a head; of all this rank's heads of q, of keys (and of values)
  int64_t kv_size;         // bytes of a cached value
  explicit GqaSizes(const Sizes& sizes)
      : s(sizes), hd(sizes.shape.gqa->head_dim), q(sizes.H * hd), kv(std::max<int64_t>(1, sizes.shape.gqa->kv_heads / std::max(1, sizes.shape.tp)) * hd),
        kv_size(sizes.shape.kv == KvFormat::bf16 ? 2 : 1) {}
  // Tokens that a layer looks at, as the mean of layers with and without a window.
  int64_t reach() const {
    const int64_t window = s.shape.gqa->sliding_window;
    return window > 0 ? (s.L + std::min(s.L, window)) / 2 : s.L;
  }
  bool quantised() const { return s.m.linears == WeightFormat::fp8_block; }
};

// A norm of M x hidden with its residual; quantised only for products of fp8.
OpCost gqa_norm(const GqaSizes& g, int64_t tensors, std::string_view quant) { return g.quantised() ? norm(g.s, g.s.D, tensors, quant) : norm(g.s, g.s.D, tensors); }

// Reads each cached key and value of a sequence once; partial sums of split contexts are left out.
OpCost gqa_attention(const GqaSizes& g) {
  return {g.s.B * g.reach() * 2 * g.kv * g.kv_size + g.s.M * g.q * 4, 4 * g.s.M * g.q * g.reach(), 0, g.kv_size == 1 ? Arithmetic::fp8 : Arithmetic::bf16};
}

using GqaFormula = OpCost (*)(const GqaSizes&);

const std::map<std::string_view, GqaFormula>& gqa_formulas() {
  using G = GqaSizes;
  static const std::map<std::string_view, GqaFormula> table = {
      {"input_norm", [](const G& g) { return gqa_norm(g, 4, "input_quant"); }},
      {"post_norm", [](const G& g) { return gqa_norm(g, 4, "mlp_quant"); }},
      {"qkv", [](const G& g) { return linear(g.s, g.s.m.linears, g.q + 2 * g.kv, g.s.D); }},
      {"q_copy", [](const G& g) { return copied(g.s.M * g.q, 2); }},
      {"k_copy", [](const G& g) { return copied(g.s.M * g.kv, 2); }},
      {"q_norm", [](const G& g) { return plain(g.s.M * g.q * 4 + g.hd * 2); }},
      {"qk_norm", [](const G& g) { return plain(g.s.M * (g.kv + (g.s.ran("q_norm") ? 0 : g.q)) * 4 + g.hd * 2); }},
      {"rope", [](const G& g) { return plain(g.s.M * ((g.q + g.kv) * 4 + g.hd * 2 + 8)); }},
      {"kv_store", [](const G& g) { return plain(g.s.M * (2 * g.kv * (2 + g.kv_size) + 8)); }},
      {"attention", gqa_attention},
      {"attention_reduce", [](const G& g) { return plain(g.s.M * g.q * 4); }},
  };
  return table;
}

}  // namespace

std::optional<OpCost> op_cost(const StepShape& shape, std::string_view op, std::string_view next, const OpRan& ran) {
  const Sizes sizes(shape, next, ran);
  if (shape.gqa)
    if (const auto own = gqa_formulas().find(op); own != gqa_formulas().end()) return own->second(GqaSizes(sizes));
  const auto found = formulas().find(op);
  if (found == formulas().end()) return std::nullopt;
  return found->second(sizes);
}

Result<Routing> parse_routing(std::string_view text) {
  if (text == "uniform") return Routing{};
  if (text == "distinct") return Routing{Routing::Kind::distinct, 0};
  double experts = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), experts);
  if (code == std::errc{} && end == text.data() + text.size() && experts >= 1 && experts <= 1e6) return Routing{Routing::Kind::given, experts};
  return Error{"routing is uniform, distinct, or how many routed experts a layer met", "--routing " + std::string(text)};
}

std::string to_string(const Routing& r) {
  switch (r.kind) {
    case Routing::Kind::uniform: return "uniform";
    case Routing::Kind::distinct: return "distinct";
    case Routing::Kind::given: break;
  }
  return fmt::format("{:g} experts a layer", r.experts);
}

std::string_view to_string(KvFormat f) { return f == KvFormat::bf16 ? "bf16" : f == KvFormat::fp8 ? "fp8" : "fp8_scaled"; }
std::string_view to_string(Arithmetic a) { return a == Arithmetic::none ? "none" : a == Arithmetic::bf16 ? "bf16" : a == Arithmetic::fp8 ? "fp8" : "fp4"; }

}  // namespace trace
