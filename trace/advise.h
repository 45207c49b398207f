// What a trace says about each switch of toggles.h: on, off, or of no meaning for what ran; and what the others would be
// worth on this very trace, with the arithmetic.
//
//   worth = times of the kernels that would go, as they ran in the window: an upper bound, since the gaps around them
//   are not counted and what takes their place is not either. For a switch that makes kernels faster, all they take.
//
// States come from what ran (ops of kernel_rules.h, names), of an engine's run from its specification. What cannot be
// told is not_applicable with a reason that begins with "cannot be told".
// Thread rule: pure functions of a const Trace.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trace/detect_model.h"
#include "trace/op_uses.h"
#include "trace/run.h"
#include "trace/toggles.h"
#include "trace/window.h"

namespace trace {

enum class SwitchState : uint8_t { on, off, not_applicable };

struct SwitchAdvice {
  ToggleKey key = ToggleKey::cat_skip;
  SwitchState state = SwitchState::not_applicable;
  std::string value;                  // as the table writes it: "copy", "64"; empty when not applicable
  std::string reason;                 // one sentence, with its evidence
  std::vector<KernelUse> kernels;     // that decide it: those that would go, or those that show it is on
  int64_t worth_ns = 0;               // 0 unless off
  double worth_pct_of_window = 0;
  std::string arithmetic;             // of the worth, as text; empty without one
  // For a known model, scaled to all its layers that have the kernels: worth of one decode step.
  std::optional<int64_t> worth_step_ns;

  int64_t kernel_count() const;
};

struct Advice {
  Window window;
  DetectedModel model;
  int layers = 0;                     // in a step; 0 = unknown
  int steps = 0;
  std::string layer_rule;             // how layers were found
  int64_t attention_blocks = 0;       // layers that ran in the window, by their attention
  std::vector<SwitchAdvice> switches; // every switch, in the table's order
  std::vector<std::string> caveats;
};

struct AdviseOptions {
  std::optional<Window> window;       // default: everything of the device
  std::optional<ModelConfig> model;   // known from elsewhere: replaces the detected one
  std::optional<RunSpec> spec;        // of an engine's run: states are as recorded
};
Advice advise(const Trace&, uint32_t device, const AdviseOptions& = {});

// For a terminal: a line for the model, one a switch with its arithmetic below.
std::string advice_text(const Advice&);

std::string_view to_string(SwitchState);   // "on", "off", "not_applicable"

}  // namespace trace
