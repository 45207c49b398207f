// The HIP backend on the stand-in runtime of tests/gpu/lib/fake_hip.h, its kernels executed by the SIMT emulator.
#pragma once
#include "kernels/gpu/device.h"
#include "tests/gpu/lib/fake_hip.h"
#include "tests/gpu/lib/fake_rocprofiler.h"

namespace test {

// Whether this build has gfx950 kernels, without which there is no HIP backend.
bool has_hip();
// Whether this process may have opened the backend already.
bool hip_was_opened();
// The stand-in, loaded, as new and named by DECODESCOPE_HIP_RUNTIME: from now on opening `hip` finds it.
fake_hip::State& fake_hip_runtime();
// The stand-in for rocprofiler-sdk, told of what the stand-in runtime does, and named by DECODESCOPE_ROCPROFILER. A process
// sets its profiler up once: whatever is to be different must be set before the first device opens.
fake_rocprofiler::State& fake_profiler();
// REQUIRES: it opens.
std::unique_ptr<kernels::gpu::Device> open_fake_hip();

}  // namespace test
