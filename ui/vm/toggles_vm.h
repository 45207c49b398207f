// One row a switch: what it is, whether it can be flipped, what it bought when it was last measured
// here. Pure.
#pragma once
#include <string>
#include <vector>

#include "ui/state.h"

namespace ui {

enum class Judgement : uint8_t { none, better, worse, same, unclear };

struct ToggleRowVm {
  trace::ToggleKey key{};
  std::string name;  // "cat_skip"
  std::vector<std::string> values;
  int index = 0;
  bool two_valued = true;  // a switch; else a choice
  bool on = false;         // not at its first value
  bool enabled = true;
  std::string why_disabled;  // in words; empty when enabled
  std::string summary;       // one line under the name
  std::string title, before, after, source, scope, published;
  std::string badge;  // "bitwise ✓"
  Judgement badge_mood = Judgement::none;
  std::string effect;  // "−1.4 %"; empty = not measured
  Judgement effect_mood = Judgement::none;
  std::vector<std::string> effect_lines;  // interval, verdict, removed launches, for the tooltip
  std::vector<PipelineOp> pipeline;       // around what it changed in a layer, as recorded here
  std::shared_ptr<const trace::AbResult> ab;   // that the effect is of
  bool measuring = false;                 // its A/B is under way
};
std::vector<ToggleRowVm> toggle_rows(const AppState&);

// What the plan sketch of a switch is asked of: what runs, else what would; the switch at the value it is compared at,
// the last where it is off, so that flipping it changes nothing about its sketch.
trace::RunSpec sketch_spec(const AppState&, trace::ToggleKey);
// The sketch of that, null while there is none.
std::shared_ptr<const trace::PlanSketch> current_sketch(const AppState&, trace::ToggleKey);

// The details of a switch as text, to be copied: words, plan, measurement, invariants.
std::string details_text(const AppState&, const ToggleRowVm&);

// An A/B in a few lines: verdict, delta with interval, minimum detectable effect, equivalence,
// launches removed.
std::vector<std::string> ab_lines(const trace::AbResult&);
Judgement judge(const trace::AbResult&);

}  // namespace ui
