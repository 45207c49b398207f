// The proof that two arms compute the same, by the class of the switches in which they differ.
//   bitwise            logits, caches (slot by slot, whatever their layout) and every intermediate
//   that both plans have
//                      are equal byte for byte
//   bitwise_on_valid   the same; columns past a row's length are nobody's and are not compared
//   bounded            op by op: the launches that differ run on A's inputs, slots and tokens, and
//   each is held to the
//                      double reference of its own formats. Errors are taken in units of the
//                      rounding that the output's format alone costs, so that arms of different
//                      formats compare; B's worst op may be at most 1.05 x A's worst (bf16 and e4m3
//                      outputs: or 1.05 units, sampling error allowed for; fp32: or kFp32Floor)
// At several frozen positions. Outputs are poisoned before every step.
#pragma once
#include <functional>

#include "engine/capture.h"
#include "trace/ab.h"

namespace engine {

// A launch of a few roundings in fp32: three factors or a short sum.
inline constexpr double kFp32Floor = 4.0;

struct ProofOptions {
  int positions = 3;
  std::function<void(double)> progress;  // fraction done
  std::function<bool()> cancelled;
};

// REQUIRES: both arms were made on `model`. A cancelled proof is not ok and says so.
trace::EquivalenceResult prove(Model&, Arm& a, Arm& b, trace::Equivalence,
                               const ProofOptions& = {});

// The op to break when the fault hook is on: one that the switch changes or feeds.
std::string fault_key(const trace::ToggleSet& a, const trace::ToggleSet& b);

}  // namespace engine
