#include "engine/evict.h"

#include <algorithm>

#include "engine/ceilings.h"
#include "engine/gpu_step.h"
#include "kernels/ceiling.h"

namespace engine {

void Evictor::run(GpuStep* on_gpu) {
  if (on_gpu) return on_gpu->empty_cache();
  if (m_memory.size() == 0) {
    m_memory = Memory(4 * last_level_cache_bytes());
    std::fill_n(m_memory.data(), m_memory.size(), uint8_t{1});
  }
  kernels::cpu::read_all(m_memory.data(), m_memory.size());
}

}  // namespace engine
