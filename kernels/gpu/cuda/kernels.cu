// The kernels as CUDA knows them. Their names are what a profiler shows: ds_<kernel>. Compiled twice: with DS_STAMPED
// each block writes when it began and ended (ds_<kernel>_stamped), so that the plain form carries nothing of it.
#include "kernels/gpu/kernels.h"
#include "kernels/gpu/stamp.h"

namespace kernels {

template <gpu::Kernel k, gpu::Kernel... these>
inline constexpr bool kIsOf = ((k == these) || ...);

// Those that wait for what comes before them at once; the others ask for weights first and wait by themselves.
template <gpu::Kernel k>
inline constexpr bool kWaits =
    !kIsOf<k, gpu::Kernel::gemm_fp8_16, gpu::Kernel::gemm_bf16_16, gpu::Kernel::gemm_fp8_wide, gpu::Kernel::gemm_fp8_wide_128,
           gpu::Kernel::gemm_fp8_wide_192, gpu::Kernel::gemm_bf16_wide, gpu::Kernel::bmm, gpu::Kernel::bmm_wide, gpu::Kernel::rms_norm,
           gpu::Kernel::qk_norm>;

// Stamped: those with registers to spare.
template <gpu::Kernel k>
inline constexpr bool kInRegisters =
    !kIsOf<k, gpu::Kernel::gemm_fp8_wide, gpu::Kernel::gemm_fp8_wide_128, gpu::Kernel::gemm_fp8_wide_192, gpu::Kernel::gemm_bf16_wide,
           gpu::Kernel::moe_down_fp8, gpu::Kernel::sparse_mla_fp8_64, gpu::Kernel::topk>;
// Of those, the ones that find their slot anew: their bodies want the registers.
template <gpu::Kernel k>
inline constexpr bool kKeepsSlot =
    !kIsOf<k, gpu::Kernel::gemm_fp8_16, gpu::Kernel::gemm_fp8_32, gpu::Kernel::gemm_fp8_64, gpu::Kernel::gemm_bf16_16,
           gpu::Kernel::gemm_bf16_32, gpu::Kernel::gemm_bf16_64, gpu::Kernel::gemm_f32_16, gpu::Kernel::gemm_mxfp4_16,
           gpu::Kernel::gemm_mxfp4_32, gpu::Kernel::moe_gate_up_fp8, gpu::Kernel::qk_norm, gpu::Kernel::mqa_logits_16,
           gpu::Kernel::mqa_logits_32, gpu::Kernel::mqa_logits_64, gpu::Kernel::mqa_logits_wide, gpu::Kernel::sparse_mla_fp8_8,
           gpu::Kernel::sparse_mla_fp8_16, gpu::Kernel::sparse_mla_fp8_32, gpu::Kernel::sparse_mla_bf16_8, gpu::Kernel::sparse_mla_bf16_16,
           gpu::Kernel::sparse_mla_bf16_32, gpu::Kernel::dense_mla_fp8_8, gpu::Kernel::dense_mla_fp8_16, gpu::Kernel::dense_mla_fp8_32,
           gpu::Kernel::dense_mla_bf16_8, gpu::Kernel::dense_mla_bf16_16, gpu::Kernel::dense_mla_bf16_32, gpu::Kernel::bmm,
           gpu::Kernel::bmm_wide, gpu::Kernel::moe_down_fp8_many, gpu::Kernel::index_quant>;

#if defined(DS_STAMPED)

#define DS_KERNEL(key) ds_##key##_stamped
#define X(key, Args, threads, blocks)                                                             \
  extern "C" __global__ void __launch_bounds__(threads, blocks)                                   \
      ds_##key##_stamped(const __grid_constant__ Args a, gpu::StampSlot* slots) {                 \
    constexpr gpu::Kernel k = gpu::Kernel::key;                                                   \
    if constexpr (kInRegisters<k>)                                                                \
      gpu_cuda::stamped_in_registers<kWaits<k>, kKeepsSlot<k>>(slots, [&] { gpu_cuda::key(a); }); \
    else                                                                                          \
      gpu_cuda::stamped(slots, [&] {                                                              \
        if constexpr (kWaits<k>) gpu_cuda::wait_in_line();                                        \
        gpu_cuda::key(a);                                                                         \
      });                                                                                         \
  }
#define DS_TABLE cuda_stamped_kernel

#else

#define DS_KERNEL(key) ds_##key
#define X(key, Args, threads, blocks)                                                               \
  extern "C" __global__ void __launch_bounds__(threads, blocks) ds_##key(const __grid_constant__ Args a) { \
    if constexpr (kWaits<gpu::Kernel::key>) gpu_cuda::wait_for_previous();                          \
    gpu_cuda::key(a);                                                                               \
  }
#define DS_TABLE cuda_kernel

#endif
GPU_KERNELS(X)
GPU_KERNELS_32(X)
GPU_KERNELS_HOPPER(X)
#undef X

namespace gpu {

const void* DS_TABLE(Kernel kernel) {
  switch (kernel) {
#define X(key, Args, threads, blocks) \
  case Kernel::key:                   \
    return reinterpret_cast<const void*>(&DS_KERNEL(key));
    GPU_KERNELS(X)
    GPU_KERNELS_32(X)
    GPU_KERNELS_HOPPER(X)
#undef X
    case Kernel::count_:
      break;
  }
  return nullptr;
}

}  // namespace gpu
}  // namespace kernels
