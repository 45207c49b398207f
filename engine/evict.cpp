#include "engine/evict.h"

#include <algorithm>

#include "engine/ceilings.h"
#include "kernels/ceiling.h"

namespace engine {

void Evictor::run() {
  if (m_memory.size() == 0) {
    m_memory = Memory(4 * last_level_cache_bytes());
    std::fill_n(m_memory.data(), m_memory.size(), uint8_t{1});
  }
  kernels::cpu::read_all(m_memory.data(), m_memory.size());
}

}  // namespace engine
