#include "kernels/simd.h"

#include <memory>
#include <new>

namespace kernels::cpu {

int vector_width() {
#if defined(__x86_64__)
  static const int width = [] {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
      return 16;
    }
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c") &&
                   __builtin_cpu_supports("fma")
               ? 8
               : 4;
  }();
  return width;
#else
  return 4;
#endif
}

namespace {

struct AlignedDelete {
  void operator()(float* p) const { ::operator delete[](p, std::align_val_t{64}); }
};
struct Scratch {
  std::unique_ptr<float[], AlignedDelete> memory;
  int64_t floats = 0;
};

}  // namespace

float* scratch(int slot, int64_t floats) {
  thread_local std::array<Scratch, 8> slots;
  Scratch& s = slots.at(static_cast<size_t>(slot));
  if (s.floats < floats) {
    s.memory.reset(static_cast<float*>(
        ::operator new[](static_cast<size_t>(floats) * 4, std::align_val_t{64})));
    s.floats = floats;
  }
  return s.memory.get();
}

}  // namespace kernels::cpu
