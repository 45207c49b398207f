// What an engine's own annotation of a step says of its batch: "step[DECODE bs=32]" of sglang, and
// "execute_32_context_0(...)_generation_32(sq32sk32785...)" of vLLM and sglang (sq: tokens of q, sk: tokens looked at).
// Thread rule: pure function of a const Trace.
#pragma once
#include <optional>
#include <string>

#include "trace/trace.h"

namespace trace {

struct StepNote {
  std::optional<int> batch;      // sequences that decoded one token each
  std::optional<int> context;    // tokens of a sequence, on average, rounded
  bool prefills = false;         // a step also read prompts: it is no decode step, and nothing above is set
  std::string text;              // the annotation
};

// Of the annotations that tell anything; nullopt where none does, or where steps differ.
std::optional<StepNote> step_note(const Trace&);

}  // namespace trace
