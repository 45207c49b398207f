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
