// Durations that run over what follows them on their stream: some collectors (seen on MI355X) write lengths that are
// none, a kernel of 4 us "running" 1.6 s. A stream runs in order, so such a slice would cover all that came after.
// A slice is clipped to the start of the next one on its stream when it covers two whole slices after it or more, and
// is 10 times as long as the median of its name (of three or more; else: 100 ms or longer). Shorter overlaps are real or
// jitter and stay. Thread rule: none.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "trace/trace.h"

namespace trace {

struct Clipped {
  int64_t count = 0;
  std::vector<std::string> lines;   // the first few, in words: name, where, from how long to how long
};

// REQUIRES: events sorted as in a finished trace; they still are afterwards.
Clipped clip_overflows(Trace&);

}  // namespace trace
