#include "engine/gpu_device.h"

#include <mutex>

namespace engine {

using kernels::gpu::Device;

bool is_gpu(std::string_view backend) {
  return backend == "cuda" || backend == "hip";
}

trace::Result<Device*> gpu_device(std::string_view backend) {
  static std::mutex mutex;
  static std::unique_ptr<Device> cuda, hip;
  const std::lock_guard lock(mutex);
  std::unique_ptr<Device>& device = backend == "cuda" ? cuda : hip;
  if (!device || device->lost()) {
    std::string why;
    device = kernels::gpu::open_device(backend, &why);
    if (!device) return trace::Error{why, "--backend " + std::string(backend)};
  }
  return device.get();
}

kernels::gpu::BackendState gpu_state(std::string_view backend) {
  kernels::gpu::BackendState state = kernels::gpu::built_state(backend);
  if (!state.built) return state;
  const trace::Result<Device*> device = gpu_device(backend);
  if (!device) {
    state.why = device.error().what;
    return state;
  }
  const kernels::gpu::DeviceInfo& info = (*device)->info();
  state.usable = true;
  state.device = info.name;
  state.why = "driver " + info.driver + ", runtime " + info.runtime;
  return state;
}

}  // namespace engine
