#include "kernels/moe_route.h"

namespace kernels::cpu {

void run(const AppendSharedArgs& a, Part part) {
  const auto [begin, end] = part.of(a.M);
  for (int64_t m = begin; m < end; ++m) {
    int32_t* ids = a.ids_out + m * (a.k + 1);
    float* weights = a.weights_out + m * (a.k + 1);
    std::copy(a.ids + m * a.k, a.ids + (m + 1) * a.k, ids);
    std::copy(a.weights + m * a.k, a.weights + (m + 1) * a.k, weights);
    ids[a.k] = a.shared_id;
    weights[a.k] = a.shared_weight;
  }
}

// A counting sort of a few hundred rows: one worker does it.
void run(const MoeSortArgs& a, Part part) {
  if (part.index != 0) return;
  std::fill(a.offsets, a.offsets + a.E + 1, 0);
  for (int64_t r = 0; r < a.M * a.k; ++r) ++a.offsets[a.ids[r] + 1];
  for (int64_t e = 0; e < a.E; ++e) a.offsets[e + 1] += a.offsets[e];
  // offsets[e] serves as e's write position and ends where e + 1 begins; moved back by one place
  // afterwards.
  for (int64_t r = 0; r < a.M * a.k; ++r) a.rows[a.offsets[a.ids[r]]++] = static_cast<int32_t>(r);
  for (int64_t e = a.E; e > 0; --e) a.offsets[e] = a.offsets[e - 1];
  a.offsets[0] = 0;
}

}  // namespace kernels::cpu
