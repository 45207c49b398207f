// Two windows of any origin side by side: the equal-share waterfall, the second view, kernels matched by name.
// Identities hold in integer nanoseconds: contributors sum to the wall's delta; so does the second view; and matched
// (b - a) + only_b - only_a = the second view's sum of durations. A kernel is matched by its exact name.
// Thread rule: pure functions of const Traces.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "trace/bubbles.h"
#include "trace/path.h"
#include "trace/waterfall.h"

namespace trace {

struct MatchedKernel {
  std::string name;
  Category category = Category::other;
  int64_t a_count = 0, b_count = 0;
  int64_t a_ns = 0, b_ns = 0;            // sums of clipped durations
  double a_median_us = 0, b_median_us = 0;
  std::string op;                        // model op where the trace knows it, else empty
};

struct Comparison {
  BubbleReport a, b;
  CriticalPath path_a, path_b;
  Waterfall waterfall;
  std::vector<Contributor> second_view;
  std::vector<MatchedKernel> matched;    // in both; largest |b - a| first
  std::vector<MatchedKernel> only_a, only_b;
  std::vector<std::string> caveats;      // collectors differ, resolution differs, what else differs
};

// Whatever windows are given are compared as they are; choosing equal numbers of layers is the caller's.
Comparison compare(const Trace& a, const Window& wa, const Trace& b, const Window& wb, const Thresholds& = {});

}  // namespace trace
