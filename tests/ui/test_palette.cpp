// Categories must be told apart under the common colour-vision deficiencies: by distance in CIELAB
// after simulating them, or by the mark inside the bar. Simulation: Machado, Oliveira, Fernandes
// 2009, severity 1.
#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstring>

#include "ui/vm/palette.h"

namespace {

using Vec = std::array<double, 3>;
using Matrix = std::array<Vec, 3>;
constexpr Matrix kNormal{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
constexpr Matrix kProtan{{{0.152286, 1.052583, -0.204868},
                          {0.114503, 0.786281, 0.099216},
                          {-0.003882, -0.048116, 1.051998}}};
constexpr Matrix kDeutan{{{0.367322, 0.860646, -0.227968},
                          {0.280085, 0.672501, 0.047413},
                          {-0.011820, 0.042940, 0.968881}}};

double linear(uint8_t c) {
  const double v = c / 255.0;
  return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
}

Vec lab(ui::Rgb c, const Matrix& m) {
  const Vec in{linear(c.r), linear(c.g), linear(c.b)};
  Vec v{};
  for (size_t i = 0; i < 3; ++i)
    v[i] = std::clamp(m[i][0] * in[0] + m[i][1] * in[1] + m[i][2] * in[2], 0.0, 1.0);
  const double x = 0.4124 * v[0] + 0.3576 * v[1] + 0.1805 * v[2],
               y = 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2],
               z = 0.0193 * v[0] + 0.1192 * v[1] + 0.9505 * v[2];
  auto f = [](double t) { return t > 0.008856 ? std::cbrt(t) : 7.787 * t + 16.0 / 116; };
  return {116 * f(y) - 16, 500 * (f(x / 0.95047) - f(y)), 200 * (f(y) - f(z / 1.08883))};
}

double distance(ui::Rgb a, ui::Rgb b, const Matrix& m) {
  const Vec p = lab(a, m), q = lab(b, m);
  return std::sqrt((p[0] - q[0]) * (p[0] - q[0]) + (p[1] - q[1]) * (p[1] - q[1]) +
                   (p[2] - q[2]) * (p[2] - q[2]));
}

double contrast(ui::Rgb a, ui::Rgb b) {
  auto luminance = [](ui::Rgb c) {
    return 0.2126 * linear(c.r) + 0.7152 * linear(c.g) + 0.0722 * linear(c.b);
  };
  const double x = luminance(a), y = luminance(b);
  return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

}  // namespace

TEST_CASE("categories differ by colour or by mark, whoever looks") {
  for (int a = 0; a < trace::kCategories; ++a) {
    for (int b = a + 1; b < trace::kCategories; ++b) {
      const auto& x = ui::style_of(static_cast<trace::Category>(a));
      const auto& y = ui::style_of(static_cast<trace::Category>(b));
      REQUIRE(x.legend);
      if (x.mark != y.mark) continue;
      INFO(x.legend << " against " << y.legend);
      CHECK(distance(x.colour, y.colour, kNormal) > 15);
      CHECK(distance(x.colour, y.colour, kProtan) > 15);
      CHECK(distance(x.colour, y.colour, kDeutan) > 15);
    }
  }
}

TEST_CASE("text is legible in both themes") {
  for (const auto name : {ui::ThemeName::dark, ui::ThemeName::light}) {
    const ui::Palette& p = ui::palette(name);
    for (const ui::Rgb surface : {p.background, p.panel, p.raised}) {
      CHECK(contrast(p.text, surface) > 10);
      CHECK(contrast(p.dim, surface) > 4.5);
      for (const ui::Rgb signal : {p.accent, p.stall, p.fence, p.dispatch, p.overlap})
        CHECK(contrast(signal, surface) > 3);
    }
    if (name == ui::ThemeName::light) continue;  // there bars carry an outline
    for (int c = 0; c < trace::kCategories; ++c) {
      INFO(ui::style_of(static_cast<trace::Category>(c)).legend);
      CHECK(contrast(ui::style_of(static_cast<trace::Category>(c)).colour, p.lane) > 2);
    }
  }
}
