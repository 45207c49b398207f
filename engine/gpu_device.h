// The GPU of this process: opened when first asked for, kept until the end. One device a backend.
// Errors: no such backend in this binary, no device, a driver that is too old: one line.
// Thread rule: opening is safe from any thread; the device itself is for one thread at a time.
#pragma once
#include "kernels/gpu/device.h"
#include "trace/result.h"

namespace engine {

bool is_gpu(std::string_view backend);  // cuda, hip
// What `auto` stands for: the GPU backend that can run here, else the CPU.
std::string best_backend();

trace::Result<kernels::gpu::Device*> gpu_device(std::string_view backend);
kernels::gpu::BackendState gpu_state(std::string_view backend);

// Puts a device of the caller's in the place of this process's: the engine's tests run on an emulated one.
void use_gpu_device(std::string_view backend, std::unique_ptr<kernels::gpu::Device>);

}  // namespace engine
