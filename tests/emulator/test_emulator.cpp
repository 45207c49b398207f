// The GPU kernels from their own source, lane by lane, at both wave widths, against the double references;
// and the emulator itself: what it is there to catch, it catches.
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "kernels/gpu/emulated_api.h"
#include "kernels/verify.h"
#include "tests/emulator/lib/simt.h"

using namespace kernels;

TEST_CASE("every GPU kernel agrees with its reference", "[slow]") {
  for (const int wave : {64, 32}) {
    for (int i = 0; i < kOps; ++i) {
      const Op op = static_cast<Op>(i);
      DYNAMIC_SECTION(key_of(op) << ", waves of " << wave) {
        for (uint64_t n = 0; n < 8; ++n) {
          Workspace workspace(n % 2 == 1);  // guard bands, or pages that end a read past the end
          Random random(Catch::getSeed() * 1000003ull + n);
          const OpArgs args = make_case(op, workspace, random);
          const std::string why = simt::refused(wave, args);
          if (why == "no GPU kernel for this op yet") continue;
          REQUIRE(why == "");
          INFO("seed " << Catch::getSeed() << ", case " << n);
          const Verdict verdict = verify(simt::backend(wave), args, workspace);
          INFO(verdict.wrong);
          CHECK(verdict.ok());
        }
      }
    }
  }
}

namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

simt::Grid two_waves(simt::Order order = simt::Order::forward) {
  return {1, 1, 128, 64, 128 * 4, order};
}
float* shared() {
  return reinterpret_cast<float*>(simt::lds());
}

}  // namespace

TEST_CASE("a barrier that not all threads reach is reported") {
  const auto kernel = [] {
    if (simt::thread_index.x < 64) simt::barrier();
  };
  CHECK_THROWS_MATCHES(simt::launch(two_waves(), kernel), std::runtime_error,
                       MessageMatches(ContainsSubstring("not reached by thread")));
}

TEST_CASE("a wave operation that not all lanes take is reported") {
  const auto kernel = [] {
    const int v = 1;
    if (simt::thread_index.x % 64 != 5) simt::show(&v, sizeof v);
  };
  CHECK_THROWS_MATCHES(simt::launch(two_waves(), kernel), std::runtime_error,
                       MessageMatches(ContainsSubstring("63 of 64 lanes")));
}

TEST_CASE("a write past the shared memory is reported") {
  CHECK_THROWS_MATCHES(simt::launch(two_waves(), [] { shared()[128] = 0; }), std::runtime_error,
                       MessageMatches(ContainsSubstring("past the shared memory")));
}

TEST_CASE("waves that share a place between barriers show when they take turns") {
  const auto sums = [](simt::Order order) {
    std::vector<int> got(128);
    simt::launch(two_waves(order), [&] {
      const unsigned i = simt::thread_index.x;
      auto* place = reinterpret_cast<int*>(simt::lds());
      if (i % 64 == 0) place[0] = static_cast<int>(i / 64);  // one place for both waves
      const char nothing = 0;
      simt::show(&nothing, 1);
      got[i] = place[0];
    });
    return got;
  };
  const auto whole = [](const std::vector<int>& got) { return got[0] == 0 && got[127] == 1; };
  CHECK(whole(sums(simt::Order::forward)));
  bool shown = false;
  for (int round = 0; round < 20; ++round) shown = shown || !whole(sums(simt::Order::shuffled));
  CHECK(shown);
}

TEST_CASE("a missing barrier shows in one of the orders") {
  const auto mirrored = [](bool with_barrier, simt::Order order) {
    std::vector<float> out(128);
    simt::launch(two_waves(order), [&] {
      const unsigned i = simt::thread_index.x;
      shared()[i] = static_cast<float>(i);
      if (with_barrier) simt::barrier();
      out[i] = shared()[127 - i];
    });
    for (unsigned i = 0; i < 128; ++i) {
      if (out[i] != static_cast<float>(127 - i)) return false;  // the poison is NaN
    }
    return true;
  };
  for (const auto order : {simt::Order::forward, simt::Order::reversed, simt::Order::shuffled}) {
    CHECK(mirrored(true, order));
    CHECK_FALSE(mirrored(false, order));
  }
}
