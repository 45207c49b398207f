// A GPU whose kernels run in the SIMT emulator: what the engine does with a device, tried without one. Memory
// is apart from the host's and each allocation ends at a page that may not be touched. Streams run at once, in
// the order of the calls; a graph is the list of its launches. Events count calls, a microsecond each.
#pragma once
#include "kernels/gpu/device.h"

namespace simt {

std::unique_ptr<kernels::gpu::Device> emulated_device(int wave);

}  // namespace simt
