// bench: every op of a model's decode step against the measured ceilings of this machine. Where the
// workload leaves the experts to the router they are imposed instead, uniformly and by a power law of
// 1.01; top-k is timed over every kind of score row (kernels/score_rows.h).
//   kernels  each distinct launch of the step by itself, on the buffers and weights it has there;
//            cold: 4 x the last-level cache is read before every run; warm: repeated as it is
//   step     whole steps as they run live, the stamps of each op key added up over a step
// On a GPU (engine/gpu_bench.h): kernels as nodes of replayed graphs, in turn through the layers; floors with an
// empty node of the launch's grid and a cold read of its bytes, both measured in the same run; steps untraced, the
// ops' times from the vendor's profiler.
// Thread rule: one call at a time; `progress` and `cancelled` are called from the calling thread.
#pragma once
#include "engine/ceilings.h"
#include "engine/session.h"

namespace engine {

using trace::BenchRow;

// A bench as it is stored: a run without a trace, and what was found.
struct BenchRun {
  trace::Run run;
  trace::Bench bench;
};

struct BenchOptions {
  bool whole_step = false;  // else one launch at a time
  bool cold = true;         // of single launches
  int repeats = 0;          // 0: 15 of a launch, the spec's steps of a step
  std::string program;      // version, for the run
  Progress progress;
  std::function<bool()> cancelled;
};

// The run's step times, of `step`, are those under the first routing. error: as prepare(), a batch of 0,
// or cancelled. Throws std::bad_alloc.
trace::Result<BenchRun> bench(const trace::RunSpec&, const BenchOptions&);

}  // namespace engine
