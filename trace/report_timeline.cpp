#include "trace/report_timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "trace/kernel_names.h"
#include "trace/report_style.h"

namespace trace {
namespace {

constexpr double kPlotWidth = 1160;      // px at which the longest window fits, without a script
constexpr int kLeft = 96;                // px for the names of lanes
constexpr int kBarHeight = 18, kLaneStep = 22, kSubStep = 8, kTitleHeight = 24, kGapHeight = 16, kLabelHeight = 14;
constexpr int kMaxSubRows = 3;
constexpr size_t kMaxStalls = 1500, kMaxSmall = 1500, kMaxLabels = 40;
constexpr double kLetterWidth = 7;      // px, of a label of a stall

double us(int64_t ns) { return static_cast<double>(ns) / 1000; }

// One or several events drawn as one.
struct Bar {
  int64_t begin_ns = 0, end_ns = 0, busy_ns = 0;
  EventId event = kNone;       // the longest of them
  int64_t count = 1;
  Category category = Category::other;
  int sub_row = 0;
};

struct LaneRow {
  uint32_t logical = 0;
  std::string label;
  std::vector<Bar> bars;
  int sub_rows = 1;
};

// Overlapping bars of one lane go one below the other, as far as there is room.
void place_sub_rows(LaneRow& lane) {
  std::array<int64_t, kMaxSubRows> ends;
  ends.fill(INT64_MIN);
  for (Bar& bar : lane.bars) {
    int row = 0;
    while (row + 1 < kMaxSubRows && ends[static_cast<size_t>(row)] > bar.begin_ns) ++row;
    bar.sub_row = row;
    ends[static_cast<size_t>(row)] = std::max(ends[static_cast<size_t>(row)], bar.end_ns);
    lane.sub_rows = std::max(lane.sub_rows, row + 1);
  }
}

std::vector<LaneRow> lane_rows(const ReportRun& run, const Window& window) {
  const Trace& t = *run.trace;
  std::map<uint32_t, LaneRow> rows;
  for (const EventId id : events_in(t, run.events, window)) {
    const Event& e = t.events[id];
    const uint32_t logical = t.lanes[e.lane].logical;
    LaneRow& row = rows[logical];
    row.logical = logical;
    row.label = t.lanes[logical].label;
    const int64_t begin = clipped_start(e, window), end = clipped_end(e, window);
    row.bars.push_back({begin, end, end - begin, id, 1, e.category, 0});
  }
  std::vector<LaneRow> out;
  for (auto& [logical, row] : rows) out.push_back(std::move(row));
  // The stream that begins is the parent: on top.
  std::ranges::stable_sort(out, {}, [](const LaneRow& row) { return row.bars.front().begin_ns; });
  return out;
}

// Neighbours closer than `quantum` become one bar that is no longer than it, so that none stays invisible.
void coarsen(std::vector<Bar>& bars, int64_t quantum, const Trace& t) {
  std::vector<Bar> out;
  for (const Bar& bar : bars) {
    Bar* last = out.empty() ? nullptr : &out.back();
    if (!last || bar.begin_ns - last->end_ns >= quantum || bar.end_ns - last->begin_ns > quantum) {
      out.push_back(bar);
      continue;
    }
    last->count += bar.count;
    last->busy_ns += bar.busy_ns;
    last->end_ns = std::max(last->end_ns, bar.end_ns);
    if (t.events[bar.event].duration_ns() > t.events[last->event].duration_ns()) {
      last->event = bar.event;
      last->category = bar.category;
    }
  }
  bars = std::move(out);
}

size_t bar_count(const std::vector<std::vector<LaneRow>>& all) {
  size_t count = 0;
  for (const auto& rows : all)
    for (const LaneRow& row : rows) count += row.bars.size();
  return count;
}

class Drawing {
 public:
  explicit Drawing(const TimelineView& view) : m_view(view) {}

