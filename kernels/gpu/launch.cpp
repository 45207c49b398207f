#include "kernels/gpu/launch.h"

namespace kernels {

// One definition for each wave width: kernels/gpu/rules.inl.
namespace gpu_w32 {
gpu::Launch rule(const OpArgs&, const gpu::Traits&);
}
namespace gpu_w64 {
gpu::Launch rule(const OpArgs&, const gpu::Traits&);
}

namespace gpu {

std::string_view key_of(Kernel k) {
  static constexpr std::string_view kKeys[] = {
#define X(key, Args, threads, blocks) #key,
      GPU_KERNELS(X) GPU_KERNELS_32(X) GPU_KERNELS_HOPPER(X)
#undef X
  };
  return k == Kernel::count_ ? "none" : kKeys[static_cast<size_t>(k)];
}
bool sums_narrowly(Kernel k) {
  return k == Kernel::gemm_fp8_wide || k == Kernel::gemm_fp8_wide_128 || k == Kernel::gemm_fp8_wide_192;
}

Launch launch_of(const OpArgs& args, const Traits& traits) {
  Launch l = traits.wave == 64 ? gpu_w64::rule(args, traits) : gpu_w32::rule(args, traits);
  if (l.refused.empty() && l.lds_bytes > traits.lds_bytes)
    l.refused = std::string(kernels::key_of(op_of(args))) + ": needs " + std::to_string(l.lds_bytes) +
                " bytes of shared memory, a block has " + std::to_string(traits.lds_bytes);
  if (!l.refused.empty() || l.grid_y == 0) l.grid_x = 0;
  return l;
}

}  // namespace gpu
}  // namespace kernels
