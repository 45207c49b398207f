#include "engine/ceilings.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "engine/memory.h"
#include "kernels/ceiling.h"

namespace engine {

namespace {

// Best of several runs: a ceiling is what the machine can do undisturbed. `work` does one worker's
// share.
template <class Work>
double best_seconds(Executor& executor, int runs, const Work& work) {
  double best = 1e9;
  for (int i = 0; i < runs; ++i) {
    const int64_t begin = now_ns();
    executor.share([&](kernels::Part part) { work(part); });
    best = std::min(best, static_cast<double>(now_ns() - begin) * 1e-9);
  }
  return best;
}

}  // namespace

int64_t last_level_cache_bytes() {
  for (const int name : {_SC_LEVEL3_CACHE_SIZE, _SC_LEVEL2_CACHE_SIZE}) {
    const long bytes = sysconf(name);
    if (bytes > 0) return bytes;
  }
  return int64_t{32} << 20;
}

Ceilings measure_ceilings(Executor& executor) {
  Ceilings c;
  const int64_t bytes =
      std::clamp<int64_t>(4 * last_level_cache_bytes(), int64_t{64} << 20, int64_t{512} << 20);
  Memory from(bytes), to(bytes);
  std::memset(from.data(), 1,
              static_cast<size_t>(bytes));  // real pages, not the system's zero page
  std::memset(to.data(), 2, static_cast<size_t>(bytes));
  const auto gb = static_cast<double>(bytes) * 1e-9;
  c.read_gbps = gb / best_seconds(executor, 7, [&](kernels::Part part) {
                  const auto [begin, end] = part.of(bytes, 4096);
                  kernels::cpu::read_all(from.data() + begin, end - begin);
                });
  c.copy_gbps =
      2 * gb / best_seconds(executor, 5, [&](kernels::Part part) {
        const auto [begin, end] = part.of(bytes, 4096);
        std::memcpy(to.data() + begin, from.data() + begin, static_cast<size_t>(end - begin));
      });
  constexpr int kRounds = 20000;
  c.bf16_tflops =
      executor.workers() * kernels::cpu::arithmetic_flops(kRounds) * 1e-12 /
      best_seconds(executor, 7, [&](kernels::Part) { kernels::cpu::arithmetic(kRounds); });
  c.fp8_tflops = c.bf16_tflops;

  constexpr int kNodes = 1000;
  DecodePlan empty;
  PlannedOp node;
  node.args = kernels::FillArgs{};
  empty.ops.assign(kNodes, node);
  int64_t best = INT64_MAX;
  for (int i = 0; i < 7; ++i) best = std::min(best, executor.run(empty));
  c.empty_node_us = static_cast<double>(best) / 1000 / kNodes;
  return c;
}

}  // namespace engine
