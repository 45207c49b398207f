// The two loops that bound the CPU path: reading memory, and multiplying and adding what is in
// registers. For measured ceilings. Thread rule: pure.
#pragma once
#include <cstdint>

namespace kernels::cpu {

// Reads every byte once; returns something made of them, so that no compiler leaves it out.
uint64_t read_all(const uint8_t* from, int64_t bytes);

// `rounds` of products and sums in the shape of dot4; flops of one such call.
float arithmetic(int64_t rounds);
double arithmetic_flops(int64_t rounds);

}  // namespace kernels::cpu
