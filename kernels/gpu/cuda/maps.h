// What the copy engine must be told of a matrix before a kernel can ask it for tiles (kernels/gpu/gemm_wide.h): a map a
// matrix, passed with the kernel's arguments.
#pragma once
#include <cuda.h>

namespace kernels {

template <class Args>
struct WideArgs {
  Args args;
  CUtensorMap w, x;  // weights [N, K] and tokens [M, K], as matrices of bytes
};

}  // namespace kernels
