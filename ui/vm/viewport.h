// The map between time and pixels that all stacked runs share. Pure value; any thread.
//
// Times are nanoseconds on the shared axis (each stacked run starts at 0 there), pixels count from
// the left edge of the lanes. A double holds every nanosecond of 100 days exactly, so positions are
// exact well below a pixel. Invariant: ns_per_px > 0 and finite; width_px >= 1.
#pragma once
#include <cstdint>

namespace ui {

inline constexpr double kBasePxPerUs = 4.0;  // "1x"
inline constexpr double kMinNsPerPx =
    0.01;  // 100 px a nanosecond: further in there is nothing to see
inline constexpr double kFitMargin = 0.02;  // of the width, free on the right after a fit

struct Extent {
  int64_t begin_ns = 0, end_ns = 0;
  int64_t ns() const { return end_ns - begin_ns; }
};

struct Viewport {
  double begin_ns = 0;     // at the left edge
  double ns_per_px = 250;  // 1x
  float width_px = 1000;
  bool fitted = true;  // keep everything in view when the width or the content changes

  double end_ns() const { return begin_ns + ns_per_px * static_cast<double>(width_px); }
  double x_of(double ns) const { return (ns - begin_ns) / ns_per_px; }
  double time_of(double px) const { return begin_ns + px * ns_per_px; }
  double px_per_us() const { return 1000.0 / ns_per_px; }
  bool operator==(const Viewport&) const = default;
};

// Everything of `content` in view. An empty one shows 100 us.
Viewport fit(const Viewport&, const Extent& content);
// Exactly [begin, end) plus a little air on both sides.
Viewport zoom_to(const Viewport&, const Extent& range, const Extent& content);
// factor > 1 zooms in; the time under `px` stays under it, unless clamping moves it.
Viewport zoom_at(const Viewport&, double px, double factor, const Extent& content);
// scale 1 = 4 px/us; the time at the middle stays.
Viewport set_scale(const Viewport&, double scale, const Extent& content);
Viewport pan(const Viewport&, double px, const Extent& content);
// The least pan that shows [begin, end) with air around it; unchanged if it is in view.
Viewport reveal(const Viewport&, const Extent& range, const Extent& content);
// Same begin and scale at another width; fits anew if it was fitted.
Viewport resized(const Viewport&, float width_px, const Extent& content);
// Zoom within [kMinNsPerPx, twice the content]; at least a tenth of the view shows content.
Viewport clamped(const Viewport&, const Extent& content);

}  // namespace ui
