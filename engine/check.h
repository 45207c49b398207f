// check: every op of a backend against its double-accumulating reference, every switch against its
// class. On a GPU the same steps give the same bytes again, and the switches are tried on the first layers of the
// published models too. What `decodescope check` prints. Blocks; quick takes seconds, the whole a few minutes.
// Thread rule: one call at a time; `progress` and `cancelled` are called from the calling thread.
// Errors: a backend that can't run here. A check that fails is a result (ok = false), not an error.
#pragma once
#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "trace/result.h"
#include "trace/toggles.h"

namespace engine {

struct CheckOp {
  std::string op;    // op key of kernels/ops.h
  int cases = 0;     // launches judged
  double worst = 0;  // largest error as a share of the op's tolerance; above 1 fails
  bool ok = false;
  std::string note;  // where it failed, what the tolerance is
};

struct CheckToggle {
  std::string key;  // switch
  trace::Equivalence cls = trace::Equivalence::bitwise;
  int sets = 0;  // pairs of switch sets compared; 0: it can't be flipped here, and ok says nothing
  bool ok = false;
  std::string note;  // first difference, or why it can't be flipped here
};

struct CheckReport {
  std::string backend;
  uint64_t seed = 0;  // of the random inputs, another one every time
  std::vector<CheckOp> ops;
  std::vector<CheckToggle> toggles;
  bool ok = false;
};

using CheckProgress = std::function<void(const std::string& what, double fraction)>;

// A model with every part of a tiny preset and a twentieth of its arithmetic: a step against its
// double reference takes milliseconds. The switches are checked on them, each where it can be
// flipped. REQUIRES: `preset` is tiny, tiny-dense or tiny-mxfp4.
trace::ModelConfig check_model(std::string_view preset = "tiny");

struct CheckWhat {
  bool quick = false;
  std::vector<std::string> ops;  // these alone, by key, and no switches; none: all ops and all switches
};

// error: no such backend or op, not usable here, cancelled.
trace::Result<CheckReport> check(std::string_view backend, const CheckWhat& what,
                                 const CheckProgress& progress = {},
                                 const std::atomic<bool>* cancelled = nullptr);

}  // namespace engine
