// How an op is put on a GPU: which kernel, on how many blocks. Plain C++, the same for every vendor: a
// kernel takes the op's arguments by value and nothing else, so a launch is (kernel, grid, arguments).
// One op is one launch. Shapes that a kernel can't do are refused here, before anything runs.
// Thread rule: pure.
#pragma once
#include <string>

#include "kernels/ops.h"

// X(kernel, Args, threads of a block at most, blocks a multiprocessor should hold); for GPU compilers
#define GPU_KERNELS(X)                          \
  X(embed, EmbedArgs, 256, 4)                   \
  X(rms_norm, RmsNormArgs, 256, 2)               \
  X(qk_norm, QkNormArgs, 256, 2)                 \
  X(layer_norm, LayerNormArgs, 128, 4)          \
  X(scale_transpose, ScaleTransposeArgs, 256, 4) \
  X(group_quant, GroupQuantArgs, 256, 4)        \
  X(gemm_fp8_16, GemmFp8Args, 512, 1)           \
  X(gemm_fp8_32, GemmFp8Args, 256, 1)           \
  X(gemm_fp8_64, GemmFp8Args, 256, 1)           \
  X(mx_quant, MxQuantArgs, 256, 4)              \
  X(gemm_mxfp4_16, GemmMxArgs, 256, 2)          \
  X(gemm_mxfp4_32, GemmMxArgs, 256, 1)          \
  X(gemm_bf16_16, GemmBf16Args, 512, 1)         \
  X(gemm_bf16_32, GemmBf16Args, 256, 2)         \
  X(gemm_bf16_64, GemmBf16Args, 256, 1)         \
  X(gemm_f32_16, GemmBf16Args, 512, 1)          \
  X(bmm, BmmArgs, 4 * GPU_WAVE, 4)              \
  X(bmm_wide, BmmArgs, 4 * GPU_WAVE, 4)         \
  X(split_reduce, SplitReduceArgs, 256, 4)      \
  X(query_scale, QueryScaleArgs, 256, 4)        \
  X(index_rope, IndexRopeArgs, 256, 4)          \
  X(strided_copy, StridedCopyArgs, 256, 4)      \
  X(hadamard, HadamardArgs, 256, 4)             \
  X(index_quant, IndexQuantArgs, 256, 4)        \
  X(index_store, IndexStoreArgs, 256, 4)        \
  X(index_gather, IndexGatherArgs, 256, 4)      \
  X(cast, CastArgs, 256, 4)                     \
  X(scale, ScaleArgs, 256, 4)                   \
  X(head_gates, HeadGateArgs, 256, 4)           \
  X(fill, FillArgs, 256, 4)                     \
  X(mqa_logits_16, MqaLogitsArgs, 128, 4)       \
  X(mqa_logits_32, MqaLogitsArgs, 128, 3)       \
  X(mqa_logits_64, MqaLogitsArgs, 128, 2)       \
  X(topk, TopkArgs, 1024, 1)                    \
  X(rope_cat_store, RopeCatStoreArgs, 128, 8)   \
  X(concat, ConcatArgs, 256, 4)                 \
  X(sparse_mla_fp8_8, SparsePartialArgs, 4 * GPU_WAVE, 4)\
  X(sparse_mla_fp8_16, SparsePartialArgs, 4 * GPU_WAVE, 3)\
  X(sparse_mla_fp8_32, SparsePartialArgs, 4 * GPU_WAVE, 2)\
  X(sparse_mla_bf16_8, SparsePartialArgs, 4 * GPU_WAVE, 2)\
  X(sparse_mla_bf16_16, SparsePartialArgs, 4 * GPU_WAVE, 2)\
  X(sparse_mla_bf16_32, SparsePartialArgs, 4 * GPU_WAVE, 1)\
  X(dense_mla_fp8_8, DensePartialArgs, 4 * GPU_WAVE, 2)  \
  X(dense_mla_fp8_16, DensePartialArgs, 4 * GPU_WAVE, 2) \
  X(dense_mla_fp8_32, DensePartialArgs, 4 * GPU_WAVE, 1) \
  X(dense_mla_bf16_8, DensePartialArgs, 4 * GPU_WAVE, 1) \
  X(dense_mla_bf16_16, DensePartialArgs, 4 * GPU_WAVE, 1)\
  X(dense_mla_bf16_32, DensePartialArgs, 4 * GPU_WAVE, 1)\
  X(sparse_combine, SparseCombineArgs, 256, 4)  \
  X(sparse_combine_rows, SparseCombineArgs, 128, 4) \
  X(sparse_combine_many, SparseCombineArgs, 256, 4) \
  X(router_topk, RouterTopkArgs, 128, 4)        \
  X(moe_gate_up, MoeGateUpArgs, 256, 2)         \
  X(moe_down, MoeDownArgs, 256, 2)              \
  X(append_shared, AppendSharedArgs, 256, 4)    \
  X(moe_sort, MoeSortArgs, 1024, 1)             \
  X(silu_mul, SiluMulArgs, 256, 4)              \
  X(argmax, ArgmaxArgs, 1024, 1)                \
  X(draw, DrawArgs, 256, 4)                     \
  X(stream_read, StreamArgs, 256, 4)            \
  X(stream_copy, StreamArgs, 256, 4)            \
  X(matrix_rate, MatrixRateArgs, 256, 1)        \
  X(clock_reads, ClockArgs, 64, 4)              \
  X(nothing, StreamArgs, 1024, 1)

