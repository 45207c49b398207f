// Random legal arguments, one function an op (used by kernels/verify.h, make_case).
#pragma once
#include "kernels/formats.h"
#include "kernels/verify.h"

namespace kernels::cases {

// Tokens of a launch: one, odd counts, a multiple of four and more than a vector.
inline int64_t tokens(Random& r) {
  return r.pick({1, 2, 3, 5, 8, 13, 64});
}

Bf16* normals(Workspace&, Random&, int64_t n, double scale = 1);
float* floats(Workspace&, Random&, int64_t n, double scale = 1);
E4m3* codes(Workspace&, Random&, int64_t n);                   // every code but the two NaNs
float* scales(Workspace&, Random&, int64_t n, double around);  // positive, within a factor of two
QuantIn quantised(Workspace&, Random&, int64_t rows, int64_t columns, ScaleLayout);
QuantOut quant_out(Workspace&, Random&, int64_t rows, int64_t columns);
MxIn mx_random(Workspace&, Random&, int64_t rows, int64_t columns, ScaleLayout);
MxOut mx_out(Workspace&, Random&, int64_t rows, int64_t columns);
int32_t* integers(Workspace&, const std::vector<int32_t>&);
RopeTable rope_table(Workspace&, Random&, int64_t positions, int64_t rope);
int32_t* positions(Workspace&, Random&, int64_t n, int64_t below);

#define X(key, Args) void make(Workspace&, Random&, Args&);
DS_OPS(X)
#undef X

}  // namespace kernels::cases
