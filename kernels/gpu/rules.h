// Pieces of the launch rules, which stand beside their kernels.
#pragma once
#include <initializer_list>

#include "kernels/gpu/launch.h"

namespace kernels::gpu {

inline constexpr int64_t kThreads = 256;

constexpr int64_t divide_up(int64_t n, int64_t by) {
  return (n + by - 1) / by;
}

// A launch over n items, one a thread.
inline Launch over(Kernel kernel, int64_t n, int64_t threads = kThreads) {
  return {kernel, divide_up(n, threads), 1, static_cast<int>(threads), 0, 1, nullptr, 0, {}};
}

// One block an item of (x, y).
inline Launch blocks(Kernel kernel, int64_t x, int64_t y, int threads, int64_t lds_bytes) {
  return {kernel, x, y, threads, lds_bytes, 1, nullptr, 0, {}};
}

inline Launch refused(std::string why) {
  Launch l;
  l.refused = std::move(why);
  return l;
}

inline bool aligned(const void* p, int64_t to) {
  return reinterpret_cast<uintptr_t>(p) % static_cast<uintptr_t>(to) == 0;
}
inline bool multiples(std::initializer_list<int64_t> numbers, int64_t of) {
  for (const int64_t n : numbers) {
    if (n % of != 0) return false;
  }
  return true;
}

}  // namespace kernels::gpu
