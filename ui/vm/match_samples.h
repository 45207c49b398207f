// Durations behind the matched kernels of a comparison, and what they say about the difference of the medians. Made on
// the worker with the comparison. Pure; any thread.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "trace/compare.h"

namespace ui {

// Difference of two medians, b - a. The interval spans the two distribution-free 95 % intervals of the medians against
// each other, so it covers at least as often as it says (0.95 x 0.95 at worst, about 99 % for alike samples); below six
// launches on a side there is none.
struct MedianDelta {
  double delta_us = 0, lo_us = 0, hi_us = 0;
  bool has_interval = false;
};
MedianDelta median_delta(const std::vector<int64_t>& a_ns, const std::vector<int64_t>& b_ns);

struct MatchSamples {
  std::vector<std::string> names;               // as Comparison::matched
  std::vector<std::vector<int64_t>> a_ns, b_ns;  // clipped to the windows, in order of start
  std::vector<MedianDelta> delta;
};
using MatchSamplesPtr = std::shared_ptr<const MatchSamples>;

MatchSamplesPtr match_samples(const trace::Comparison&, const trace::Trace& a, const trace::Window& wa, const trace::Trace& b,
                              const trace::Window& wb);

}  // namespace ui
