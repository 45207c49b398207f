// Hopper's own: barriers on which copies arrive, tiles by the copy engine, matrix instructions of a warpgroup (four waves)
// that read shared memory. Nothing emulates these; kernels made of them are GPU_KERNELS_HOPPER.
#pragma once
#include "kernels/gpu/mma.h"

#if defined(GPU_CUDA)
#include "kernels/gpu/cuda/maps.h"

namespace kernels::GPU_NS {

// Barriers in shared memory on which copies arrive.
GPU_DEVICE void arrivals_expected(LdsAddress barrier, int count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(count) : "memory");
}
GPU_DEVICE void arrive_with_bytes(LdsAddress barrier, uint32_t bytes) {  // of a copy that is about to begin
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}
GPU_DEVICE void arrive_with_copies(LdsAddress barrier) {  // when this lane's copy4_async before it have arrived
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(barrier) : "memory");
}
GPU_DEVICE void wait_for_arrivals(LdsAddress barrier, uint32_t phase) {
  asm volatile(
      "{\n\t.reg .pred p;\n\tAGAIN:\n\tmbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n\t@!p bra AGAIN;\n\t}" ::"r"(barrier),
      "r"(phase)
      : "memory");
}
GPU_DEVICE void prefetch_map(const CUtensorMap& map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
}
// The rows of the map's tile x 128 bytes from (byte, row) of a matrix on; what lies outside it becomes 0. Sixteen-byte chunks of a row lie
// exchanged by row % 8.
GPU_DEVICE void copy_tile(LdsAddress to, const CUtensorMap& map, int byte, int row, LdsAddress barrier) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(to),
               "l"(&map), "r"(byte), "r"(row), "r"(barrier)
               : "memory");
}
// The same of what a step reads once, as copy16_once().
GPU_DEVICE void copy_tile_once(LdsAddress to, const CUtensorMap& map, int byte, int row, LdsAddress barrier) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1, {%2, %3}], [%4], %5;" ::"r"(to),
      "l"(&map), "r"(byte), "r"(row), "r"(barrier), "l"(kEvictFirst)
      : "memory");
}

// 64 x 64 by a warpgroup: rows lane / 4 and lane / 4 + 8 of the wave's 16, columns 8 j + 2 (lane % 4) + {0, 1} at 4 j.
struct MatrixSums {
  float c[32];
};
// A matrix of 64 rows in shared memory as the instruction is told of it: rows of 128 bytes, chunks exchanged by row % 8,
// eight rows 1,024 bytes apart.
GPU_DEVICE uint64_t lds_matrix(LdsAddress at) {
  return (uint64_t{at} & 0x3ffff) >> 4 | uint64_t{1} << 16 | uint64_t{1024 >> 4} << 32 | uint64_t{1} << 62;
}
constexpr GPU_DEVICE uint64_t lds_matrix_bytes(int64_t bytes) {  // added to the above: so much further on
  return static_cast<uint64_t>(bytes) >> 4;
}

#define DS_MATRIX_SUMS                                                                                                  \
  "+f"(d.c[0]), "+f"(d.c[1]), "+f"(d.c[2]), "+f"(d.c[3]), "+f"(d.c[4]), "+f"(d.c[5]), "+f"(d.c[6]), "+f"(d.c[7]),      \
      "+f"(d.c[8]), "+f"(d.c[9]), "+f"(d.c[10]), "+f"(d.c[11]), "+f"(d.c[12]), "+f"(d.c[13]), "+f"(d.c[14]),           \
      "+f"(d.c[15]), "+f"(d.c[16]), "+f"(d.c[17]), "+f"(d.c[18]), "+f"(d.c[19]), "+f"(d.c[20]), "+f"(d.c[21]),         \
      "+f"(d.c[22]), "+f"(d.c[23]), "+f"(d.c[24]), "+f"(d.c[25]), "+f"(d.c[26]), "+f"(d.c[27]), "+f"(d.c[28]),         \
      "+f"(d.c[29]), "+f"(d.c[30]), "+f"(d.c[31])
#define DS_MATRIX_OUT                                                                                                   \
  " {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, "
