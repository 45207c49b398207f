// The launch rules of one wave width; GPU_WAVE is set by the file that includes this.
#include "kernels/gpu/kernels.h"

namespace kernels::GPU_NS {

Launch rule(const OpArgs& args, const Traits& traits) {
  return std::visit(
      [&traits](const auto& a) -> Launch {
        if constexpr (requires { launch(a, traits); }) {
          Launch l = launch(a, traits);
          l.args = &a;
          l.size = sizeof a;
          return l;
        } else {
          return gpu::refused("no GPU kernel for this op yet");
        }
      },
      args);
}

}  // namespace kernels::GPU_NS
