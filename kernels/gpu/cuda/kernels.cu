// The kernels as CUDA knows them. Their names are what a profiler shows: ds_<kernel>.
#include "kernels/gpu/kernels.h"

namespace kernels {

#define X(key, Args, threads, blocks)                                                    \
  extern "C" __global__ void __launch_bounds__(threads, blocks) ds_##key(const __grid_constant__ Args a) { \
    gpu_cuda::key(a);                                                                    \
  }
GPU_KERNELS(X)
#undef X

namespace gpu {

const void* cuda_kernel(Kernel kernel) {
  switch (kernel) {
#define X(key, Args, threads, blocks) \
  case Kernel::key:                   \
    return reinterpret_cast<const void*>(&ds_##key);
    GPU_KERNELS(X)
#undef X
    case Kernel::count_:
      break;
  }
  return nullptr;
}

}  // namespace gpu
}  // namespace kernels
