// Kernel records of CUPTI's activity interface and the calls that launched them, the library found by dlopen: a machine
// without it, or with another major version than this was built with, gets a line and no records. Times are of
// CLOCK_MONOTONIC_RAW, which nobody slews: CUPTI asks for it by a callback. Of the runtime's calls only launches are
// recorded; where this CUPTI can't choose, none are. DECODESCOPE_CUPTI names another library or says "off".
// Thread rule: one thread begins and ends; CUPTI hands its buffers back on a thread of its own.
#pragma once
#include "kernels/gpu/device.h"

namespace kernels::gpu {

class Cupti {
 public:
  // Null and why where there is none.
  static Cupti* load(std::string* why);

  const std::string& version() const { return m_version; }  // "CUPTI 130001"
  Status begin();
  // REQUIRES: the device is synchronised. In order of their starts; calls without a kernel are left out.
  Status end(std::vector<TracedKernel>* kernels, std::vector<TracedCall>* calls);

 private:
  Cupti() = default;
  std::string m_version;
};

}  // namespace kernels::gpu
