// Kernel records of CUPTI's activity interface, the library found by dlopen: a machine without it, or with another major version
// than this was built with, gets a line and no records. Times are of CLOCK_MONOTONIC_RAW, which nobody slews: CUPTI asks for it by
// a callback; one that refuses it keeps its own, CLOCK_REALTIME. DECODESCOPE_CUPTI names another library or says "off".
// Thread rule: one thread begins and ends; CUPTI hands its buffers back on a thread of its own.
#pragma once
#include "kernels/gpu/launch_log.h"

namespace kernels::gpu {

class Cupti {
 public:
  // Null and why where there is none.
  static Cupti* load(std::string* why);

  const std::string& version() const { return m_version; }  // "CUPTI 130001"
  Status begin();
  // REQUIRES: the device is synchronised. In order of their starts.
  Status end(std::vector<TracedKernel>*);
  // The clock that the records are on.
  LaunchLog::Clock clock() const { return m_clock; }

 private:
  Cupti() = default;
  std::string m_version;
  LaunchLog::Clock m_clock = nullptr;
};

}  // namespace kernels::gpu