// Those that only waves of 32 have.
#define GPU_KERNELS_32(X)                \
  X(moe_gate_up_fp8, MoeGateUpArgs, 256, 2) \
  X(moe_down_fp8, MoeDownArgs, 256, 3)       \
  X(moe_down_fp8_many, MoeDownArgs, 128, 3)

// Those of Hopper's own instructions, which nothing emulates (Traits::matrix_copies).
#define GPU_KERNELS_HOPPER(X)                          \
  X(gemm_fp8_wide, WideArgs<GemmFp8Args>, 512, 1)      \
  X(gemm_fp8_wide_128, WideArgs<GemmFp8Args>, 512, 1)  \
  X(gemm_fp8_wide_192, WideArgs<GemmFp8Args>, 384, 1)  \
  X(gemm_bf16_wide, WideArgs<GemmBf16Args>, 512, 1)    \
  X(mqa_logits_wide, MqaLogitsArgs, 128, 4)            \
  X(sparse_mla_fp8_64, SparsePartialArgs, 256, 1)

namespace kernels::gpu {

enum class Kernel : uint8_t {
#define X(key, Args, threads, blocks) key,
  GPU_KERNELS(X) GPU_KERNELS_32(X) GPU_KERNELS_HOPPER(X)
#undef X
      count_
};
inline constexpr int kKernels = static_cast<int>(Kernel::count_);
#define X(key, Args, threads, blocks) +1
inline constexpr int kCommonKernels = 0 GPU_KERNELS(X);  // the first of them, which every wave width has
#undef X
std::string_view key_of(Kernel);
bool sums_narrowly(Kernel);  // its matrix instruction sums in fewer bits than fp32 (kernels/gemm_fp8.h)

// What of a device the launch rules look at.
struct Traits {
  int wave = 32;                 // lanes of a wave
  int units = 132;               // multiprocessors or compute units
  int64_t lds_bytes = 227 * 1024;  // shared memory a block may have
  int cluster = 1;                 // blocks that may share their shared memory
  bool matrix_copies = false;      // tiles by a copy engine, matrix instructions that read shared memory (Hopper)
};

// What a stamped launch writes for each of its blocks (y * grid_x + x): the low half of the device's clock, in its own
// ticks, when a wave of the block began and when all its waves had ended, and the multiprocessor or compute unit it ran on
// (kernels/gpu/stamp.h).
struct alignas(16) StampSlot {
  uint32_t begin, end, unit, unused;
};
static_assert(sizeof(StampSlot) == 16);

struct Launch {
  Kernel kernel = Kernel::count_;
  int64_t grid_x = 0, grid_y = 1;  // 0 blocks: nothing to do (no tokens)
  int threads = 256;
  int64_t lds_bytes = 0;
  int cluster = 1;  // blocks along y that run at once and see each other's shared memory
  const void* args = nullptr;  // inside the OpArgs given, `size` bytes, passed by value
  int64_t size = 0;
  std::string refused;  // "op: why" when no kernel does this shape
  StampSlot* stamps = nullptr;  // device memory, a slot a block: the stamped form of the kernel, "ds_<kernel>_stamped"
};

Launch launch_of(const OpArgs&, const Traits&);

}  // namespace kernels::gpu
