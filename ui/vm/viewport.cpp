#include "ui/vm/viewport.h"

#include <algorithm>

namespace ui {
namespace {

double content_ns(const Extent& content) {
  return static_cast<double>(std::max<int64_t>(content.ns(), 1));
}

}  // namespace

Viewport clamped(const Viewport& view, const Extent& content) {
  Viewport v = view;
  v.width_px = std::max(v.width_px, 1.0f);
  const double width = v.width_px;
  const double widest = std::max(2 * content_ns(content) / width, 10 * kMinNsPerPx);
  v.ns_per_px = std::clamp(v.ns_per_px, kMinNsPerPx, widest);
  const double air = 0.9 * width * v.ns_per_px;
  v.begin_ns =
      std::clamp(v.begin_ns, static_cast<double>(content.begin_ns) - air,
                 static_cast<double>(std::max(content.end_ns, content.begin_ns)) - air / 9);
  return v;
}

Viewport fit(const Viewport& view, const Extent& content) {
  Viewport v = view;
  v.width_px = std::max(v.width_px, 1.0f);
  const double span = content.ns() > 0 ? content_ns(content) : 100e3;
  v.begin_ns = static_cast<double>(content.begin_ns);
  v.ns_per_px = std::max(span / (static_cast<double>(v.width_px) * (1 - kFitMargin)), kMinNsPerPx);
  v.fitted = true;
  return v;
}

Viewport zoom_to(const Viewport& view, const Extent& range, const Extent& content) {
  Viewport v = view;
  const double span = content_ns(range);
  v.ns_per_px = span * 1.25 / static_cast<double>(std::max(v.width_px, 1.0f));
  v.begin_ns = static_cast<double>(range.begin_ns) - span * 0.125;
  v.fitted = false;
  return clamped(v, content);
}

Viewport zoom_at(const Viewport& view, double px, double factor, const Extent& content) {
  Viewport v = view;
  const double anchor = v.time_of(px);
  v.ns_per_px /= factor;
  v = clamped(v, content);  // limits the scale first, so that the anchor holds at the limits too
  v.begin_ns = anchor - px * v.ns_per_px;
  v.fitted = false;
  return clamped(v, content);
}

Viewport set_scale(const Viewport& view, double scale, const Extent& content) {
  const double wanted = 1000.0 / (kBasePxPerUs * scale);
  // From a fit the start is what one looks at; else the middle.
  return zoom_at(view, view.fitted ? 0.0 : static_cast<double>(view.width_px) / 2,
                 view.ns_per_px / wanted, content);
}

Viewport pan(const Viewport& view, double px, const Extent& content) {
  Viewport v = view;
  v.begin_ns += px * v.ns_per_px;
  v.fitted = false;
  return clamped(v, content);
}

Viewport reveal(const Viewport& view, const Extent& range, const Extent& content) {
  const double air = 0.05 * static_cast<double>(view.width_px) * view.ns_per_px;
  Viewport v = view;
  const auto begin = static_cast<double>(range.begin_ns), end = static_cast<double>(range.end_ns);
  if (begin >= v.begin_ns && end <= v.end_ns()) return v;
  const double view_ns = v.end_ns() - v.begin_ns;
  if (end - begin > view_ns - 2 * air)
    v.begin_ns = begin - air;
  else if (begin < v.begin_ns)
    v.begin_ns = begin - air;
  else
    v.begin_ns = end + air - view_ns;
  v.fitted = false;
  return clamped(v, content);
}

Viewport resized(const Viewport& view, float width_px, const Extent& content) {
  Viewport v = view;
  v.width_px = std::max(width_px, 1.0f);
  return v.fitted ? fit(v, content) : clamped(v, content);
}

}  // namespace ui
