#include "app/window/icon.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ui/vm/palette.h"

namespace app {
namespace {

constexpr float kUnits = 64;  // of the drawing

struct Box {
  float x, y, w, h;
  ui::Rgb colour;
};
// Lanes of kernels with a stall between them, as in the SVG; later ones lie over earlier ones.
constexpr std::array kBoxes{
    Box{8, 14, 14, 12, ui::rgb(0x4aa8a0)},  Box{22, 14, 10, 12, ui::rgb(0x4c7dc4)}, Box{42, 14, 14, 12, ui::rgb(0x8f7af0)},
    Box{8, 38, 8, 12, ui::rgb(0xf0a43a)},   Box{16, 38, 22, 12, ui::rgb(0xee8f8b)}, Box{46, 38, 10, 12, ui::rgb(0x4aa8a0)},
    Box{32, 10.5f, 10, 19, ui::rgb(0xff5a5a)}, Box{33.5f, 12, 7, 16, ui::rgb(0x5a1f24)},
};
constexpr ui::Rgb kGround = ui::rgb(0x14171d);

bool inside_rounded(float x, float y) {
  const float r = 12, dx = std::max({r - x, x - (kUnits - r), 0.0f}), dy = std::max({r - y, y - (kUnits - r), 0.0f});
  return dx * dx + dy * dy <= r * r;
}

}  // namespace

std::vector<uint8_t> icon_pixels(int side) {
  std::vector<uint8_t> out(static_cast<size_t>(side) * static_cast<size_t>(side) * 4, 0);
  constexpr int kSamples = 4;  // a pixel and direction
  for (int row = 0; row < side; ++row) {
    for (int column = 0; column < side; ++column) {
      std::array<float, 3> sum{};
      int covered = 0;
      for (int s = 0; s < kSamples * kSamples; ++s) {
        const float x = (static_cast<float>(column) + (static_cast<float>(s % kSamples) + 0.5f) / kSamples) * kUnits / static_cast<float>(side);
        const float y = (static_cast<float>(row) + (static_cast<float>(s / kSamples) + 0.5f) / kSamples) * kUnits / static_cast<float>(side);
        if (!inside_rounded(x, y)) continue;
        ui::Rgb c = kGround;
        for (const Box& b : kBoxes)
          if (x >= b.x && x < b.x + b.w && y >= b.y && y < b.y + b.h) c = b.colour;
        sum[0] += c.r, sum[1] += c.g, sum[2] += c.b;
        ++covered;
      }
      uint8_t* pixel = &out[(static_cast<size_t>(row) * static_cast<size_t>(side) + static_cast<size_t>(column)) * 4];
      if (covered == 0) continue;
      for (size_t k = 0; k < 3; ++k) pixel[k] = static_cast<uint8_t>(sum[k] / static_cast<float>(covered) + 0.5f);
      pixel[3] = static_cast<uint8_t>(255 * covered / (kSamples * kSamples));
    }
  }
  return out;
}

}  // namespace app
