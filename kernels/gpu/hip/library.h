// The HIP runtime, found by dlopen: libamdhip64.so.7 (ROCm 7), then .so.6; DECODESCOPE_HIP_RUNTIME names another.
// No header of HIP's is needed to build: the few calls are declared here, by the C names and signatures that ROCm 5
// to 7 export. Where HIP's headers are, a test holds our numbers to theirs (tests/gpu/test_hip_abi.cpp).
// Thread rule: one library a process is called at a time; opening another takes the first one's place.
#pragma once
#include <memory>

#include "kernels/gpu/runtime.h"

namespace kernels::gpu {

namespace hip {
inline constexpr int kOutOfMemory = 2, kNoDevice = 100, kNotReady = 600;
// hipDeviceAttribute_t
inline constexpr int kL2CacheSize = 19, kMultiprocessorCount = 63, kMaxSharedMemoryPerBlock = 74, kWarpSize = 87;
// Of hipDeviceProp_t as hipGetDevicePropertiesR0600 fills it.
inline constexpr size_t kPropertiesBytes = 4096, kArchOffset = 1160, kArchBytes = 256;
}  // namespace hip

struct HipLibrary {
  std::string file;    // "libamdhip64.so.7"
  RuntimeCalls calls;  // for RuntimeDevice

  int (*device_count)(int*) = nullptr;
  int (*set_device)(int) = nullptr;
  int (*device_name)(char* name, int bytes, int device) = nullptr;
  int (*device_memory)(size_t* bytes, int device) = nullptr;
  int (*attribute)(int* value, int attribute, int device) = nullptr;
  int (*properties)(void* out, int device) = nullptr;
  int (*driver_version)(int*) = nullptr;
  int (*runtime_version)(int*) = nullptr;
  int (*pci_address)(char* out, int bytes, int device) = nullptr;
  int (*module_load)(void** module, const void* image) = nullptr;
  int (*module_unload)(void*) = nullptr;
  int (*module_function)(void** function, void* module, const char* name) = nullptr;

  // Null and why: "no libamdhip64.so.7 or .so.6", or the call that it lacks. Stays loaded until the process ends.
  static std::unique_ptr<HipLibrary> open(std::string* why);
};

}  // namespace kernels::gpu
