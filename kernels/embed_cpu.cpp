#include "kernels/embed.h"

#include <cstring>

namespace kernels::cpu {

void run(const EmbedArgs& a, Part part) {
  const auto [begin, end] = part.of(a.M);
  for (int64_t m = begin; m < end; ++m) {
    std::memcpy(a.out + m * a.hidden, a.table + a.tokens[m] * a.hidden,
                static_cast<size_t>(a.hidden) * sizeof(Bf16));
  }
}

}  // namespace kernels::cpu
