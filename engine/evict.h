// Empties the caches by reading four times what the last level holds, on a GPU by writing as much: for
// measurements that state their cache state as cold. Thread rule: one thread.
#pragma once
#include "engine/memory.h"

namespace engine {

class GpuStep;  // engine/gpu_step.h

enum class CacheState : uint8_t {
  as_is,  // whatever the step before left: warm where the working set fits
  cold
};

class Evictor {
 public:
  // Some milliseconds. With a step on a GPU: that device's cache, in the order of the step's stream; throws
  // std::runtime_error when the device fails.
  void run(GpuStep* on_gpu = nullptr);

 private:
  Memory m_memory;  // made on first use
};

}  // namespace engine
