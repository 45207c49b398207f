// The two questions about each switch: what a window says of it, and what would go if it were on. Internal to
// advise.cpp. Adding a switch = a row in advise_switches.cpp.
#pragma once
#include <string>

#include "trace/advise.h"
#include "trace/bubbles.h"

namespace trace {

// What the questions look at.
struct SwitchEvidence {
  const Trace& trace;
  const OpUses& uses;
  const DetectedModel& model;
  const BubbleReport& bubbles;
  int64_t attention_blocks = 0;
  int64_t indexers = 0;       // mqa_logits kernels

  int64_t ns_of_shortest(const OpUse& use, int64_t n) const {
    return shortest_ns(trace, uses.window(), use, n);
  }
  // Whether some kernel's name holds one of the texts; lower and upper case alike.
  bool named(const OpUse&, std::initializer_list<std::string_view> texts) const;
  // Short name of the first of them, in backquotes; empty when there is none.
  std::string name(const OpUse&) const;
};

struct SwitchFinding {
  SwitchState state = SwitchState::not_applicable;
  std::string value;
  std::string reason;
  OpUse shown;                // the kernels that show it
};

struct SwitchWorth {
  OpUse kernels;
  int64_t ns = 0;
  std::string how;            // "1 x 5.319 us"; how ns follows from the kernels
};

// What the questions answer with.
namespace finding {
inline SwitchFinding on(std::string_view value, std::string reason, OpUse shown = {}) {
  return {SwitchState::on, std::string(value), std::move(reason), std::move(shown)};
}
inline SwitchFinding off(std::string_view value, std::string reason, OpUse shown = {}) {
  return {SwitchState::off, std::string(value), std::move(reason), std::move(shown)};
}
inline SwitchFinding none(std::string reason) {
  return {SwitchState::not_applicable, {}, std::move(reason), {}};
}
inline SwitchFinding untold(const std::string& reason) { return none("cannot be told: " + reason); }
}  // namespace finding
SwitchWorth all_of(OpUse);    // every kernel would go

// The questions about the indexer's switches (advise_indexer.cpp); the others are beside the table.
SwitchFinding find_head_gates(const SwitchEvidence&);
SwitchFinding find_rope_update(const SwitchEvidence&);
SwitchFinding find_index_layout(const SwitchEvidence&);
SwitchFinding find_page_size(const SwitchEvidence&);
SwitchFinding find_logits_init(const SwitchEvidence&);
SwitchFinding find_streams(const SwitchEvidence&);
SwitchWorth worth_head_gates(const SwitchEvidence&);
SwitchWorth worth_rope_update(const SwitchEvidence&);
SwitchWorth worth_logits(const SwitchEvidence&);
SwitchWorth worth_streams(const SwitchEvidence&);

// REQUIRES: the model has latent attention; other models have none of the switches.
SwitchFinding find_switch(ToggleKey, const SwitchEvidence&);
SwitchWorth worth_of_switch(ToggleKey, const SwitchEvidence&);

// "3 x 1.500 us", "3 kernels, 4.500 us" when they differ much.
std::string count_text(const OpUse&);
std::string us_text(int64_t ns);   // exact: "5.319 us"

}  // namespace trace
