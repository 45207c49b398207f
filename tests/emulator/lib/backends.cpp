#include "tests/emulator/lib/simt.h"

namespace kernels {
namespace gpu_w32 {
const Backend& emulator();
}
namespace gpu_w64 {
const Backend& emulator();
}
}  // namespace kernels

namespace simt {

const kernels::Backend& backend(int wave) {
  return wave == 32 ? kernels::gpu_w32::emulator() : kernels::gpu_w64::emulator();
}

std::string refused(int wave, const kernels::OpArgs& args) {
  kernels::gpu::Traits traits;
  traits.wave = wave, traits.lds_bytes = (wave == 32 ? 227 : 160) * 1024;
  return kernels::gpu::launch_of(args, traits).refused;
}

}  // namespace simt
