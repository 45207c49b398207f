// The icon that the window hands to the X server.
#include <catch2/catch_test_macros.hpp>

#include "app/window/icon.h"

TEST_CASE("the window's icon: round corners, a dark ground, lanes and a stall, at every size") {
  for (const int side : {16, 32, 64}) {
    const std::vector<uint8_t> p = app::icon_pixels(side);
    REQUIRE(p.size() == static_cast<size_t>(side * side * 4));
    const auto at = [&](double x, double y) { return &p[(static_cast<size_t>(y * side) * static_cast<size_t>(side) + static_cast<size_t>(x * side)) * 4]; };
    CHECK(at(0, 0)[3] < 128);
    CHECK(at(0.5, 0.95)[3] == 255);
    CHECK(at(0.2, 0.3)[1] > 130);                       // a GEMM
    CHECK(at(0.54, 0.3)[0] > at(0.54, 0.3)[1] + 40);    // the stall
  }
}
