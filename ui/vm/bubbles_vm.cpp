#include "ui/vm/bubbles_vm.h"

#include <algorithm>
#include <cmath>

#include "trace/kernel_names.h"
#include "ui/vm/format.h"
#include "ui/vm/names.h"

namespace ui {
namespace {

using trace::Bubble;
using trace::BubbleKind;

std::string name_of(const trace::Trace& t, trace::EventId id) {
  if (id == trace::kNone) return std::string(kNothing);
  const trace::Event& e = t.events[id];
  return e.op != 0 ? std::string(t.op_of(e))
                   : middle_clipped(trace::bare_kernel_name(t.name_of(e)), 36);
}

std::string stream_text(const trace::Trace& t, trace::EventId id) {
  return id == trace::kNone ? std::string(kNothing)
                            : std::to_string(t.lanes[t.events[id].lane].stream);
}

}  // namespace

std::string lanes_text(const trace::Trace& t, const Bubble& b) {
  const std::string before = stream_text(t, b.before), after = stream_text(t, b.after);
  return before == after ? before : before + " → " + after;
}

namespace {

std::string tally_text(const trace::Tally& tally) {
  return tally.count > 0 ? us_text(tally.ns) + " · " + count_text(tally.count) : std::string(kNothing);
}

// "all joins", "2 joins, 1 host": the causes of the gaps of a kind, most frequent first.
std::string causes_text(const RunAnalysis& a, BubbleKind kind) {
  const auto& count = a.bubbles->causes()[static_cast<size_t>(kind)];
  const int64_t total = a.report->kind(kind).count;
  std::vector<int> order;
  for (int c = 0; c < trace::kBubbleCauses; ++c) {
    if (count[static_cast<size_t>(c)] > 0) order.push_back(c);
  }
  std::ranges::stable_sort(order, [&](int x, int y) { return count[static_cast<size_t>(x)] > count[static_cast<size_t>(y)]; });
  std::string text;
  for (const int c : order) {
    const auto n = count[static_cast<size_t>(c)];
    const std::string name = words_of(trace::to_string(static_cast<trace::BubbleCause>(c)));
    const std::string cause = c == static_cast<int>(trace::BubbleCause::unknown) ? "of unknown cause" : name;
    if (n == total) return total == 1 ? cause : "all " + cause;
    text += (text.empty() ? "" : ", ") + count_text(n) + " " + cause;
  }
  return text;
}

}  // namespace

std::string idle_verdict(const RunAnalysis& a) {
  const trace::BubbleReport& r = *a.report;
  if (r.wall_ns <= 0) return "no GPU activity";
  const auto percent = [](int64_t part, int64_t of) {
    return percent_text(of > 0 ? 100.0 * static_cast<double>(part) / static_cast<double>(of) : 0.0);
  };
  std::string text = "Idle " + percent(r.idle_ns, r.wall_ns) + " of the wall";
  if (const int64_t ours = trace::recorders_idle_ns(*a.run->trace, r); ours > 0)
    text += ", " + us_text(ours) + " µs of it between steps and the recorder's own";
  for (const BubbleKind kind : {BubbleKind::stall, BubbleKind::fence, BubbleKind::dispatch}) {
    const trace::Tally& tally = r.kind(kind);
    if (tally.count == 0) continue;
    text += "; " + percent(tally.ns, r.idle_ns) + " of that in " + count_text(tally.count) + " " +
            std::string(trace::to_string(kind)) + (tally.count == 1 ? "" : kind == BubbleKind::dispatch ? "es" : "s");
    if (kind != BubbleKind::dispatch) text += " (" + causes_text(a, kind) + ")";
    break;   // the worst kind there is; the row has the others
  }
  text += ".";
  if (!a.path) return text;
  // The critical path may wait although other lanes run: what the union of lanes cannot show.
  const int64_t hidden = a.path->waits_ns - r.idle_ns;
  text += " The critical path waits " + us_text(a.path->waits_ns) + " µs";
  if (hidden > 0) text += ", " + us_text(hidden) + " of it while other lanes run";
  return text + ".";
}

std::vector<ScopeRowVm> scope_rows(const RunAnalysis& a) {
  const trace::BubbleReport& r = *a.report;
  std::vector<ScopeRowVm> rows;
  for (const auto scope : {trace::BubbleScope::in_step, trace::BubbleScope::in_graph, trace::BubbleScope::between_steps}) {
    const auto s = static_cast<size_t>(scope);
    if (r.scopes[s].count == 0) continue;
    ScopeRowVm row{.scope = scope == trace::BubbleScope::in_step    ? "within a step"
                            : scope == trace::BubbleScope::in_graph ? "within a graph launch"
                                                                    : "between steps",
                   .idle = tally_text(r.scopes[s]),
                   .idle_us = us_text(r.scopes[s].ns)};
    for (size_t k = 0; k < row.kinds.size(); ++k) row.kinds[k] = tally_text(r.kinds_by_scope[k][s]);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<CardRowVm> card_rows(const AppState& state) {
  std::vector<CardRowVm> rows;
  for (const RunKey key : state.stack) {
    const OpenRun* open = state.find(key);
    if (!open || !open->analysis) continue;
    const trace::BubbleReport& r = *open->analysis->report;
    CardRowVm row{.key = key, .title = open->title, .selected = key == state.selected};
    row.wall = us_text(r.wall_ns);
    row.busy = us_text(r.busy_ns);
    row.idle = us_text(r.idle_ns);
    for (size_t k = 0; k < row.kinds.size(); ++k) {
      const trace::Tally& tally = r.kinds[k];
      row.any[k] = tally.count > 0;
      const bool stall = k == static_cast<size_t>(BubbleKind::stall);
      row.kinds[k] = tally.count > 0 ? us_text(tally.ns) + " · " + count_text(tally.count)
                     : stall         ? "0"
                                     : std::string(kNothing);
    }
    const trace::Tally& stalls = r.kind(BubbleKind::stall);
    row.stall_share = r.idle_ns > 0 ? number_text(100.0 * static_cast<double>(stalls.ns) / static_cast<double>(r.idle_ns), 1) : std::string(kNothing);
    row.verdict = open->analysis->verdict;
    const auto overlaps = static_cast<int64_t>(open->analysis->gaps->overlaps.size());
    row.overlaps = overlaps == 0 ? std::string(kNothing) : count_text(overlaps);
    row.waits =
        open->analysis->path ? us_text(open->analysis->path->waits_ns) : std::string(kNothing);
    rows.push_back(std::move(row));
  }
  return rows;
}

StallRowVm stall_row(const RunAnalysis& a, uint32_t bubble, const Selection& selection,
                     RunKey key) {
  const trace::Trace& t = a.trace();
  const Bubble b = a.bubbles->at(bubble);
  StallRowVm row;
  row.at = us_text(b.begin_ns - a.report->window.begin_ns, 1);
  row.us = us_text(b.ns());
  row.lanes = lanes_text(t, b);
  row.cause = words_of(trace::to_string(b.cause)) +
              (b.cause_is_guess || b.cause == trace::BubbleCause::unknown ? "" : " ✓");
  row.between = name_of(t, b.before) + " → " + name_of(t, b.after);
  row.selected = selection == Selection{SelectionKind::bubble, key, bubble};
  return row;
}

StallTableVm stall_table(const RunAnalysis& a) {
  StallTableVm vm;
  if (a.worst.empty()) return vm;
  vm.kind = a.bubbles->at(a.worst[0]).kind;
  vm.total = a.report->kind(vm.kind).count;
  std::ranges::copy_if(a.worst, std::back_inserter(vm.bubbles),
                       [&](uint32_t i) { return a.bubbles->at(i).kind == vm.kind; });
  return vm;
}

HistogramVm histogram_vm(const RunAnalysis& a, const trace::Thresholds& thresholds) {
  const trace::GapHistogram& h = a.histogram;
  HistogramVm vm;
  vm.width = 1.0 / h.per_decade;
  vm.negative = h.negative;
  vm.fence_x = std::log10(static_cast<double>(std::max<int64_t>(thresholds.fence_ns, 1)));
  vm.stall_x = std::log10(static_cast<double>(std::max<int64_t>(thresholds.stall_ns, 1)));
  for (size_t i = 0; i < h.count.size(); ++i) {
    vm.x.push_back((static_cast<double>(i) + 0.5) * vm.width);
    vm.count.push_back(static_cast<double>(h.count[i]));
    vm.kind.push_back(trace::kind_of(std::max<int64_t>(h.lower_ns(static_cast<int>(i)), 0),
                                     thresholds));
    vm.height.push_back(std::log10(1 + vm.count.back()));
    vm.tallest = std::max(vm.tallest, vm.height.back());
  }
  const auto seen = [](double n) { return n > 0; };
  const auto first = std::ranges::find_if(vm.count, seen);
  if (first == vm.count.end()) return vm;
  vm.first = static_cast<size_t>(first - vm.count.begin());
  vm.last = static_cast<size_t>(std::find_if(vm.count.rbegin(), vm.count.rend(), seen).base() -
                                vm.count.begin());
  return vm;
}

std::string bin_text(const HistogramVm& vm, double x) {
  if (vm.width <= 0 || x < 0) return {};
  const auto bin = static_cast<size_t>(x / vm.width);
  if (bin >= vm.count.size() || vm.count[bin] <= 0) return {};
  const auto edge = [&](size_t i) { return duration_text(static_cast<int64_t>(std::llround(std::pow(10.0, static_cast<double>(i) * vm.width)))); };
  const auto n = static_cast<int64_t>(vm.count[bin]);
  return edge(bin) + " to " + edge(bin + 1) + ": " + count_text(n) + (n == 1 ? " gap, " : " gaps, ") + std::string(trace::to_string(vm.kind[bin]));
}

trace::Thresholds drag_threshold(trace::Thresholds t, bool stall, double x) {
  constexpr int64_t kLeast = 2, kMost = 100'000'000;
  // Two significant digits: a hand can't mean more.
  const double raw = std::pow(10.0, std::clamp(x, 0.0, 8.5));
  const double step = std::pow(10.0, std::max(std::floor(std::log10(raw)) - 1, 0.0));
  const int64_t ns = std::clamp(static_cast<int64_t>(std::llround(raw / step) * std::llround(step)),
                                kLeast, kMost);
  if (stall)
    t.stall_ns = std::max(ns, t.fence_ns + 1);
  else
    t.fence_ns = std::min(ns, t.stall_ns - 1);
  return t;
}

}  // namespace ui
