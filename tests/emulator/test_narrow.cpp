// Shapes that the random cases do not draw: the narrow model that switches are checked on (latent 64, rope 16).
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>

#include "kernels/cases.h"
#include "tests/emulator/lib/simt.h"

using namespace kernels;

namespace {

SparsePartialArgs narrow(Workspace& w, Random& r, Format format) {
  SparsePartialArgs a;
  a.M = 3, a.H = 4, a.topk = 64, a.splits = 1;
  a.cache.format = a.q_format = format;
  a.cache.latent = 64, a.cache.rope = 16, a.cache.slots = 100;
  const auto values = [&](int64_t n) -> void* {
    Bf16* x = cases::normals(w, r, n);
    if (format == Format::bf16) return x;
    E4m3* y = w.make<E4m3>(n);
    for (int64_t i = 0; i < n; ++i) y[i] = to_e4m3(to_float(x[i]));
    return y;
  };
  a.cache.data = values(a.cache.slots * a.cache.width());
  a.q = values(a.M * a.H * a.cache.width());
  std::vector<int32_t> slots;
  for (int64_t i = 0; i < a.M * a.topk; ++i)
    slots.push_back(i % a.topk < 40 ? static_cast<int32_t>(r.below(100)) : -1);
  a.slots = cases::integers(w, slots);
  a.scale = 0.2f;
  a.out = w.make<Bf16>(a.M * a.H * a.cache.latent);
  a.lse = w.make<float>(a.M * a.H);
  return a;
}

}  // namespace

TEST_CASE("sparse MLA of a narrow model") {
  for (const int wave : {64, 32}) {
    for (const Format format : {Format::bf16, Format::e4m3}) {
      Workspace workspace;
      Random random(Catch::getSeed());
      const OpArgs args = narrow(workspace, random, format);
      REQUIRE(simt::refused(wave, args) == "");
      const Verdict verdict = verify(simt::backend(wave), args, workspace);
      INFO("waves of " << wave << ", " << to_string(format) << ", seed " << Catch::getSeed() << ": " << verdict.wrong);
      CHECK(verdict.ok());
    }
  }
}
