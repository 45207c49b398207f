// Which of a profiler's kernel records is which op of a step. Three kinds of evidence, by what the profiler tells:
//   graph nodes    numbered in the order of their capture, which is the plan's (CUPTI)
//   streams        records of one stream come in the plan's order
//   dispatch order a graph without node ids (rocprofiler-sdk): the dispatches of one launch are an interleaving of the
//                  plan's streams; which one follows from the kernels' names, and where these say nothing, from the queue
// Pure.
#pragma once
#include <span>
#include <vector>

#include "kernels/gpu/device.h"

namespace engine {

struct ExpectedKernel {
  std::string name;  // "ds_gemm_fp8_16"
  int stream = 0;
};

// One index into `records` for each expected kernel, or empty when they do not fit. Of a graph with node ids, records
// without one are dropped from `records`.
std::vector<size_t> match_kernels(std::span<const ExpectedKernel>, std::vector<kernels::gpu::TracedKernel>& records, bool graph);

// By op the index of the call that launched it, -1: not told; all ops of a graph are one launch, 0, even of a call not told. `order`
// is match_kernels'. By correlation, where calls have one; else the calls are this step's in the plan's order: a graph's one call, or
// one an op. Calls that do not fit are dropped: another number of them, or a kernel that began before its call (by more than clocks
// err), so that they are on another clock.
std::vector<int> calls_of_ops(std::span<const size_t> order, const std::vector<kernels::gpu::TracedKernel>& records,
                              std::vector<kernels::gpu::TracedCall>& calls, bool graph);

}  // namespace engine
