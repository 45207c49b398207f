// Bytes and flops of one launch of a model op, from the model's dimensions and what a step held: an estimate for kernels
// that somebody else ran. Every tensor counts once, read or written; formulas are those by which the engine's own ops
// count themselves (kernels/*_ref.cpp), and a test holds the two together on a recorded step.
// Thread rule: pure functions.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "trace/gqa_model.h"
#include "trace/model.h"
#include "trace/result.h"

namespace trace {

// 1152, 576 and 656 bytes a token of 512 + 64 dimensions; of grouped-query attention 2 or 1 a value, never scaled.
enum class KvFormat : uint8_t { bf16, fp8, fp8_scaled };

// How many different experts M tokens meet.
struct Routing {
  enum class Kind : uint8_t { uniform, distinct, given } kind = Kind::uniform;
  double experts = 0;      // given: routed experts a layer
  bool operator==(const Routing&) const = default;
};
// "uniform": E (1 - (1 - k/E)^M); "distinct": min(E, M k); or a number of experts. error: none of these.
Result<Routing> parse_routing(std::string_view text);
std::string to_string(const Routing&);

struct StepShape {
  ModelConfig model;
  std::optional<GqaModel> gqa;   // grouped-query attention; `model` has its dimensions too then
  int batch = 0;           // sequences
  int next_n = 1;          // tokens a sequence and step
  int context = 0;         // tokens of a sequence, on average
  int max_context = 0;     // width of the logits; 0 = the context, in whole pages of 64
  int tp = 1;
  KvFormat kv = KvFormat::fp8;
  Routing routing;
  int64_t tokens() const { return int64_t{batch} * next_n; }
};

enum class Arithmetic : uint8_t { none, bf16, fp8, fp4 };   // none: products of no matrix, far below every ceiling

struct OpCost {
  int64_t bytes = 0, flops = 0;
  int64_t link_bytes = 0;    // that must arrive from peers, whatever the algorithm
  Arithmetic arithmetic = Arithmetic::none;
  bool operator==(const OpCost&) const = default;
};

// What else ran decides how work is shared out: a separate quantisation takes its bytes out of the norm before it.
using OpRan = std::function<bool(std::string_view op)>;

// `next`: the op that follows on the stream, for copies whose size their reader says. nullopt: no estimate of this op.
std::optional<OpCost> op_cost(const StepShape&, std::string_view op, std::string_view next, const OpRan& ran);

std::string_view to_string(KvFormat);
std::string_view to_string(Arithmetic);

}  // namespace trace
