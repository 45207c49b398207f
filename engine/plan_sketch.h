// Two plans of one step side by side: what a switch changes. Nothing is loaded, allocated or run: weights, caches and
// buffers are mere addresses, so that a sketch of a model costs milliseconds whether it runs or not.
// Errors: in the sketch's `problem`. Thread rule: any thread, one call at a time a Model.
#pragma once
#include "engine/arm.h"
#include "trace/plan_sketch.h"

namespace engine {

// The step of `spec` with the switch at its first value and as `spec` has it. `loaded`: the model that is running, if
// any, whose setup is taken where it is of the same specification (its memory is spoken for already).
trace::PlanSketch plan_sketch(const trace::RunSpec& spec, trace::ToggleKey, const Model* loaded = nullptr);

// The invariants that any plan keeps, checked on this one: readers refuse other layouts than theirs; what is used on
// another stream has been waited for.
std::vector<trace::PlanCheck> check_plan(const DecodePlan&);

}  // namespace engine
