#include <catch2/catch_approx.hpp>
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <random>

#include "ui/vm/viewport.h"

using Catch::Approx;
using namespace ui;

TEST_CASE("1x is four pixels a microsecond") {
  Viewport v;
  v.width_px = 1200;
  const Extent content{0, 287161};
  CHECK(set_scale(fit(v, content), 1, content).px_per_us() == Approx(4));
  CHECK(set_scale(fit(v, content), 2, content).px_per_us() == Approx(8));
  CHECK(set_scale(fit(v, content), 1.5, content).begin_ns == Approx(0));
}

TEST_CASE("fit shows everything, and follows a new width until one zooms") {
  Viewport v;
  const Extent content{0, 1'000'000};
  v = resized(v, 800, content);
  CHECK(v.fitted);
  CHECK(v.x_of(0) == Approx(0));
  CHECK(v.x_of(1e6) <= 800);
  v = resized(v, 400, content);
  CHECK(v.x_of(1e6) <= 400);
  const Viewport zoomed = zoom_at(v, 100, 4, content);
  CHECK_FALSE(zoomed.fitted);
  CHECK(resized(zoomed, 900, content).ns_per_px == zoomed.ns_per_px);
}

TEST_CASE("the time under the cursor stays under it while zooming") {
  std::mt19937_64 rng(Catch::getSeed());
  for (int round = 0; round < 500; ++round) {
    const Extent content{0, std::uniform_int_distribution<int64_t>(1000, 1'000'000'000'000)(rng)};
    Viewport v;
    v.width_px = std::uniform_real_distribution<float>(50, 4000)(rng);
    v = fit(v, content);
    for (int k = 0; k < 12; ++k) {
      const double px = std::uniform_real_distribution<double>(0, v.width_px)(rng);
      const double anchor = v.time_of(px);
      const Viewport next =
          zoom_at(v, px, std::uniform_real_distribution<double>(0.9, 3)(rng), content);
      CHECK(next.ns_per_px >= kMinNsPerPx);
      const bool moved_by_clamp =
          next.begin_ns != Approx(anchor - px * next.ns_per_px).epsilon(1e-9).margin(1e-6);
      if (!moved_by_clamp) CHECK(next.x_of(anchor) == Approx(px).margin(0.01));
      v = next;
    }
  }
}

TEST_CASE("a view never loses its content, however far one pans") {
  const Extent content{0, 50000};
  Viewport v = fit(Viewport{}, content);
  for (const double px : {-1e7, 1e7, 3e9, -3e9}) {
    const Viewport p = pan(v, px, content);
    CHECK(p.begin_ns < 50000);
    CHECK(p.end_ns() > 0);
  }
  CHECK(zoom_at(v, 3, 1e-9, content).ns_per_px <= 2 * 50000 / 1000.0);
  CHECK(zoom_at(v, 3, 1e18, content).ns_per_px == Approx(kMinNsPerPx));
  CHECK(fit(v, Extent{}).ns_per_px > 0);
}

TEST_CASE("reveal moves no more than it must") {
  const Extent content{0, 1'000'000};
  Viewport v = zoom_to(fit(Viewport{}, content), {100'000, 200'000}, content);
  CHECK(reveal(v, {120'000, 130'000}, content) == v);
  const Viewport right = reveal(v, {300'000, 301'000}, content);
  CHECK(right.end_ns() > 301'000);
  CHECK(right.begin_ns < 300'000);
  const Viewport wide = reveal(v, {400'000, 900'000}, content);
  CHECK(wide.begin_ns < 400'000);
}
