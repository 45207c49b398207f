// Kernel records of rocprofiler-sdk and the HIP calls that launched them, found by dlopen (librocprofiler-sdk.so.1; DECODESCOPE_ROCPROFILER names another or
// says "off"). It must be configured before the first HIP call, so opening the HIP backend does that; records are
// taken between begin and end only. Its kernel records name no stream and no graph node: the stream comes from the
// HIP_STREAM callbacks around a launch, pushed as the external correlation id; a graph's kernels are told apart by the
// order in which they were dispatched (engine/kernel_order.h).
// No header of the SDK's is needed: kinds and operations are looked up by name, and a record that is shorter than what
// is read of it is refused. Tested against a stand-in (tests/gpu/lib/fake_rocprofiler.h), never run on hardware.
// Thread rule: one thread loads, begins and ends; the SDK hands buffers back on a thread of its own.
#pragma once
#include "kernels/gpu/device.h"

namespace kernels::gpu {

class Rocprofiler {
 public:
  // Null and why where there is none. Once a process; REQUIRES: no HIP call was made before the first load.
  static Rocprofiler* load(std::string* why);

  const std::string& version() const { return m_version; }  // "rocprofiler-sdk 1.0.0"
  Status begin();
  // Waits (at most two seconds) until `launched` of our kernels have been reported. In order of their starts.
  // Calls without a kernel are left out, and all of them where this SDK does not tell of launches by name.
  // REQUIRES: the device is synchronised.
  Status end(int64_t launched, std::vector<TracedKernel>* kernels, std::vector<TracedCall>* calls);

 private:
  Rocprofiler() = default;
  std::string m_version;
};

}  // namespace kernels::gpu