  TimelineMarkup draw() {
    collect();
    for (const auto& row : m_view.rows) m_longest = std::max(m_longest, row.window.wall_ns());
    m_scale = m_longest > 0 ? kPlotWidth / us(m_longest) : 1;
    measure();
    m_svg.put("<svg id=\"svg-{}\" class=\"timeline\" role=\"img\" tabindex=\"0\" aria-label=\"{}\" width=\"{}\" height=\"{}\" data-us=\"{:.3f}\" data-left=\"{}\">\n", m_view.id,
              "Timeline, " + m_view.title, static_cast<int>(kLeft + kPlotWidth + 20), m_height, us(m_longest), kLeft);
    m_svg.put("<defs><pattern id=\"stripes-{}\" class=\"stripes\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" patternTransform=\"scale({:.6f},1) rotate(45)\"><rect width=\"7\" height=\"7\" "
              "class=\"stripe-back\"/><rect width=\"3\" height=\"7\" class=\"stripe\"/></pattern></defs>\n",
              m_view.id, 1 / m_scale);
    m_svg.literal("<g class=\"axis\">");
    axis();
    m_svg.literal("</g>\n");
    for (size_t i = 0; i < m_view.rows.size(); ++i) names(i);
    m_svg.put("<g class=\"plot\" transform=\"translate({},0) scale({:.6f},1)\">\n", kLeft, m_scale);
    m_data.literal("[");
    for (size_t i = 0; i < m_view.rows.size(); ++i) bars(i);
    m_data.literal("]");
    m_svg.literal("</g>\n");
    for (size_t i = 0; i < m_view.rows.size(); ++i) labels(i);
    m_svg.literal("</svg>\n");
    TimelineMarkup out;
    out.svg = m_svg.take();
    HtmlWriter data;
    data.literal("{\"names\":[" + m_name_list + "],\"lanes\":[" + m_lane_list + "],\"extras\":[" + m_extra_list + "],\"bars\":");
    data.add(m_data.take());
    data.literal("}");
    out.data = data.take();
    out.notes = std::move(m_notes);
    return out;
  }

 private:
  struct Place {
    int top = 0, lanes_top = 0, lanes_bottom = 0;
    std::vector<int> lane_y;
  };

  void collect() {
    for (const auto& row : m_view.rows) {
      m_lanes.push_back(lane_rows(*row.run, row.window));
      m_reports.push_back(classify(*row.run->trace, bubble_context(*row.run->trace, row.run->device), row.window));
    }
    const size_t events = bar_count(m_lanes);
    if (events > m_view.max_bars) {
      int64_t longest = 1;
      for (const auto& row : m_view.rows) longest = std::max(longest, row.window.wall_ns());
      int64_t quantum = std::max<int64_t>(1, longest / static_cast<int64_t>(m_view.max_bars));
      for (int round = 0; bar_count(m_lanes) > m_view.max_bars && round < 40; ++round, quantum *= 2)
        for (size_t i = 0; i < m_lanes.size(); ++i)
          for (LaneRow& lane : m_lanes[i]) coarsen(lane.bars, quantum, *m_view.rows[i].run->trace);
      m_notes.push_back(fmt::format("coarser: {} kernels and copies are drawn as {} bars, neighbours that fit into {} us together as one; figures and tables count each", events, bar_count(m_lanes),
                                    report_us(quantum / 2)));
    }
    for (auto& rows : m_lanes)
      for (LaneRow& lane : rows) place_sub_rows(lane);
  }

  void measure() {
    int y = 22;
    for (const auto& rows : m_lanes) {
      Place p;
      p.top = y;
      y += kTitleHeight;
      p.lanes_top = y;
      for (const LaneRow& lane : rows) {
        p.lane_y.push_back(y);
        y += kLaneStep + (lane.sub_rows - 1) * kSubStep;
      }
      p.lanes_bottom = y;
      y += kLabelHeight + kGapHeight;
      m_places.push_back(std::move(p));
    }
    m_height = y;
  }

  // The script draws it anew at other scales.
  void axis() {
    const double whole = us(m_longest);
    double step = std::pow(10, std::floor(std::log10(std::max(whole, 1e-3) / 6)));
    for (const double factor : {1.0, 2.0, 5.0, 10.0})
      if (whole / (step * factor) <= 14) {
        step *= factor;
        break;
      }
    for (double at = 0; at <= whole; at += step)
      m_svg.put("<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"16\" y2=\"{1}\"/><text x=\"{0:.1f}\" y=\"11\">{2:g}</text>", kLeft + at * m_scale, m_height, at);
  }

