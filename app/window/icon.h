// The window's icon for the X server: assets/desktop/decodescope.svg in pixels, at any size.
#pragma once
#include <cstdint>
#include <vector>

namespace app {

// side x side pixels, RGBA, rows from the top. Pure.
std::vector<uint8_t> icon_pixels(int side);

}  // namespace app
