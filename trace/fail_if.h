// `compare --fail-if`: conditions on the difference of two sides, judged with confidence or not at all.
//
//   EXPR = METRIC (> | >= | < | <=) NUMBER, several joined by "or": wall_pct > 2 or op:topk_us > 5
//   wall_pct          change of the wall in percent of A's
//   idle_us stall_us  change of idle time, of stalls, in us
//   kernels           change of the number of kernels
//   op:NAME_us        change of the summed durations of a model op, or of a kernel by its bare name
//
// All are B minus A, of one sample to the next: whole runs where there are 3 or more a side, else the steps or layers of
// a single run a side where there are 5 or more of each. Fewer: unknown. Met = the 95 % interval of the difference
// (Welch) lies beyond the bound. Thread rule: pure functions of const Traces.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace/result.h"
#include "trace/trace.h"

namespace trace {

struct Condition {
  enum class Metric : uint8_t { wall_pct, idle_us, stall_us, kernels, op_us };
  Metric metric = Metric::wall_pct;
  std::string op;              // of op_us
  bool greater = true;         // > or >=; else < or <=. An interval that touches the bound meets neither
  double bound = 0;
  std::string text;            // as it was written
};
// error: what cannot be understood, and what is known.
Result<std::vector<Condition>> parse_conditions(std::string_view);

enum class ConditionState : uint8_t { met, not_met, unclear, unknown };

struct ConditionResult {
  Condition condition;
  ConditionState state = ConditionState::unknown;
  double value = 0, lo = 0, hi = 0;   // difference and its 95 % interval; NaN where unknown
  int n_a = 0, n_b = 0;
  std::string samples;                // "runs", "steps", "layers"; empty where unknown
  std::string reason;
};
std::vector<ConditionResult> judge(const std::vector<Condition>&, std::span<const TracePtr> a, std::span<const TracePtr> b);

std::string_view to_string(ConditionState);

}  // namespace trace
