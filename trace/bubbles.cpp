#include "trace/bubbles.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <tuple>

#include "trace/bubble_text.h"
#include "trace/overlaps.h"
#include "trace/steps.h"

namespace trace {
namespace {

int64_t short_kernel(const Trace& trace, uint32_t device) {
  std::vector<int64_t> durations;
  for (uint32_t lane = 0; lane < trace.lanes.size(); ++lane) {
    if (trace.lanes[lane].device != device) continue;
    for (const Event& e : trace.lane_events(lane))
      if (e.kind == EventKind::kernel) durations.push_back(e.duration_ns());
  }
  if (durations.empty()) return 0;
  const auto at = durations.begin() + static_cast<std::ptrdiff_t>(durations.size() / 20);
  std::nth_element(durations.begin(), at, durations.end());
  return *at;
}

bool same_launch(const Event& a, const Event& b) {
  return a.correlation != kNoCorrelation && a.correlation == b.correlation;
}

// Whether the launch call of what follows an idle interval had begun but not come back when it began. Of a graph the first nodes run
// while the call still hands over the rest; nodes that wait for each other are as usual then, so the call must explain most of a stall.
bool call_under_way(const Trace& trace, const Bubble& b) {
  if (b.before == kNone || b.after == kNone) return false;
  const Event &before = trace.events[b.before], &after = trace.events[b.after];
  if (after.call == kNone) return false;
  const HostCall& call = trace.calls[after.call];
  if (call.start_ns > before.end_ns || call.end_ns <= before.end_ns) return false;
  if (after.call != before.call && !same_launch(before, after)) return true;
  const int64_t idle = after.start_ns - before.end_ns;
  return idle >= Thresholds{}.stall_ns && 2 * (call.end_ns - before.end_ns) >= idle;
}

// Decides scope and cause of one idle interval.
class Judge {
 public:
  Judge(const Trace& trace, const BubbleContext& context) : m_trace(trace), m_context(context) {}
  void set_parent(uint32_t lane) { m_parent = m_trace.lanes[lane].logical; }

  void judge(Bubble& b) const {
    b.scope = scope_of(b);
    if (b.after == kNone) return;
    if (by_call(b)) return;
    if (!by_edges(b) && b.before != kNone) b.cause = cause_between(m_trace.events[b.before], m_trace.events[b.after], false);
    by_call_under_way(b);
  }

 private:
  uint32_t logical(const Event& e) const { return m_trace.lanes[e.lane].logical; }

  BubbleScope scope_of(const Bubble& b) const {
    if (b.before == kNone || b.after == kNone) return BubbleScope::in_step;
    if (same_launch(m_trace.events[b.before], m_trace.events[b.after]))
      return BubbleScope::in_graph;
    if (m_context.step_of.empty()) return BubbleScope::in_step;
    const int32_t step = m_context.step_of[b.before];
    return step >= 0 && step == m_context.step_of[b.after] ? BubbleScope::in_step
                                                           : BubbleScope::between_steps;
  }

  // The launch call began only after the device had gone idle: no dependency on the device explains
  // that.
  bool by_call(Bubble& b) const {
    const uint32_t call = m_trace.events[b.after].call;
    const int64_t idle_since = b.before == kNone ? b.begin_ns : m_trace.events[b.before].end_ns;
    if (call == kNone || m_trace.calls[call].start_ns <= idle_since) return false;
    b.cause = BubbleCause::host;
    b.cause_is_guess = false;
    return true;
  }

  // The launch call had begun but not come back when the device went idle: the activity was probably not submitted yet. When inside a
  // call that happens is not recorded, so this is a guess, and yields to known forks and joins. A copy that blocks its caller stays one.
  void by_call_under_way(Bubble& b) const {
    const bool guessed = b.cause_is_guess && (b.cause == BubbleCause::fork || b.cause == BubbleCause::join);
    const bool open = b.cause == BubbleCause::unknown || b.cause == BubbleCause::graph_edge || guessed;
    if (!open || !call_under_way(m_trace, b)) return;
    b.cause = BubbleCause::host;
    b.cause_is_guess = true;
  }

  // Known dependencies decide alone: what else ended last was not waited for.
  bool by_edges(Bubble& b) const {
    const auto& edges = m_context.edges_in;
    const auto into = std::ranges::equal_range(edges, b.after, {}, &Edge::to);
    const EventId binding = binding_dependency(m_trace, {into.begin(), into.end()}, b.after);
    if (binding == kNone) return false;
    b.cause = cause_between(m_trace.events[binding], m_trace.events[b.after], true);
    b.cause_is_guess = false;
    return true;
  }

