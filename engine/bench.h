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

struct BenchRow {
  std::string op;    // key of the model's op: "q_b"; the last row of `step` is "step"
  std::string what;  // which launch, its shape: "layer 0, gemm_fp8 M=4 N=2048 K=2048"
  double us = 0;     // median; of `step`, of all its launches in a step together
  int launches = 1;  // in a step
  int64_t bytes = 0, flops = 0;
  double floor_us = 0;  // the larger of bytes / read ceiling and flops / arithmetic ceiling
  bool streams_weights = false;  // a matrix product with weights: counts as GEMV
  double gbps() const { return us > 0 ? static_cast<double>(bytes) / us * 1e-3 : 0; }
  double tflops() const { return us > 0 ? static_cast<double>(flops) / us * 1e-6 : 0; }
  double of_floor() const { return us > 0 ? floor_us / us : 0; }
};

struct BenchReport {
  std::string backend, device, model, cache_state;
  bool synthetic = false;  // no one publishes this model
  int workers = 1;
  Ceilings ceilings;
  // step on a GPU: cold reads of every launch's bytes and 35 empty nodes a layer; of the last routing
  double floor_35_us = 0;
  std::vector<BenchRow> rows;
  // Of the rows that stream weights: their floors over their times, and bytes a microsecond over
  // the read ceiling.
  double products_of_floor() const;
  double products_of_read() const;
};

struct BenchOptions {
  bool whole_step = false;  // else one launch at a time
  bool cold = true;         // of single launches
  int repeats = 0;          // 0: 15 of a launch, the spec's steps of a step
  Progress progress;
  std::function<bool()> cancelled;
};

// error: as prepare(), a batch of 0, or cancelled. Throws std::bad_alloc.
trace::Result<BenchReport> bench(const trace::RunSpec&, const BenchOptions&);

}  // namespace engine
