// Prefill: the caches before the starting positions from the sequences' own tokens, run through all
// layers on the CPU in small chunks (for correctness, not speed). A chunk takes tokens of one
// sequence behind the other; attention splits as the decode step does, so that the caches are those
// of decoding token by token, bit by bit (tests/engine/test_prefill.cpp).
// Thread rule: as Executor.
#pragma once
#include "engine/executor.h"

namespace engine {

inline constexpr int64_t kPrefillChunk = 64;  // tokens

// Fills `inputs.kv` and `inputs.index` up to the starting positions. The switches are those of the
// decode step, but cat_skip and streams, which a prefill has not. error: an op refuses its
// arguments.
trace::Status prefill(const PlanInputs& inputs, trace::ToggleSet, PlanOptions, Executor&,
                      const Progress& = {}, int64_t chunk = kPrefillChunk);

}  // namespace engine
