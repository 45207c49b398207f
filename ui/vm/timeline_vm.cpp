#include "ui/vm/timeline_vm.h"

#include <algorithm>
#include <cmath>

#include "trace/kernel_names.h"
#include "ui/vm/format.h"
#include "ui/vm/names.h"

namespace ui {
namespace {

using trace::Bubble;
using trace::BubbleKind;
using trace::Event;

constexpr float kLabelMinPx = 28;  // narrower bars carry no text
constexpr float kLabelPadPx = 6;
constexpr float kOverlayMinPx = 2;  // narrower bubbles share a pixel column

// Everything that stays the same while one band is filled.
struct Frame {
  const StackItem& item;
  const LaneIndex& lanes;  // those of `item` that are filled
  const Viewport& view;
  const TimelineStyle& style;
  TimelineVm& out;

  float x_of(int64_t trace_ns) const {
    return static_cast<float>(view.x_of(static_cast<double>(trace_ns - item.origin_ns)));
  }
  // The first nanosecond of the trace at or right of a pixel.
  int64_t time_at(double px) const {
    return static_cast<int64_t>(std::ceil(view.time_of(px))) + item.origin_ns;
  }
  int64_t begin_ns() const {
    return static_cast<int64_t>(std::floor(view.begin_ns)) + item.origin_ns;
  }
  int64_t end_ns() const { return static_cast<int64_t>(std::ceil(view.end_ns())) + item.origin_ns; }
  float width_px(int64_t ns) const {
    return static_cast<float>(static_cast<double>(ns) / view.ns_per_px);
  }
};

float share_of(int64_t part_ns, float px, double ns_per_px) {
  return px > 0 ? std::clamp(static_cast<float>(static_cast<double>(part_ns) /
                                                (static_cast<double>(px) * ns_per_px)),
                             0.0f, 1.0f)
                : 1.0f;
}

int32_t add_label(const Frame& f, const Event& e, float x0, float x1) {
  const float visible = std::min(x1, f.view.width_px) - std::max(x0, 0.0f) - 2 * kLabelPadPx;
  if (visible < kLabelMinPx - 2 * kLabelPadPx) return -1;
  const int chars = static_cast<int>(visible / f.style.char_px);
  const trace::Trace& t = f.lanes.trace();
  const std::string_view name = e.op != 0 ? t.op_of(e) : trace::bare_kernel_name(t.name_of(e));
  std::string text = clipped(name, chars);
  const std::string_view category = trace::title_of(e.category);
  // A whole word says more than a clipped name.
  if (text != name && chars < 12 && e.category != trace::Category::other &&
      code_points(category) <= chars)
    text = category;
  if (text.empty()) return -1;
  f.out.texts.push_back(std::move(text));
  return static_cast<int32_t>(f.out.texts.size() - 1);
}

BarVm single_bar(const Frame& f, const RowMap& row, size_t i) {
  const Event& e = row.at(i);
  BarVm bar;
  bar.x0 = f.x_of(e.start_ns);
  bar.x1 = std::max(f.x_of(e.end_ns), bar.x0 + 1);
  bar.first = bar.longest = static_cast<uint32_t>(i);
  bar.count = 1;
  bar.category = e.category;
  bar.dimmed = f.item.matches && !(*f.item.matches)[e.name];
  if (bar.x1 - bar.x0 >= kLabelMinPx) bar.label = add_label(f, e, bar.x0, bar.x1);
  return bar;
}

// Where what ends with the item before `last` ends: each is at least a pixel wide.
template <class Map>
float right_edge(const Frame& f, const Map& map, size_t last) {
  const auto times = map.before(last);
  return std::max(f.x_of(times.end_ns), f.x_of(times.begin_ns) + 1);
}

// Event `i` alone where it is wide, or with those that start within min_bar_px of it; a wide one at the end stays by
// itself. At a wide zoom each bar is thousands of events, of which none is read: that would be a miss of the cache each.
BarVm next_bar(const Frame& f, const RowMap& row, size_t i, size_t end) {
  const float x0 = f.x_of(row.start_at(i));
  size_t last = row.coarse_end(i, f.time_at(static_cast<double>(x0 + f.style.min_bar_px)));
  last = std::max(std::min(last, end), i + 1);
  const auto is_wide = [&](int64_t ns) { return f.width_px(ns) >= f.style.min_bar_px; };
  if (last - i == 1) return single_bar(f, row, i);
  EventAggregate sum = row.busy_and_longest(i, last);
  if (is_wide(sum.longest_ns)) {   // the first or the last: those between end within the bar
    if (is_wide(row.at(i).duration_ns())) return single_bar(f, row, i);
    if (is_wide(row.at(last - 1).duration_ns()) && --last - i == 1) return single_bar(f, row, i);
    sum = row.busy_and_longest(i, last);
  }
  BarVm bar;
  bar.x0 = x0;
  bar.x1 = right_edge(f, row, last);
  bar.first = static_cast<uint32_t>(i);
  bar.count = static_cast<uint32_t>(last - i);
  bar.longest = sum.longest;
  bar.category = sum.category;
  bar.busy = share_of(sum.busy_ns, bar.x1 - bar.x0, f.view.ns_per_px);
  bar.dimmed = f.item.matches && !(*f.item.matches)[row.at(sum.longest).name];
  return bar;
}

void fill_row(const Frame& f, RowVm& out) {
  const RowMap& row = f.lanes.rows()[out.row];
  out.first_bar = static_cast<uint32_t>(f.out.bars.size());
  const size_t end = row.first_starting_at(f.end_ns());
  for (size_t i = row.first_ending_after(f.begin_ns()); i < end;) {
    BarVm bar = next_bar(f, row, i, end);
    bar.row = static_cast<uint32_t>(&out - f.out.rows.data());
    i = bar.first + bar.count;
    f.out.bars.push_back(bar);
  }
  out.bars = static_cast<uint32_t>(f.out.bars.size()) - out.first_bar;
}

// Bubble `i` alone where it is wide, or with those of the same pixel column; as next_bar().
OverlayVm next_overlay(const Frame& f, size_t i, size_t end) {
  const BubbleMap& map = *f.item.bubbles;
  OverlayVm o;
  o.x0 = f.x_of(map.begin_at(i));
  o.first = static_cast<uint32_t>(i);
  // A column that begins just before its pixel takes the whole pixel: what coarse_end() left over
  // of the one before it must not become a column of its own.
  const double column = std::floor(static_cast<double>(o.x0) + 0.25) + 1;
  size_t last = std::clamp(map.coarse_end(i, f.time_at(column)), i + 1, end);
  BubbleAggregate sum = map.idle_and_worst(i, last);
  if (last - i > 1 && f.width_px(sum.worst_ns) >= kOverlayMinPx) {
    if (f.width_px(map.at(i).ns()) >= kOverlayMinPx) last = i + 1;
    else if (f.width_px(map.at(last - 1).ns()) >= kOverlayMinPx) --last;
    sum = map.idle_and_worst(i, last);
  }
  o.count = static_cast<uint32_t>(last - i);
  o.x1 = right_edge(f, map, last);
  o.worst = sum.worst;
  o.worst_ns = sum.worst_ns;
  o.kind = map.kind_of(sum.worst_ns);
  o.idle = share_of(sum.idle_ns, o.x1 - o.x0, f.view.ns_per_px);
  return o;
}

void fill_overlays(const Frame& f, BandVm& band) {
  band.first_overlay = static_cast<uint32_t>(f.out.overlays.size());
  if (f.item.bubbles) {
    const size_t end = f.item.bubbles->first_beginning_at(f.end_ns());
    for (size_t i = f.item.bubbles->first_ending_after(f.begin_ns()); i < end;) {
      f.out.overlays.push_back(next_overlay(f, i, end));
      i = f.out.overlays.back().first + f.out.overlays.back().count;
    }
  }
  band.overlays = static_cast<uint32_t>(f.out.overlays.size()) - band.first_overlay;
}

void fill_overlaps(const Frame& f, BandVm& band, uint32_t lane) {
  const auto& marks = f.item.lanes->lanes()[lane].overlaps;
  const auto begin_of = [&](int64_t ns) {
    return static_cast<size_t>(std::ranges::lower_bound(marks, ns, {}, &OverlapMark::begin_ns) -
                               marks.begin());
  };
  const size_t end = begin_of(f.end_ns());
  size_t i = begin_of(f.begin_ns());
  if (i > 0 && marks[i - 1].end_ns > f.begin_ns()) --i;
  while (i < end) {
    OverlapVm o{.x0 = f.x_of(marks[i].begin_ns), .lane = lane, .first = static_cast<uint32_t>(i)};
    const size_t last =
        std::clamp(begin_of(f.time_at(std::floor(static_cast<double>(o.x0)) + 1)), i + 1, end);
    o.count = static_cast<uint32_t>(last - i);
    o.x1 = std::max(f.x_of(marks[last - 1].end_ns), o.x0 + 1);
    f.out.overlaps.push_back(o);
    i = last;
  }
  band.overlaps = static_cast<uint32_t>(f.out.overlaps.size()) - band.first_overlap;
}

// Lengths of the worst bubbles, as many as fit side by side, the longest first.
void fill_labels(const Frame& f, BandVm& band) {
  band.first_label = static_cast<uint32_t>(f.out.labels.size());
  std::vector<const OverlayVm*> worst;
  for (uint32_t i = 0; i < band.overlays; ++i) {
    const OverlayVm& o = f.out.overlays[band.first_overlay + i];
    const bool seen = o.count == 1 && o.x1 - o.x0 >= kOverlayMinPx;
    if (o.kind == BubbleKind::stall || (o.kind == BubbleKind::fence && seen)) worst.push_back(&o);
  }
  const BubbleMap& map = *f.item.bubbles;
  constexpr size_t kMost = 48;
  const size_t kept = std::min(worst.size(), kMost);
  std::ranges::partial_sort(worst, worst.begin() + static_cast<ptrdiff_t>(kept), std::greater<>{},
                            &OverlayVm::worst_ns);
  std::vector<std::pair<float, float>> taken;
  for (size_t k = 0; k < kept; ++k) {
    const Bubble& b = map.at(worst[k]->worst);
    std::string text =
        (b.ns() < 100000 ? us_text(b.ns(), 1) + " µs" : duration_text(b.ns() / 1000 * 1000)) + " ";
    text += words_of(b.cause == trace::BubbleCause::unknown ? trace::to_string(b.kind) : trace::to_string(b.cause));
    float x = f.x_of(b.begin_ns) + f.width_px(b.ns()) / 2;
    const float half = f.style.char_px * static_cast<float>(code_points(text)) / 2 + 6;
    if (x < 0 || x > f.view.width_px) continue;
    x = std::min(x, f.view.width_px - half + 4);   // it is drawn inside: there it must find room, not where its gap is
    if (std::ranges::any_of(taken,
                            [&](auto t) { return x + half > t.first && x - half < t.second; }))
      continue;
    taken.push_back({x - half, x + half});
    f.out.labels.push_back({x, std::move(text), worst[k]->worst, b.kind});
  }
  band.labels = static_cast<uint32_t>(f.out.labels.size()) - band.first_label;
}

float height_of(const LaneIndex& lanes, const TimelineStyle& style) {
  const float pitch = style.row_px + style.row_gap_px;
  return std::max(static_cast<float>(lanes.rows().size()) * pitch - style.row_gap_px, 0.0f);
}

// Rows of the frame's lanes that are in view, with their bars.
void fill_rows(const Frame& f, float y0, bool host) {
  const float pitch = f.style.row_px + f.style.row_gap_px;
  const float top = f.style.scroll_px, bottom = top + f.style.height_px;
  const size_t first = f.out.rows.size();
  for (uint32_t r = 0; r < f.lanes.rows().size(); ++r) {
    const float y = y0 + static_cast<float>(r) * pitch;
    if (y + f.style.row_px < top || y > bottom) continue;
    const uint32_t lane = f.lanes.lane_of_row(r);
    f.out.rows.push_back({.y = y,
                          .h = f.style.row_px,
                          .row = r,
                          .lane = lane,
                          .host = host,
                          .first_of_lane = f.lanes.lanes()[lane].first_row == r});
  }
  for (size_t r = first; r < f.out.rows.size(); ++r) fill_row(f, f.out.rows[r]);
}

void fill_band(const Frame& f, BandVm& band) {
  const float top = f.style.scroll_px, bottom = top + f.style.height_px;
  band.first_row = static_cast<uint32_t>(f.out.rows.size());
  if (f.item.host) fill_rows({f.item, f.item.host->lanes, f.view, f.style, f.out}, band.host_y, true);
  fill_rows(f, band.rows_y, false);
  band.rows = static_cast<uint32_t>(f.out.rows.size()) - band.first_row;
  band.first_overlap = static_cast<uint32_t>(f.out.overlaps.size());
  if (band.y + band.h < top || band.y > bottom) return;
  uint32_t lane_done = trace::kNone;
  for (uint32_t r = band.first_row; r < f.out.rows.size(); ++r) {
    if (f.out.rows[r].host || f.out.rows[r].lane == lane_done) continue;
    lane_done = f.out.rows[r].lane;
    fill_overlaps(f, band, lane_done);
  }
  fill_overlays(f, band);
  if (f.item.bubbles) fill_labels(f, band);
}

// Whether lengths are ever written below this band, at whatever zoom: a run without such gaps leaves the room to others.
bool labels_wanted(const StackItem& item) {
  return item.report && item.report->kind(trace::BubbleKind::stall).count + item.report->kind(trace::BubbleKind::fence).count > 0;
}

void fill_ticks(const Viewport& view, TimelineVm& out) {
  constexpr double kMinTickPx = 56;
  double step = 1;  // ns; 1, 2, 5, 10, 25, 50, 100, 250 ...
  for (int k = 0; step / view.ns_per_px < kMinTickPx && k < 60; ++k) {
    const double decade = std::pow(10.0, std::floor(std::log10(step) + 1e-9));
    const double lead = step / decade;
    step = decade * (lead < 1.5 ? (decade >= 10 ? 2.5 : 2) : lead < 4 ? 5 : 10);
  }
  struct Unit {
    double ns;
    const char* name;
  };
  static constexpr Unit kUnits[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}};
  const Unit* unit = &kUnits[2];
  // Larger units when steps are whole in them, or when the labels would grow past seven digits.
  if (step >= 1e6 || (step >= 1e3 && view.end_ns() >= 1e10)) unit = &kUnits[1];
  if (step >= 1e9 || (step >= 1e6 && view.end_ns() >= 1e13)) unit = &kUnits[0];
  out.unit = unit->name;
  int decimals = 0;
  for (double s = step / unit->ns; decimals < 3 && std::fabs(s - std::round(s)) > 1e-9; s *= 10)
    ++decimals;
  const auto first = static_cast<int64_t>(std::ceil(view.begin_ns / step - 1e-9));
  for (int64_t k = first; k < first + 2000; ++k) {
    const double x = view.x_of(static_cast<double>(k) * step);
    if (x > static_cast<double>(view.width_px)) break;
    out.ticks.push_back(
        {static_cast<float>(x), number_text(static_cast<double>(k) * step / unit->ns, decimals)});
  }
}

}  // namespace

