// Every colour of the window, in one place: roles of the two themes, bubble kinds, kernel
// categories. Category colours are the same in both themes. Where two come close for a common
// colour-vision deficiency they carry different marks (lines inside the bar); tests/ui checks that.
// Pure; any thread.
#pragma once
#include <cstdint>

#include "trace/bubbles.h"
#include "trace/category.h"

namespace ui {

struct Rgb {
  uint8_t r = 0, g = 0, b = 0;
  bool operator==(const Rgb&) const = default;
};
constexpr Rgb rgb(uint32_t hex) {
  return {static_cast<uint8_t>(hex >> 16), static_cast<uint8_t>(hex >> 8),
          static_cast<uint8_t>(hex)};
}

enum class ThemeName : uint8_t { dark, light };

struct Palette {
  Rgb background, panel, raised, line;  // surfaces, from the back to the front, and thin separators
  Rgb text, dim, faint;
  Rgb accent;                                       // better, selected, running
  Rgb stall, fence, dispatch, overlap, contiguous;  // stall also says "worse"
  Rgb on_bar;                                       // text on a category colour
  Rgb lane;                                         // the empty lane behind bars
};
const Palette& palette(ThemeName);

// A line drawn inside a bar, so that no category is told by colour alone.
enum class Mark : uint8_t { none, top, bottom, both, centre };

struct CategoryStyle {
  Rgb colour;
  Mark mark = Mark::none;
  const char* legend = nullptr;  // shared by several categories: the legend shows it once
};
const CategoryStyle& style_of(trace::Category);

// Colour of a bubble kind on this theme.
Rgb colour_of(trace::BubbleKind, const Palette&);

}  // namespace ui
