// A/B: runs the design of trace/ab.h on one model. Both arms replay one frozen position with the
// same tokens, lengths, block tables and routing; they share the weights and every cache whose
// format is the same, the others are converted once, before anything is timed. Each instance places
// the arenas of both arms anew at seeded random offsets and plans them in random order. What the
// arms compute is proven before, their launches are recorded after. Cancelled with two instances finished it keeps those, says so
// in a note and records a few steps of each arm. Thread rule: one at a time,
// from one thread; `progress` and `cancelled` are called from it between steps.
#pragma once
#include <functional>

#include "engine/arm.h"
#include "trace/messages.h"

namespace engine {

struct AbHooks {
  std::function<void(const trace::reply::AbProgress&)> progress;
  std::function<bool()> cancelled;
  std::string program;  // version, for the runs
  SharedWeights reuse;  // of a live session, may be empty
};

// What run_ab() would refuse, before anything is loaded. error: as prepare(), equal arms, an A/B of
// nothing, a set that can't run. The setup is arm a's.
trace::Result<Setup> prepare_ab(const trace::AbSpec&);

// error: refused (as prepare_ab()), or cancelled before two instances were finished. Throws std::bad_alloc.
trace::Result<trace::AbResult> run_ab(const trace::AbSpec&, const AbHooks& = {});

}  // namespace engine
