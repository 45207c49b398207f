// What this binary holds: decided by the toolchains of the build (cmake/gpu.cmake).
#include "kernels/gpu/device.h"

namespace kernels::gpu {

#if defined(DS_WITH_CUDA)
std::unique_ptr<Device> open_cuda(std::string* why);  // kernels/gpu/cuda/device.cpp
#endif
#if defined(DS_WITH_HIP)
std::unique_ptr<Device> open_hip(std::string* why);  // kernels/gpu/hip/device.cpp
#endif

BackendState built_state(std::string_view backend) {
  BackendState state{backend, false, false, {}, {}};
#if defined(DS_WITH_CUDA)
  if (backend == "cuda") state.built = true;
#elif defined(DS_NO_CUDA)
  if (backend == "cuda") state.why = "not available: built without CUDA kernels (" DS_NO_CUDA ")";
#endif
#if defined(DS_WITH_HIP)
  if (backend == "hip") state.built = true;
#elif defined(DS_NO_HIP)
  if (backend == "hip") state.why = "not available: built without gfx950 kernels (" DS_NO_HIP ")";
#endif
  return state;
}

std::unique_ptr<Device> open_device(std::string_view backend, std::string* why) {
#if defined(DS_WITH_CUDA)
  if (backend == "cuda") return open_cuda(why);
#endif
#if defined(DS_WITH_HIP)
  if (backend == "hip") return open_hip(why);
#endif
  *why = built_state(backend).why;
  return nullptr;
}

}  // namespace kernels::gpu
