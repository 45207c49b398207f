// Two runs against each other: waterfall bars, matched kernels, what only one side has. Pure.
#pragma once
#include <string>
#include <vector>

#include "trace/compare.h"
#include "ui/actions.h"
#include "ui/vm/analysis.h"
#include "ui/vm/match_samples.h"

namespace ui {

// One step of a waterfall: runs from `from` to `to` (ns of b - a, accumulated).
struct WaterfallBarVm {
  std::string name;
  int64_t from_ns = 0, to_ns = 0;
  std::string text;    // "+12.97"
  std::string hint;    // "hidden behind other work: +4.2 µs"; empty if nothing is hidden
  bool total = false;  // the last bar: from 0 to the sum
  int64_t ns() const { return to_ns - from_ns; }
};

struct WaterfallVm {
  std::vector<WaterfallBarVm>
      bars;  // slower first, largest first; then faster; the total at the end
  int64_t low_ns = 0, high_ns = 0;  // range of all bars
  std::string headline;             // "+25.08 µs: 287.16 → 312.24"
  bool sums = true;                 // contributors add up to the wall's delta, to the nanosecond
};
WaterfallVm waterfall_vm(const std::vector<trace::Contributor>&, int64_t a_ns, int64_t b_ns);

struct MatchRowVm {
  std::string op;  // of the model, where the trace knows it
  std::string name, a_count, b_count, a_median, b_median, a_total, b_total, delta;
  int64_t delta_ns = 0;
  std::string interval;  // of the medians' difference, "−1.20 … +0.31"; empty below six launches a side
};

// Windows of both runs for a scope. Automatic: a step if both recorded several, else all. What a run does not have
// (no steps, no layers) falls back to all of both, with the reason.
struct ComparedWindows {
  trace::Window a, b;
  CompareScope used = CompareScope::all;
  std::string unavailable;
};
ComparedWindows windows_to_compare(const RunAnalysis& a, const RunAnalysis& b, CompareScope);

// The critical paths of both windows by category of what owns them, and their waits; sums to the wall's delta.
std::vector<trace::Contributor> path_contributors(const trace::Comparison&, const trace::Trace& a, const trace::Trace& b);

struct CompareVm {
  WaterfallVm waterfall, second_view, path;
  std::string scope;   // "one step each: the one closest to the median"
  std::vector<MatchRowVm> matched, only_a, only_b;
  std::vector<std::string> caveats;
};
CompareVm compare_vm(const trace::Comparison&, CompareScope used, const trace::Trace& a, const trace::Trace& b,
                     const MatchSamples* samples = nullptr);

}  // namespace ui
