// sweep: one switch over scenarios and concurrencies, an A/B a cell. A scenario "8k1k" is its input
// and output length; the decode step is measured at the mean context of such a request half way
// through, 0.9 x (ISL + OSL/2) with lengths drawn from U[0.8, 1], without prefill between: it is no
// time per output token. All cells share the weights; verdicts are adjusted together (Holm).
// Thread rule: one at a time, from one thread; hooks are called from it.
#pragma once
#include "engine/ab.h"

namespace engine {

struct Scenario {
  std::string name;
  int isl = 0, osl = 0;
  int context() const { return isl + osl / 2; }  // of the longest sequence
};

// "1k1k", "8k1k", "512/128". error: not of that form.
trace::Result<Scenario> parse_scenario(const std::string& text);

struct SweepSpec {
  trace::AbSpec ab;  // base workload, arms, design; batch and context are each cell's
  std::vector<Scenario> scenarios;
  std::vector<int> concurrencies;
};

struct SweepCell {
  Scenario scenario;
  int concurrency = 0;
  trace::AbResult result;
  double adjusted_p = 0;  // NaN: not tested
  trace::Verdict verdict = trace::Verdict::none;
};

struct SweepHooks {
  std::function<void(const std::string& what, double fraction)> progress;
  std::function<bool()> cancelled;
  std::string program;
  // A cell failed or was cancelled, by number, of so many: the cells that were finished before are returned.
  std::function<void(const trace::Error&, size_t cell, size_t cells)> ended;
};

// error: as prepare() for any cell, before anything runs; failed or cancelled in the first cell.
trace::Result<std::vector<SweepCell>> run_sweep(const SweepSpec&, const SweepHooks& = {});

}  // namespace engine
