// What the copy engine must be told of a matrix before a kernel can ask it for tiles (kernels/gpu/gemm_wide.h): a map a
// matrix, passed with the kernel's arguments.
#pragma once
#include <cuda.h>

namespace kernels {

// Rows of a tile of weights; of tokens, of which no more are copied than there are (what lies behind the last costs the engine
// more than what is there), in eights.
inline constexpr int kWideRows = 64;
constexpr int wide_tokens(int64_t M) {
  return M >= kWideRows ? kWideRows : static_cast<int>(M + 7) / 8 * 8;
}

template <class Args>
struct WideArgs {
  Args args;
  CUtensorMap w, x;  // weights [N, K] and tokens [M, K], as matrices of bytes
};

}  // namespace kernels
