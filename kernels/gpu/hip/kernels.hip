// The kernels as a gfx950 code object; their names are what a module is asked for and what a profiler shows. Compiled
// twice, as for CUDA: with DS_STAMPED each block writes when it began and ended (ds_<kernel>_stamped).
#include "kernels/gpu/kernels.h"
#include "kernels/gpu/stamp.h"

namespace kernels {

#if defined(DS_STAMPED)
#define X(key, Args, threads, blocks)                                                                             \
  extern "C" __global__ void __launch_bounds__(threads) ds_##key##_stamped(const Args a, gpu::StampSlot* slots) { \
    gpu_hip::stamped(slots, [&] { gpu_hip::key(a); });                                                            \
  }
#else
#define X(key, Args, threads, blocks) \
  extern "C" __global__ void __launch_bounds__(threads) ds_##key(const Args a) { gpu_hip::key(a); }
#endif
GPU_KERNELS(X)
#undef X

}  // namespace kernels
