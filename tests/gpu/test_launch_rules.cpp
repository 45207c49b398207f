// Which kernel takes a GEMM on a device of Hopper's kind: the rules run on the host, so they are tested without one.
#include <catch2/catch_test_macros.hpp>

#include "kernels/gemm_fp8.h"
#include "kernels/gpu/launch.h"
#include "kernels/ops.h"

using namespace kernels;

namespace {

gpu::Traits hopper() {
  gpu::Traits t;
  t.wave = 32, t.units = 132, t.cluster = 8, t.matrix_copies = true;
  return t;
}
gpu::Launch launch_of(int64_t M, int64_t N, int64_t K, const gpu::Traits& traits) {
  GemmFp8Args a;
  a.M = M, a.N = N, a.K = K, a.out_stride = N;
  return gpu::launch_of(a, traits);
}

}  // namespace

TEST_CASE("fp8 GEMMs go to the kernel that was fastest for their shape") {
  using gpu::Kernel;
  struct Row {
    int64_t M, N, K;
    Kernel kernel;
    int64_t blocks;
    int cluster;
  };
  const Row rows[] = {
      {64, 24576, 1536, Kernel::gemm_fp8_wide_192, 128, 1},  // as often as fills the device once
      {64, 16384, 2048, Kernel::gemm_fp8_wide_128, 128, 1},
      {64, 6144, 16384, Kernel::gemm_fp8_wide, 96, 1},
      {64, 36864, 7168, Kernel::gemm_fp8_wide, 576, 1},      // several turns whatever the form
      {64, 2624, 6144, Kernel::gemm_fp8_wide, 82, 2},
      {64, 4096, 2048, Kernel::gemm_fp8_wide, 64, 1},        // too many columns for a cluster
      {64, 512, 6144, Kernel::gemm_fp8_16, 128, 1},          // few: rows are read again for each 16 tokens
      {64, 640, 6144, Kernel::gemm_fp8_wide, 40, 4},
      {64, 128, 6144, Kernel::gemm_fp8_16, 128, 4},
      {16, 6144, 16384, Kernel::gemm_fp8_wide, 96, 1},
      {16, 2048, 2048, Kernel::gemm_fp8_16, 128, 1},         // too few blocks of tiles
      {11, 6144, 16384, Kernel::gemm_fp8_16, 384, 1},
      {200, 6144, 2048, Kernel::gemm_fp8_wide_192, 128, 1},  // four tiles of tokens
  };
  for (const Row& r : rows) {
    const gpu::Launch l = launch_of(r.M, r.N, r.K, hopper());
    INFO(r.M << " x " << r.N << " x " << r.K << " by " << gpu::key_of(l.kernel) << ", " << l.grid_x << " x " << l.grid_y << ", cluster " << l.cluster);
    CHECK(l.refused.empty());
    CHECK(l.kernel == r.kernel);
    CHECK((l.grid_x * l.grid_y == r.blocks && l.cluster == r.cluster));
    CHECK(l.lds_bytes <= hopper().lds_bytes);
  }
}

TEST_CASE("a device without the copy engine takes no kernel of Hopper's own, and one without clusters no cluster") {
  gpu::Traits plain = hopper(), alone = hopper();
  plain.matrix_copies = false, alone.cluster = 1;
  for (const int64_t M : {1, 12, 16, 17, 64, 130}) {
    for (const int64_t N : {128, 2624, 6144, 24576}) {
      INFO(M << " x " << N);
      CHECK_FALSE(gpu::sums_narrowly(launch_of(M, N, 2048, plain).kernel));
      CHECK(launch_of(M, N, 6144, alone).cluster == 1);
    }
  }
}
