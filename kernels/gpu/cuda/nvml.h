// Clocks, power, temperature and throttle reasons by NVML, the library found by dlopen: a machine without it, or
// that denies a figure, gets fewer figures and no failure. A reading takes some tens of microseconds.
// Thread rule: one thread.
#pragma once
#include "kernels/gpu/device.h"

namespace kernels::gpu {

class Nvml {
 public:
  // Of the device at this PCI address ("0000:3b:00.0"). Null and why where there is none.
  static std::unique_ptr<Nvml> open(const std::string& pci, std::string* why);
  Reading read() const;

 private:
  explicit Nvml(void* device) : m_device(device) {}
  void* m_device;
};

}  // namespace kernels::gpu
