// What this machine can do at most, measured here and now with the workers that run the engine:
// the roof that `bench` holds every op against. Takes about two seconds.
// Thread rule: one call at a time.
#pragma once
#include <vector>

#include "engine/executor.h"

namespace engine {

// A cold read of so many bytes as a node of a graph, without what an empty node takes.
struct ReadPoint {
  int64_t bytes = 0;
  double us = 0;
  double gbps() const { return us > 0 ? static_cast<double>(bytes) / us * 1e-3 : 0; }
};

struct Ceilings {
  double read_gbps = 0;      // reading memory once, far more than the caches hold
  double copy_gbps = 0;      // read and written bytes together
  double bf16_tflops = 0;    // products and sums of values in the first-level cache; every format
  double fp8_tflops = 0;     // is widened to fp32 on a CPU, so that both are one figure
  double empty_node_us = 0;  // an op of a plan that does nothing; on a GPU a graph's node of one block
  std::vector<ReadPoint> reads;  // on a GPU, ascending
};

Ceilings measure_ceilings(Executor&);

int64_t last_level_cache_bytes();  // 32 MiB where the system does not say

}  // namespace engine