  void names(size_t i) {
    const auto& row = m_view.rows[i];
    m_svg.put("<text class=\"run-title\" x=\"0\" y=\"{}\">{}</text><text class=\"run-wall\" x=\"{}\" y=\"{}\">{} us, {} us idle</text>\n", m_places[i].top + 15, row.run->title, kLeft + 420,
              m_places[i].top + 15, report_us(row.window.wall_ns()), report_us(m_reports[i].idle_ns));
    for (size_t k = 0; k < m_lanes[i].size(); ++k)
      m_svg.put("<text class=\"lane-name\" x=\"0\" y=\"{}\">{}</text>", m_places[i].lane_y[k] + 13, m_lanes[i][k].label.substr(0, 15));
  }

  size_t index(std::map<std::string, size_t>& known, std::string& list, const std::string& text) {
    const auto [found, fresh] = known.try_emplace(text, known.size());
    if (fresh) list += (found->second ? "," : "") + script_string(text);
    return found->second;
  }

  std::string extra(const Trace& t, const Event& e) {
    std::string out;
    const auto add = [&](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
    if (e.op) add("op " + std::string(t.op_of(e)));
    const Detail* d = t.detail_of(e);
    if (!d) return out;
    if (d->grid[0] >= 0) add(fmt::format("grid {} x {} x {}", d->grid[0], d->grid[1], d->grid[2]));
    if (d->block[0] >= 0) add(fmt::format("block {} x {} x {}", d->block[0], d->block[1], d->block[2]));
    if (d->registers > 0) add(fmt::format("{} registers", d->registers));
    if (d->lds_bytes > 0) add(fmt::format("{} bytes of shared memory", d->lds_bytes));
    if (d->bytes > 0) add(fmt::format("{} bytes moved", d->bytes));
    return out;
  }

  void bars(size_t i) {
    const auto& row = m_view.rows[i];
    const Trace& t = *row.run->trace;
    const int64_t zero = row.window.begin_ns;
    bubbles(i);
    for (size_t k = 0; k < m_lanes[i].size(); ++k) {
      const LaneRow& lane = m_lanes[i][k];
      const size_t lane_index = index(m_lane_index, m_lane_list, row.run->title + ", " + lane.label);
      for (const Bar& bar : lane.bars) {
        const Event& e = t.events[bar.event];
        m_svg.put("<rect class=\"c{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>", static_cast<int>(bar.category), report_us(bar.begin_ns - zero),
                  m_places[i].lane_y[k] + bar.sub_row * kSubStep, report_us(std::max<int64_t>(bar.end_ns - bar.begin_ns, 1)), kBarHeight);
        // name, begin, length, lane, extra, category, how many, their busy time
        m_data.put("{}[{},{},{},{},{},{},{},{}]", Markup{m_bars++ ? "," : ""}, index(m_name_index, m_name_list, std::string(t.name_of(e))), bar.begin_ns - zero, bar.end_ns - bar.begin_ns, lane_index,
                   index(m_extra_index, m_extra_list, extra(t, e)), static_cast<int>(bar.category), bar.count, bar.busy_ns);
      }
      m_svg.literal("\n");
    }
  }

  // Before the bars, so that bars lie above; the longest of each kind where there are too many.
  void bubbles(size_t i) {
    const auto& row = m_view.rows[i];
    std::vector<Bubble> stalls, small;
    for (const Bubble& b : m_reports[i].bubbles) {
      if (b.kind == BubbleKind::stall) stalls.push_back(b);
      else if (b.kind != BubbleKind::contiguous) small.push_back(b);
    }
    const auto trim = [&](std::vector<Bubble>& list, size_t most, const char* what) {
      if (list.size() <= most) return;
      std::ranges::stable_sort(list, std::greater{}, &Bubble::ns);
      m_notes.push_back(fmt::format("{}: of {} {} the {} longest are drawn; all are counted", row.run->title, list.size(), what, most));
      list.resize(most);
    };
    trim(stalls, kMaxStalls, "stalls");
    trim(small, kMaxSmall, "gaps below the stall threshold");
    const Place& p = m_places[i];
    for (const auto* list : {&small, &stalls})
      for (const Bubble& b : *list) {
        const char* kind = b.kind == BubbleKind::stall ? "stall" : b.kind == BubbleKind::fence ? "fence" : "dispatch";
        m_svg.put("<rect class=\"bubble {}\"{} x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" data-n=\"{} us {}, {}\"/>", kind,
                  Markup{b.kind == BubbleKind::stall ? " style=\"fill:url(#stripes-" + m_view.id + ")\"" : ""}, report_us(b.begin_ns - row.window.begin_ns), p.lanes_top - 3, report_us(b.ns()),
                  p.lanes_bottom - p.lanes_top + 2, report_us(b.ns()), kind, evidence(*row.run->trace, b));
      }
    m_svg.literal("\n");
    std::ranges::stable_sort(stalls, std::greater{}, &Bubble::ns);
    if (stalls.size() > kMaxLabels) stalls.resize(kMaxLabels);
    m_stalls.push_back(std::move(stalls));
  }

  // Lengths of the longest stalls, below their run; those without room are hidden, until the script finds some.
  void labels(size_t i) {
    const auto& row = m_view.rows[i];
    std::vector<std::pair<double, double>> taken;   // from, to
    for (const Bubble& b : m_stalls[i]) {
      const std::string text = fmt::format("{:.1f} us {}", us(b.ns()), to_string(b.cause));
      const double middle = us((b.begin_ns + b.end_ns) / 2 - row.window.begin_ns), half = kLetterWidth / 2 * static_cast<double>(text.size());
      // Within the picture, whose right edge is 20 px behind its last kernel.
      const double x = std::max(std::min(kLeft + middle * m_scale, kLeft + us(m_longest) * m_scale + 20 - half), half);
      const bool room = std::ranges::none_of(taken, [&](const auto& other) { return x - half < other.second && x + half > other.first; });
      if (room) taken.emplace_back(x - half, x + half);
      m_svg.put("<text class=\"stall-label\" data-row=\"{}\" data-us=\"{:.3f}\" x=\"{:.1f}\" y=\"{}\"{}>{}</text>", i, middle, x, m_places[i].lanes_bottom + 11, Markup{room ? "" : " visibility=\"hidden\""}, text);
    }
    m_svg.literal("\n");
  }

  const TimelineView& m_view;
  std::vector<std::vector<LaneRow>> m_lanes;
  std::vector<BubbleReport> m_reports;
  std::vector<Place> m_places;
  std::vector<std::vector<Bubble>> m_stalls;
  std::vector<std::string> m_notes;
  int64_t m_longest = 0;
  double m_scale = 1;   // px a us
  int m_height = 0;
  size_t m_bars = 0;
  HtmlWriter m_svg, m_data;
  std::map<std::string, size_t> m_name_index, m_lane_index, m_extra_index;
  std::string m_name_list, m_lane_list, m_extra_list;
};

}  // namespace

TimelineMarkup draw_timeline(const TimelineView& view) { return Drawing(view).draw(); }

Markup timeline_legend(const std::vector<TimelineView>& views) {
  std::set<Category> seen;
  for (const auto& view : views)
    for (const auto& row : view.rows)
      for (const Event& e : row.run->trace->events) seen.insert(e.category);
  HtmlWriter out;
  std::set<std::string_view> told;
  for (const Category c : seen)
    if (told.insert(legend_of(c)).second) out.put("<span class=\"key\"><i style=\"background:{}\"></i>{}</span>", bar_colour(c), legend_of(c));
  for (const char* kind : {"stall", "fence", "dispatch"})
    out.put("<span class=\"key\"><i class=\"{}\"></i>{}</span>", kind, kind == std::string_view("stall") ? "stall, 2 us or more" : kind == std::string_view("fence") ? "fence, 1 to 2 us" : "dispatch, below 1 us");
  return out.take();
}

}  // namespace trace
