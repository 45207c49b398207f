// What is said in words about idle time: the caveats of a report. Depends on the window and the collector, never on
// the thresholds, so that a report reclassified under other ones keeps its caveats.
#pragma once
#include <string>
#include <vector>

#include "trace/bubbles.h"

namespace trace {

std::vector<std::string> bubble_caveats(const Trace&, const BubbleContext&, const BubbleReport&);

}  // namespace trace
