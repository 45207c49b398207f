// Empties the caches by reading four times what the last level holds: for measurements that state
// their cache state as cold. Thread rule: one thread.
#pragma once
#include "engine/memory.h"

namespace engine {

enum class CacheState : uint8_t {
  as_is,  // whatever the step before left: warm where the working set fits
  cold
};

class Evictor {
 public:
  void run();  // some milliseconds

 private:
  Memory m_memory;  // made on first use
};

}  // namespace engine
