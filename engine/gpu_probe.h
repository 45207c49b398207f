// First figures of a GPU: what a node of a graph costs that does next to nothing, and how fast memory is copied at many
// sizes, each copy on other bytes of a buffer far beyond the cache. Part of `doctor --bundle`.
// Throws std::runtime_error when the device fails. Thread rule: one thread.
#pragma once
#include <vector>

#include "kernels/gpu/device.h"

namespace engine {

struct CopyPoint {
  int64_t bytes = 0;  // read, and as many written
  double us = 0;      // of one copy in a graph of many, the empty node taken off
  double gbps() const { return us > 0 ? 2 * static_cast<double>(bytes) / us * 1e-3 : 0; }
};
struct GpuProbe {
  double empty_node_us = 0;  // a kernel of one block that converts one number
  std::vector<CopyPoint> copies;
};

// `once`: graphs of one launch, small buffers, for tests that count nothing on times.
GpuProbe probe_gpu(kernels::gpu::Device&, bool once = false);

}  // namespace engine
