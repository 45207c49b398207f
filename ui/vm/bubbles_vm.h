// Bubbles in numbers: the decomposition card (a row a run), the stall table, the histogram of all
// gaps. Pure.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "ui/state.h"

namespace ui {

struct CardRowVm {
  RunKey key = kNoRun;
  std::string title;
  bool selected = false;
  std::string wall, busy, idle;  // µs; wall = busy + idle to the nanosecond
  std::array<std::string, trace::kBubbleKinds>
      kinds;  // "17.33 · 3", "0", or "–" where there are none
  std::array<bool, trace::kBubbleKinds> any{};
  std::string stall_share;  // of the idle time, "91.2"
  std::string verdict;      // idle_verdict of it
  std::string overlaps;  // count
  std::string waits;     // µs of the critical path that nothing owns
};
std::vector<CardRowVm> card_rows(const AppState&);

// What the figures of one run come to, in a sentence or two: how much is idle, in what, caused by what, and what the
// critical path waits for.
std::string idle_verdict(const RunAnalysis&);
// Idle time by scope and kind: rows are the scopes that have any, "in_step" first; cells as in CardRowVm::kinds.
struct ScopeRowVm {
  std::string scope, idle, idle_us;  // idle: with its count
  std::array<std::string, trace::kBubbleKinds> kinds;
};
std::vector<ScopeRowVm> scope_rows(const RunAnalysis&);

struct StallRowVm {
  std::string at, us, lanes, cause, between;  // at: µs from the start of the window
  bool selected = false;
};
// The longest gaps of the worst kind there is (`kind`), longest first.
struct StallTableVm {
  std::vector<uint32_t> bubbles;  // indices into BubbleReport::bubbles; kWorstKept at most
  trace::BubbleKind kind = trace::BubbleKind::stall;
  int64_t total = 0;  // of that kind
};
StallTableVm stall_table(const RunAnalysis&);
StallRowVm stall_row(const RunAnalysis&, uint32_t bubble, const Selection&, RunKey);

// Gaps by length on a logarithmic axis. Bars of one bin carry the kind of the bin's lower end.
struct HistogramVm {
  std::vector<double> x;  // log10(ns) of the middle of each bin
  std::vector<double> count;
  std::vector<double> height;  // log10(1 + count): three stalls are seen beside seventy thousand ties
  std::vector<trace::BubbleKind> kind;
  double width = 0;                 // of a bin, in log10(ns)
  double fence_x = 0, stall_x = 0;  // thresholds on the same axis
  double tallest = 1;
  int64_t negative = 0;
  size_t first = 0, last = 0;  // bins worth showing
};
// "1 µs to 1.26 µs: 3 gaps, fence"; empty where x hits no bin with a gap.
std::string bin_text(const HistogramVm&, double x);
// Kinds and lines are those of the thresholds given, at once, also while everything else is still counted anew.
HistogramVm histogram_vm(const RunAnalysis&, const trace::Thresholds&);
// Thresholds after dragging one of the two lines to x; they keep their order and stay within 2 ns
// .. 100 ms.
trace::Thresholds drag_threshold(trace::Thresholds, bool stall, double x);

// "106 → 113" for stream labels that differ, else the one.
std::string lanes_text(const trace::Trace&, const trace::Bubble&);

}  // namespace ui
