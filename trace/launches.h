// What each launch of one device started: all kernels of a graph launch share one correlation id, so a launch of
// several kernels is a graph. Collectors hand out correlation ids in order, so a plain table mostly serves; ids that
// are spread too widely go through a hash table.
// Thread rule: const access from any thread.
#pragma once
#include <cstdint>
#include <limits>
#include <unordered_map>
#include <vector>

#include "trace/trace.h"

namespace trace {

struct Launch {
  uint32_t events = 0;
  uint32_t kernels = 0;
  uint32_t first_lane = kNone;   // of the activity that started first
  int64_t first_ns = std::numeric_limits<int64_t>::max();
};

class Launches {
 public:
  Launches(const Trace&, uint32_t device);
  // REQUIRES: an event of the device carries this correlation.
  const Launch& of(int64_t correlation) const {
    return m_sparse.empty() ? m_dense[static_cast<size_t>(correlation - m_lowest)] : m_sparse.at(correlation);
  }

 private:
  Launch& slot(int64_t correlation) {
    return m_dense.empty() ? m_sparse[correlation] : m_dense[static_cast<size_t>(correlation - m_lowest)];
  }
  int64_t m_lowest = 0;
  std::vector<Launch> m_dense;
  std::unordered_map<int64_t, Launch> m_sparse;
};

}  // namespace trace
