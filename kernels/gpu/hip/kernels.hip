// The kernels as a gfx950 code object; their names are what a module is asked for and what a profiler shows.
#include "kernels/gpu/kernels.h"

namespace kernels {

#define X(key, Args, threads, blocks) \
  extern "C" __global__ void __launch_bounds__(threads) ds_##key(const Args a) { gpu_hip::key(a); }
GPU_KERNELS(X)
#undef X

}  // namespace kernels
