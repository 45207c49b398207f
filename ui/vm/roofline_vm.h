// What a kernel could cost at best: the larger of its bytes over the device's bandwidth and its operations over the
// device's arithmetic. Bytes and operations are those that the trace carries: as counted by the model of the op for
// the engine's own recordings, so every fraction is an estimate; nothing is made up for traces that carry none.
// Pure; any thread.
#pragma once
#include <cstdint>
#include <string>

#include "trace/trace.h"

namespace ui {

struct Roof {
  double bytes_per_ns = 0;  // = GB/s; 0 = not known
  double flops_per_ns = 0;  // = GFLOP/s
  std::string source;       // in words, for the reader: measured where, published by whom, or the run's own best
  bool own_best = false;    // of this run's kernels: says how they compare to each other, not to the device
  bool known() const { return bytes_per_ns > 0 || flops_per_ns > 0; }
  // A lower bound of its duration in ns; 0 when neither is known.
  double floor_ns(int64_t bytes, int64_t flops) const;
};

// The ceilings of a device by its name (trace/hardware.h); else the best rates that any kernel name of this device reached in the trace
// over all its launches; nothing if no event says what it moves or computes.
Roof roof_of(const trace::Trace&, uint32_t device, std::string_view device_name);

}  // namespace ui
