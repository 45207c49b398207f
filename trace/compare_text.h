// What two compared windows differ in beside their times, in words.
#pragma once
#include <string>
#include <vector>

#include "trace/compare.h"

namespace trace {

// Different collectors or resolutions; all-reduces of a single rank; and which kernels run on one side alone, with the
// switches that this betrays. From what ran, never from file names.
std::vector<std::string> compare_caveats(const Trace& a, const Trace& b, const Comparison&);

}  // namespace trace
