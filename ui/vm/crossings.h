// Dependencies between lanes of one device: forks and joins. Known edges where the recorder knows them, else those that
// the classifier inferred for idle time. Pure.
#pragma once
#include <vector>

#include "trace/bubbles.h"

namespace ui {

struct Crossing {
  trace::EventId from = trace::kNone, to = trace::kNone;
  bool join = false;      // towards the lane of the device's first activity; else a fork
  bool guessed = false;   // inferred from times
};

// By the end of `from`. The report is of the same trace and its whole window.
std::vector<Crossing> crossings(const trace::Trace&, const trace::BubbleReport&);
// From the end of `from` to the start of `to`, the longest; 0 when there are none.
int64_t longest_ns(const trace::Trace&, const std::vector<Crossing>&);

}  // namespace ui