  // `known`: the first is what the second had to wait for. Two side streams cannot be told apart by
  // guessing.
  BubbleCause cause_between(const Event& before, const Event& after, bool known) const {
    if (logical(before) != logical(after)) {
      if (logical(after) == m_parent) return BubbleCause::join;
      return known || logical(before) == m_parent ? BubbleCause::fork : BubbleCause::unknown;
    }
    if (before.kind == EventKind::memcpy || after.kind == EventKind::memcpy)
      return BubbleCause::copy;
    return same_launch(before, after) ? BubbleCause::graph_edge : BubbleCause::unknown;
  }

  const Trace& m_trace;
  const BubbleContext& m_context;
  uint32_t m_parent = 0;  // logical lane of the window's first activity
};

// The activity that ended last before the events from `position` on; kNone when nothing ran before.
EventId ended_last_before(const Trace& trace, const DeviceEvents& all, size_t position) {
  if (position == 0) return kNone;
  const int64_t end = all.max_end_ns[position - 1];
  for (size_t i = position; i-- > 0;)
    if (trace.events[all.by_start[i]].end_ns == end) return all.by_start[i];
  return kNone;
}

// Index in by_start of the first event that starts at `t` or later.
size_t first_from(const Trace& trace, const DeviceEvents& all, int64_t t) {
  return static_cast<size_t>(
      std::lower_bound(all.by_start.begin(), all.by_start.end(), t,
                       [&](EventId id, int64_t at) { return trace.events[id].start_ns < at; }) -
      all.by_start.begin());
}

void collect_overlaps(const Trace& trace, const BubbleContext& context, BubbleReport& report) {
  const Window& w = report.window;
  const auto inside = [&](const Event& e) {
    return e.start_ns < w.end_ns && e.end_ns > w.begin_ns;
  };
  auto o = std::lower_bound(
      context.overlaps.begin(), context.overlaps.end(), w.begin_ns,
      [&](const Overlap& a, int64_t t) { return trace.events[a.second].start_ns < t; });
  for (; o != context.overlaps.end() && trace.events[o->second].start_ns < w.end_ns; ++o) {
    if (!inside(trace.events[o->first])) continue;
    report.overlaps.push_back(*o);
    report.overlap_min_ns = std::min(report.overlap_min_ns, o->gap_ns);
  }
}

// Everything that one pass over a window's events yields: counts, gaps of neighbours, idle
// intervals with what lies around them.
class Scan {
 public:
  Scan(const Trace& trace, const BubbleContext& context, BubbleReport& report)
      : m_trace(trace),
        m_report(report),
        m_all(context.events),
        m_window(report.window),
        m_previous(trace.lanes.size(), kNone),
        m_logical(trace.lanes.size(), false),
        m_beyond(first_from(trace, context.events, report.window.end_ns)),
        m_judge(trace, context) {}

  void run(std::span<const EventId> events) {
    if (m_all.by_start.empty()) {
      if (m_window.wall_ns() > 0)
        m_report.bubbles.push_back({.begin_ns = m_window.begin_ns, .end_ns = m_window.end_ns});
      return;
    }
    const EventId first = events.empty() ? m_all.by_start.front() : events.front();
    m_judge.set_parent(m_trace.events[first].lane);
    // Neighbours may lie outside the window: before its first event comes what ended last of all.
    m_before = ended_last_before(m_trace, m_all, first_from(m_trace, m_all, m_window.begin_ns));
    m_before_end =
        m_before == kNone ? std::numeric_limits<int64_t>::min() : m_trace.events[m_before].end_ns;
    m_report.bubbles.reserve(events.size() +
                             1);  // back to back still means 1 ns between any two, often
    int64_t covered = m_window.begin_ns;
    for (const EventId id : events) {
      const Event& e = m_trace.events[id];
      count(id, e);
      const int64_t start = clipped_start(e, m_window);
      if (start > covered) add(covered, start, id);
      covered = std::max({covered, start, clipped_end(e, m_window)});
      if (e.end_ns >= m_before_end) {
        m_before = id;
        m_before_end = e.end_ns;
      }
    }
    if (covered < m_window.end_ns)
      add(covered, m_window.end_ns,
          m_beyond < m_all.by_start.size() ? m_all.by_start[m_beyond] : kNone);
    m_report.activities = m_report.kernels + m_report.copies;
    if (m_report.bubbles.capacity() > 2 * m_report.bubbles.size()) m_report.bubbles.shrink_to_fit();
  }