float grown_row_px(std::span<const StackItem> items, const TimelineStyle& s) {
  constexpr float kOfSpare = 0.6f, kMost = 1.8f;   // the rest stays air; higher rows read as blocks
  size_t rows = 0;
  float used = 0;
  for (const StackItem& item : items) {
    rows += item.lanes->rows().size() + (item.host ? item.host->lanes.rows().size() : 0);
    used += s.title_px + s.strip_px + s.label_px + s.band_gap_px + s.row_gap_px;
  }
  used += static_cast<float>(rows) * (s.row_px + s.row_gap_px);
  const float spare = (s.height_px - used) / static_cast<float>(std::max<size_t>(rows, 1));
  return std::floor(s.row_px + std::clamp(spare * kOfSpare, 0.0f, s.row_px * (kMost - 1)));
}

void build_timeline(std::span<const StackItem> items, const Viewport& view,
                    const TimelineStyle& style, TimelineVm& out) {
  out.bands.clear();
  out.rows.clear();
  out.bars.clear();
  out.overlays.clear();
  out.overlaps.clear();
  out.labels.clear();
  out.texts.clear();
  out.ticks.clear();
  fill_ticks(view, out);
  float y = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    BandVm band{.item = i, .y = y, .host_y = y + style.title_px};
    if (items[i].host) band.host_h = height_of(items[i].host->lanes, style) + style.row_gap_px;
    band.rows_y = band.host_y + band.host_h;
    band.rows_h = height_of(*items[i].lanes, style);
    band.strip_y = band.rows_y + band.rows_h + 3;
    band.h = band.strip_y + style.strip_px + (labels_wanted(items[i]) ? style.label_px : style.row_gap_px) - y;
    fill_band({items[i], *items[i].lanes, view, style, out}, band);
    y += band.h + style.band_gap_px;
    out.bands.push_back(band);
  }
  out.content_px = y;
}

const LaneIndex& lanes_of(const StackItem& item, const RowVm& row) {
  return row.host ? item.host->lanes : *item.lanes;
}

const RowMap& row_map(const StackItem& item, const RowVm& row) {
  return lanes_of(item, row).rows()[row.row];
}

Extent content_of(std::span<const StackItem> items) {
  Extent e;
  for (const StackItem& item : items) {
    e.end_ns = std::max(e.end_ns, item.report->window.end_ns - item.origin_ns);
    e.begin_ns = std::min(e.begin_ns, item.report->window.begin_ns - item.origin_ns);
    if (!item.host) continue;
    for (const RowMap& row : item.host->lanes.rows()) {
      if (row.size() == 0) continue;
      e.begin_ns = std::min(e.begin_ns, row.at(0).start_ns - item.origin_ns);
      e.end_ns = std::max(e.end_ns, row.at(row.size() - 1).end_ns - item.origin_ns);
    }
  }
  return e;
}

}  // namespace ui
