// The look: ImGui style from the palette, two faces, one spacing unit. One theme is current at a
// time. Thread rule: main thread.
#pragma once
#include <imgui.h>

#include "ui/vm/palette.h"

namespace ui {

inline constexpr float kUnit =
    4;  // the one spacing unit: 4 inside controls, 8 between, 12 at edges
// Type sizes in ImGui's measure (ascent to descent); 15 is a 13 px em of Roboto.
inline constexpr float kTextPx = 15, kHeadPx = 17, kFigurePx = 22;
inline constexpr float kSmallPx = 13.5f;  // badges and axis labels

struct Fonts {
  ImFont* sans = nullptr;  // words
  ImFont* bold = nullptr;
  ImFont* mono = nullptr;  // numbers, names, tables: tabular figures
};

// Theme that panels draw with. Set before any panel draws; fonts stay with the ImGui context.
struct Theme {
  ThemeName name = ThemeName::dark;
  Palette colours;
  Fonts fonts;
  float mono_char_px = 7;  // advance of one figure at text size, scaled
};
const Theme& theme();
void set_theme(ThemeName, float font_scale);
void set_fonts(const Fonts&);
// Once a frame, after NewFrame: metrics that depend on the font scale.
void update_theme_metrics();

inline ImU32 u32(Rgb c, float alpha = 1) {
  return IM_COL32(c.r, c.g, c.b, static_cast<int>(alpha * 255.0f + 0.5f));
}
inline ImVec4 vec4(Rgb c, float alpha = 1) {
  return {static_cast<float>(c.r) / 255, static_cast<float>(c.g) / 255,
          static_cast<float>(c.b) / 255, alpha};
}
// Between two colours: 0 = a, 1 = b.
Rgb mix(Rgb a, Rgb b, float t);

}  // namespace ui