 private:
  void count(EventId id, const Event& e) {
    ++(e.kind == EventKind::kernel ? m_report.kernels : m_report.copies);
    EventId& before = m_previous[e.lane];
    if (before == kNone) {
      ++m_report.streams;
      const uint32_t logical = m_trace.lanes[e.lane].logical;
      if (!m_logical[logical]) ++m_report.lanes;
      m_logical[logical] = true;
    } else {
      const int64_t gap = gap_between(m_trace.events[before], e);
      ++m_report.lane_gaps;
      m_report.ties += gap == 0 || gap == 1;
    }
    before = id;
  }

  void add(int64_t begin_ns, int64_t end_ns, EventId after) {
    Bubble b{.begin_ns = begin_ns, .end_ns = end_ns, .before = m_before, .after = after};
    m_judge.judge(b);
    m_report.bubbles.push_back(b);
  }

  const Trace& m_trace;
  BubbleReport& m_report;
  const DeviceEvents& m_all;
  const Window& m_window;
  std::vector<EventId> m_previous;  // by lane
  std::vector<bool> m_logical;      // lanes seen
  size_t m_beyond;                  // place of the first event that starts after the window
  Judge m_judge;
  EventId m_before = kNone;  // what ended last so far
  int64_t m_before_end = 0;
};

}  // namespace

BubbleKind kind_of(int64_t idle_ns, const Thresholds& t) {
  if (idle_ns >= t.stall_ns) return BubbleKind::stall;
  if (idle_ns >= t.fence_ns) return BubbleKind::fence;
  return idle_ns <= t.contiguous_ns ? BubbleKind::contiguous : BubbleKind::dispatch;
}

BubbleContext bubble_context(const Trace& trace, uint32_t device) {
  BubbleContext context;
  context.events = device_events(trace, device);
  if (Steps steps = find_steps(trace, context.events); steps.known)
    context.step_of = std::move(steps.of_event);
  context.overlaps = find_overlaps(trace, device);
  context.edges_in = trace.edges;
  std::sort(context.edges_in.begin(), context.edges_in.end(), [](const Edge& a, const Edge& b) {
    return std::tie(a.to, a.from) < std::tie(b.to, b.from);
  });
  context.short_kernel_ns = short_kernel(trace, device);
  return context;
}

BubbleReport classify(const Trace& trace, const Window& window, const Thresholds& thresholds) {
  return classify(trace, bubble_context(trace, window.device), window, thresholds);
}

BubbleReport classify(const Trace& trace, const BubbleContext& context, const Window& window,
                      const Thresholds& thresholds) {
  assert(context.events.device == window.device && window.begin_ns <= window.end_ns);
  BubbleReport report;
  report.window = window;
  report.wall_ns = window.wall_ns();
  const std::vector<EventId>& all = context.events.by_start;
  const bool everything = !all.empty() && window.begin_ns <= trace.events[all.front()].start_ns &&
                          window.end_ns >= context.events.last_end_ns() && window.wall_ns() > 0;
  Scan scan(trace, context, report);
  if (everything)
    scan.run(all);
  else
    scan.run(events_in(trace, context.events, window));
  collect_overlaps(trace, context, report);
  reclassify(report, thresholds);
  report.busy_ns = report.wall_ns - report.idle_ns;
  report.caveats = bubble_caveats(trace, context, report);
  return report;
}

void reclassify(BubbleReport& report, const Thresholds& thresholds) {
  report.thresholds = thresholds;
  report.kinds = {};
  report.scopes = {};
  report.kinds_by_scope = {};
  report.idle_ns = 0;
  for (Bubble& b : report.bubbles) {
    b.kind = kind_of(b.ns(), thresholds);
    const auto kind = static_cast<size_t>(b.kind), scope = static_cast<size_t>(b.scope);
    report.kinds[kind].add(b.ns());
    report.scopes[scope].add(b.ns());
    report.kinds_by_scope[kind][scope].add(b.ns());
    report.idle_ns += b.ns();
  }
}

CauseTallies by_cause(const BubbleReport& report) {
  CauseTallies out{};
  for (const Bubble& b : report.bubbles) out[static_cast<size_t>(b.kind)][static_cast<size_t>(b.cause)].add(b.ns());
  return out;
}

std::vector<Bubble> BubbleReport::stalls() const {
  std::vector<Bubble> out;
  for (const Bubble& b : bubbles)
    if (b.kind == BubbleKind::stall) out.push_back(b);
  std::stable_sort(out.begin(), out.end(),
                   [](const Bubble& a, const Bubble& b) { return a.ns() > b.ns(); });
  return out;
}

}  // namespace trace
