// What a GPU can do at most, and what one launch takes on it: graphs of many launches, replayed, medians. A
// launch is taken in turn from every layer that has it, so that weights and caches come from memory as they do in
// a step (the layers together hold far more than the last-level cache); small buffers are warm as in a step.
//   floor of a launch = an empty node of the same grid, threads and shared memory + a cold read of its bytes,
//   or its arithmetic at the rate of the matrix instructions that the kernels use, where that is more
// Errors: std::runtime_error when the device fails. Thread rule: one thread.
#pragma once
#include <array>
#include <map>

#include "engine/ceilings.h"
#include "engine/gpu_step.h"

namespace engine {

class GpuBench {
 public:
  // `once`: every graph holds its launches once and is replayed once, for tests that count nothing on times.
  explicit GpuBench(kernels::gpu::Device& device, bool once = false) : m_device(device), m_once(once) {}

  Ceilings measure();

  // Of one launch of the graph that takes these in turn. Ceilings and floors are of nodes that begin when the one before
  // has ended; ops may overlap as they do in a step.
  double launch_us(std::span<const kernels::gpu::Launch> turns, int replays, bool overlap = false);
  // An empty node like this launch.
  double empty_us(const kernels::gpu::Launch& like);
  // REQUIRES: measure() was called.
  double read_us(int64_t bytes) const;
  double floor_us(const kernels::gpu::Launch&, const kernels::Cost&);

 private:
  void need(const kernels::Status&) const;
  double best_read_us(const Scratch& buffer, int64_t bytes);

  kernels::gpu::Device& m_device;
  const bool m_once;
  Ceilings m_ceilings;
  std::map<std::array<int64_t, 4>, double> m_empty;  // by grid, threads, shared memory
};

}  // namespace engine
