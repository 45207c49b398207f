// Holds one launch on a device to its reference, as kernels/verify.h does for the CPU: tensors in device
// memory between guard bands, outputs poisoned before, two runs that must give the same bytes.
// Thread rule: one launch at a time a device and workspace. Blocks.
#pragma once
#include "kernels/gpu/device.h"
#include "kernels/verify.h"

namespace kernels::gpu {

Verdict verify(Device&, const OpArgs&, Workspace&);

}  // namespace kernels::gpu
