// The kernels of one wave width as a backend of kernels/verify.h; GPU_WAVE is set by the file that includes this.
#include <stdexcept>

#include "kernels/gpu/kernels.h"
#include "kernels/gpu/stamp.h"
#include "tests/emulator/lib/simt.h"

namespace kernels::GPU_NS {

static void run_args(Kernel kernel, const void* args) {
  switch (kernel) {
#define X(key, Args, threads, blocks) \
  case Kernel::key:                   \
    return key(*static_cast<const Args*>(args));
    GPU_KERNELS(X)
#if GPU_WAVE == 32
    GPU_KERNELS_32(X)
#endif
#undef X
    default:
      break;
  }
}

// A launch of the emulated device (tests/emulator/lib/device.h); with slots for stamps, its stamped form.
void run_launch(const Launch& l) {
  simt::launch({l.grid_x, l.grid_y, l.threads, kWave, l.lds_bytes, simt::Order::shuffled}, [&] {
    if (l.stamps)
      stamped(l.stamps, [&] { run_args(l.kernel, l.args); });
    else
      run_args(l.kernel, l.args);
  });
}

static void emulate(const OpArgs& args, Part part) {
  if (part.index != 0) return;
  gpu::Traits traits;
  traits.wave = kWave, traits.units = 8, traits.lds_bytes = (kWave == 32 ? 227 : 160) * 1024;
  const Launch l = gpu::launch_of(args, traits);
  if (!l.refused.empty()) throw std::runtime_error(l.refused);
  const simt::Order order = part.count == 1 ? simt::Order::forward : part.count == 2 ? simt::Order::reversed : simt::Order::shuffled;
  simt::launch({l.grid_x, l.grid_y, l.threads, kWave, l.lds_bytes, order}, [&] { run_args(l.kernel, l.args); });
}

const Backend& emulator() {
  static const Backend backend = [] {
    Backend b{GPU_WAVE == 32 ? "emulator, waves of 32" : "emulator, waves of 64", {}};
    b.run.fill(&emulate);
    return b;
  }();
  return backend;
}

}  // namespace kernels::GPU_NS
