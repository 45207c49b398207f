#include "ui/vm/timeline_links.h"

#include <algorithm>
#include <cmath>

#include "ui/vm/crossings.h"
#include "ui/vm/host_lanes.h"

namespace ui {
namespace {

using trace::Event;
using trace::EventId;
using trace::kNone;
using trace::PathStep;

struct Band {
  const StackItem& item;
  const BandVm& band;
  const Viewport& view;
  const TimelineStyle& style;
  std::vector<LinkVm>& out;

  const trace::Trace& trace() const { return item.lanes->trace(); }
  float x_of(int64_t ns) const { return static_cast<float>(view.x_of(static_cast<double>(ns - item.origin_ns))); }
  float pitch() const { return style.row_px + style.row_gap_px; }
  // Top of the event's row; negative when it is not on this device.
  float row_y(EventId id) const {
    const auto at = item.lanes->find(id);
    return at ? band.rows_y + static_cast<float>(at->row) * pitch() : -1;
  }
  int64_t begin_ns() const { return static_cast<int64_t>(std::floor(view.begin_ns)) + item.origin_ns; }
  int64_t end_ns() const { return static_cast<int64_t>(std::ceil(view.end_ns())) + item.origin_ns; }
};

// First step whose event ends at or after `ns`. Ends grow along the path.
size_t step_ending_at(const Band& b, int64_t ns, size_t from) {
  const auto& steps = b.item.path->steps;
  const auto end_of = [&](const PathStep& s) { return b.trace().events[s.event].end_ns; };
  return static_cast<size_t>(std::ranges::lower_bound(steps.begin() + static_cast<ptrdiff_t>(from), steps.end(), ns, {}, end_of) -
                             steps.begin());
}

void add_path(const Band& b) {
  const auto& steps = b.item.path->steps;
  float y_before = -1;
  for (size_t i = step_ending_at(b, b.begin_ns(), 0); i < steps.size();) {
    const PathStep& s = steps[i];
    const Event& e = b.trace().events[s.event];
    const int64_t waited_from = e.start_ns - s.wait_ns, owned_from = e.end_ns - s.owned_ns;
    if (std::min(waited_from, owned_from) > b.end_ns()) break;
    const float top = b.row_y(s.event), y = top + b.style.row_px + 1.5f;
    if (top >= 0) {
      const float x0 = b.x_of(owned_from), x1 = b.x_of(e.end_ns), w0 = b.x_of(waited_from);
      if (y_before >= 0 && std::fabs(y_before - y) > 0.5f)
        b.out.push_back({std::min(w0, x0), y_before, std::min(w0, x0), y, LinkKind::hop, s.guessed});
      if (s.wait_ns > 0 && x0 - w0 >= 1) b.out.push_back({w0, y, x0, y, LinkKind::wait, s.guessed});
      b.out.push_back({x0, y, std::max(x1, x0 + 1), y, LinkKind::path, s.guessed});
      y_before = y;
    }
    // Steps that end within the same pixel would draw the same dot.
    const double next_px = std::floor(b.view.x_of(static_cast<double>(e.end_ns - b.item.origin_ns))) + 1;
    const auto next_ns = static_cast<int64_t>(std::ceil(b.view.time_of(next_px))) + b.item.origin_ns;
    i = std::max(step_ending_at(b, next_ns, i + 1) - 1, i + 1);
  }
}

void add_arrows(const Band& b) {
  const std::vector<Crossing>& all = *b.item.crossings;
  const auto end_of = [&](const Crossing& c) { return b.trace().events[c.from].end_ns; };
  // One that begins left of the view may reach into it; none is longer than the longest.
  const auto first = std::ranges::lower_bound(all, b.begin_ns() - b.item.longest_crossing_ns, {}, end_of);
  const auto last = std::ranges::lower_bound(first, all.end(), b.end_ns(), {}, end_of);
  if (static_cast<size_t>(last - first) > kMostArrows) return;
  for (auto c = first; c != last; ++c) {
    const Event &from = b.trace().events[c->from], &to = b.trace().events[c->to];
    if (to.start_ns < b.begin_ns()) continue;
    const float y0 = b.row_y(c->from), y1 = b.row_y(c->to);
    if (y0 < 0 || y1 < 0) continue;
    const float half = b.style.row_px / 2;
    b.out.push_back({b.x_of(from.end_ns), y0 + half, b.x_of(to.start_ns), y1 + half,
                     c->join ? LinkKind::join : LinkKind::fork, c->guessed});
  }
}

void add_flow(const Band& b, EventId id) {
  const HostLanes* host = b.item.host;
  if (!host || id >= b.trace().events.size()) return;
  const Event& e = b.trace().events[id];
  if (e.call >= host->of_call.size() || host->of_call[e.call] == kNone) return;
  const EventId call = host->of_call[e.call];
  const auto at = host->lanes.find(call);
  const float y1 = b.row_y(id);
  if (!at || y1 < 0) return;
  const Event& c = host->trace.events[call];
  const float y0 = b.band.host_y + static_cast<float>(at->row) * b.pitch() + b.style.row_px;
  b.out.push_back({b.x_of(c.start_ns + c.duration_ns() / 2), y0, b.x_of(e.start_ns), y1, LinkKind::flow, false});
}

}  // namespace

void build_links(std::span<const StackItem> items, const Viewport& view, const TimelineStyle& style,
                 const TimelineVm& vm, const LinkOptions& options, std::vector<LinkVm>& out) {
  out.clear();
  for (const BandVm& band : vm.bands) {
    if (band.y + band.h < style.scroll_px || band.y > style.scroll_px + style.height_px) continue;
    const Band b{items[band.item], band, view, style, out};
    if (options.path && b.item.path) add_path(b);
    if (options.arrows && b.item.crossings) add_arrows(b);
    if (options.selected_item == band.item && options.selected != kNone) add_flow(b, options.selected);
  }
}

}  // namespace ui
