// The shapes that mutants of the kernels asked for: each shows a fault that random ones seldom do.
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>

#include "kernels/verify.h"
#include "tests/emulator/lib/extra_cases.h"
#include "tests/emulator/lib/simt.h"

using namespace kernels;

TEST_CASE("shapes that each show what no other does") {
  for (const int wave : {64, 32}) {
    for (const simt::ExtraCase& extra : simt::extra_cases()) {
      for (const bool pages : {false, true}) {
        Workspace workspace(pages);
        Random random(Catch::getSeed());
        const OpArgs args = extra.make(workspace, random);
        REQUIRE(simt::refused(wave, args) == "");
        const Verdict verdict = verify(simt::backend(wave), args, workspace);
        INFO(extra.why << ", waves of " << wave << ", seed " << Catch::getSeed() << ": " << verdict.wrong);
        CHECK(verdict.ok());
      }
    }
  }
}
