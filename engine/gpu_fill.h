// Weights and caches made on the device itself: the same bytes as engine/weights.cpp and engine/caches.cpp make
// on the host (Philox is counter-based; the writer ops are the step's own), at the device's speed.
// Errors: one line, when a launch or an allocation fails. Thread rule: one thread.
#pragma once
#include "engine/arm.h"
#include "engine/gpu_step.h"

namespace engine {

// The weights' block on the device: tables and norms copied, all else generated there.
trace::Result<std::shared_ptr<Image>> weights_on(kernels::gpu::Device&, const Weights&);

// Caches of these formats, filled up to the sequences' starting positions. `weights`: their image.
trace::Result<Caches> caches_on(kernels::gpu::Device&, Model&, const Image& weights, const trace::ToggleSet&,
                                const Progress& = {});

}  // namespace engine
