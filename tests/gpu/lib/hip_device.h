// The HIP backend on the stand-in runtime of tests/gpu/lib/fake_hip.h, its kernels executed by the SIMT emulator.
#pragma once
#include "kernels/gpu/device.h"
#include "tests/gpu/lib/fake_hip.h"

namespace test {

// Whether this build has gfx950 kernels, without which there is no HIP backend.
bool has_hip();
// The stand-in, loaded, as new and named by DECODESCOPE_HIP_RUNTIME: from now on opening `hip` finds it.
fake_hip::State& fake_hip_runtime();
// REQUIRES: it opens.
std::unique_ptr<kernels::gpu::Device> open_fake_hip();

}  // namespace test