// d (+)= 64 rows x 16 in registers, times 64 rows x 16 in shared memory; `add` 0 begins a sum.
GPU_DEVICE void mma_f16(MatrixSums& d, const uint32_t (&a)[4], uint64_t tokens, int add) {
  asm volatile("{\n\t.reg .pred p;\n\tsetp.ne.b32 p, %37, 0;\n\twgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16" DS_MATRIX_OUT
               "{%32,%33,%34,%35}, %36, p, 1, 1, 0;\n\t}"
               : DS_MATRIX_SUMS
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(tokens), "r"(add));
}
// The same with columns for the second operand: rows of 16 k x 64 columns lie in shared memory.
GPU_DEVICE void mma_f16_columns(MatrixSums& d, const uint32_t (&a)[4], uint64_t columns, int add) {
  asm volatile("{\n\t.reg .pred p;\n\tsetp.ne.b32 p, %37, 0;\n\twgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16" DS_MATRIX_OUT
               "{%32,%33,%34,%35}, %36, p, 1, 1, 1;\n\t}"
               : DS_MATRIX_SUMS
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(columns), "r"(add));
}
// Both operands' 64 rows x 16 in shared memory; `add` 0 begins a sum.
GPU_DEVICE void mma_f16_lds(MatrixSums& d, uint64_t a, uint64_t b, int add) {
  asm volatile("{\n\t.reg .pred p;\n\tsetp.ne.b32 p, %34, 0;\n\twgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16" DS_MATRIX_OUT
               "%32, %33, p, 1, 1, 0, 0;\n\t}"
               : DS_MATRIX_SUMS
               : "l"(a), "l"(b), "r"(add));
}
// e4m3, rows of 32: the sum over those 32 keeps some 14 bits of the largest product (kernels/gemm_fp8.h).
GPU_DEVICE void mma_fp8_lds(MatrixSums& d, uint64_t weights, uint64_t tokens, int add) {
  asm volatile("{\n\t.reg .pred p;\n\tsetp.ne.b32 p, %34, 0;\n\twgmma.mma_async.sync.aligned.m64n64k32.f32.e4m3.e4m3" DS_MATRIX_OUT
               "%32, %33, p, 1, 1;\n\t}"
               : DS_MATRIX_SUMS
               : "l"(weights), "l"(tokens), "r"(add));
}
GPU_DEVICE void mma_bf16_lds(MatrixSums& d, uint64_t weights, uint64_t tokens) {
  asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16" DS_MATRIX_OUT "%32, %33, 1, 1, 1, 0, 0;"
               : DS_MATRIX_SUMS
               : "l"(weights), "l"(tokens));
}
#undef DS_MATRIX_SUMS
#undef DS_MATRIX_OUT
GPU_DEVICE void mma_begin() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
// What was begun goes on by itself until mma_wait(); its sums must not be looked at before.
GPU_DEVICE void mma_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
GPU_DEVICE void mma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
}
GPU_DEVICE void mma_end() {
  mma_commit();
  mma_wait();
}
// Four 8 x 8 matrices of two-byte values to shared memory, a word of each a lane; the rows of matrix i go to the addresses
// of lanes 8 i to 8 i + 7.
GPU_DEVICE void store_matrices(LdsAddress row, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(row), "r"(a), "r"(b), "r"(c), "r"(d) : "memory");
}

// Eight rows of 64 e4m3 (a lane: 16 of row lane / 4) as f16 to rows `row` to row + 7 of a matrix (lds_matrix). The order of
// k within 16 is that of `Ready` as the 64-row operand's registers: {low[2 s], high[2 s], low[2 s + 1], high[2 s + 1]}.
GPU_DEVICE void store_ready(LdsAddress matrix, int row, const Ready& r) {
  row += lane_id() % 8;
#pragma unroll
  for (int j = 0; j < 2; ++j) {  // matrices 4 j to 4 j + 3 of eight: chunks of the row
    const int chunk = (4 * j + lane_id() / 8) ^ row % 8;
    store_matrices(matrix + row * 128 + chunk * 16, r.f16[4 * j], r.f16[4 * j + 1], r.f16[4 * j + 2], r.f16[4 * j + 3]);
  }
}

}  // namespace kernels::GPU_NS
#endif
