// Whether a Trace that came from outside (a store, a bundle, a message) holds what trace.h promises, so that nothing
// behind it needs to look again: every index in range, lanes contiguous, events, calls and annotations sorted, ends
// not before starts, times within +-2^62 ns so that differences never overflow, known dependencies without a cycle.
// A pure function, any thread; linear in the size of the trace.
#pragma once
#include <cstdint>

#include "trace/result.h"
#include "trace/trace.h"

namespace trace {

inline constexpr int64_t kMaxTimeNs = int64_t{1} << 62;

// error: what = the first broken promise, with table and row; where is left empty.
Status check_trace(const Trace&);

}  // namespace trace
