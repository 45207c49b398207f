// Every op on random launches: fresh inputs each run, outputs poisoned, guard bands, one worker
// against several.
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>

#include "kernels/verify.h"

using namespace kernels;

TEST_CASE("every op agrees with its reference") {
  for (int i = 0; i < kOps; ++i) {
    const Op op = static_cast<Op>(i);
    DYNAMIC_SECTION(key_of(op)) {
      for (uint64_t n = 0; n < 24; ++n) {
        Workspace workspace;
        Random random(Catch::getSeed() * 1000003ull + n);
        const OpArgs args = make_case(op, workspace, random);
        REQUIRE(op_of(args) == op);
        INFO("seed " << Catch::getSeed() << ", case " << n);
        const Verdict verdict = verify(cpu_backend(), args, workspace);
        INFO(verdict.wrong);
        CHECK(verdict.ok());
        const Cost c = cost(args);
        CHECK(c.bytes > 0);
        CHECK(c.flops >= 0);
      }
    }
  }
}

TEST_CASE("large shapes that GPUs have kernels of their own for agree with their references") {
  for (const Op op : {Op::topk, Op::sparse_mla, Op::sparse_combine}) {
    for (int n = 0;; ++n) {
      Workspace workspace;
      Random random(Catch::getSeed() + static_cast<uint64_t>(n));
      const OpArgs args = make_large_case(op, n, workspace, random);
      if (std::holds_alternative<std::monostate>(args)) {
        CHECK(n > 2);
        break;
      }
      REQUIRE(op_of(args) == op);
      const Verdict verdict = verify(cpu_backend(), args, workspace);
      INFO(key_of(op) << ", shape " << n << ", seed " << Catch::getSeed() << ": " << verdict.wrong);
      CHECK(verdict.ok());
    }
  }
}
