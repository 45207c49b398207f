// A made-up trace of any size, for benchmarks and for tests that need many events: decode steps of
// layers of kernels on several streams, with gaps of every kind. Said to be synthetic wherever it
// is shown.
#pragma once
#include <cstdint>
#include <memory>

#include "trace/run.h"

namespace ui {

// `events` GPU events on `lanes` lanes of one device; the same seed gives the same trace.
std::shared_ptr<const trace::Run> synthetic_run(int64_t events, uint32_t lanes, uint64_t seed = 1);

}  // namespace ui
