// What this machine can do at most, measured here and now with the workers that run the engine:
// the roof that `bench` holds every op against. Takes about two seconds.
// Thread rule: one call at a time.
#pragma once
#include "engine/executor.h"
#include "trace/bench.h"

namespace engine {

using Ceilings = trace::BenchCeilings;
using trace::ReadPoint;

Ceilings measure_ceilings(Executor&);

int64_t last_level_cache_bytes();  // 32 MiB where the system does not say

}  // namespace engine
