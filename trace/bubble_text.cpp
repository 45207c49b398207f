#include "trace/bubble_text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "trace/hip_barriers.h"
#include "trace/kernel_names.h"
#include "trace/overlaps.h"

namespace trace {
namespace {

double us(int64_t ns) {
  return static_cast<double>(ns) / 1000;
}

std::string name_of(const Trace& trace, EventId id) {
  const Event& e = trace.events[id];
  if (e.op != 0) return std::string(trace.op_of(e));
  return fmt::format("`{}`", bare_kernel_name(trace.name_of(e)));
}

const std::string& label_of(const Trace& trace, EventId id) {
  return trace.lanes[trace.events[id].lane].label;
}

// The event of the same lane that precedes this one; kNone at the lane's begin.
EventId previous_on_lane(const Trace& trace, EventId id) {
  return id > trace.lanes[trace.events[id].lane].first ? id - 1 : kNone;
}

// `from` is what `after` waited for: known, or what ended last.
std::string waited_text(const Trace& trace, EventId from, EventId after, std::string_view verb) {
  const int64_t start = trace.events[after].start_ns;
  std::string text =
      fmt::format("{} {} {}: {} ends {:.3f} us before {} starts", label_of(trace, after), verb,
                  label_of(trace, from), name_of(trace, from),
                  us(start - trace.events[from].end_ns), name_of(trace, after));
  const EventId own = previous_on_lane(trace, after);
  if (own != kNone && trace.events[own].end_ns < start)
    text += fmt::format("; {} itself had been idle for {:.3f} us", label_of(trace, after),
                        us(start - trace.events[own].end_ns));
  return text;
}

std::string unknown_text(const Trace& trace, EventId from, EventId after, bool dependency) {
  const std::string pair = fmt::format("{} -> {}", name_of(trace, from), name_of(trace, after));
  if (trace.events[from].lane != trace.events[after].lane)
    return fmt::format("{} ({} to {}): neither is the parent stream, and no dependency is recorded",
                       pair, label_of(trace, from), label_of(trace, after));
  return fmt::format(
      "{} on {}: {}, {}", pair, label_of(trace, after),
      trace.events[after].call != kNone ? "launched in time" : "no launch call recorded",
      dependency ? "known dependency on the same stream" : "no dependency recorded");
}

std::string host_text(const Trace& trace, const Bubble& b) {
  const Event& after = trace.events[b.after];
  const HostCall& call = trace.calls[after.call];
  const int64_t idle_since = b.before == kNone ? b.begin_ns : trace.events[b.before].end_ns;
  const int64_t late = call.start_ns - idle_since, alone = after.start_ns - call.end_ns;
  const std::string whose = fmt::format("{} of {}", trace.strings[call.name], name_of(trace, b.after));
  const std::string start = alone < 0 ? fmt::format("it started {:.3f} us before the call came back", us(-alone)) : fmt::format("it started {:.3f} us after that", us(alone));
  if (late <= 0) return fmt::format("{} was under way when the device went idle and came back {:.3f} us later; {}", whose, us(call.end_ns - idle_since), start);
  std::string text = fmt::format("{} began {:.3f} us after the device had gone idle and took {:.3f} us; {}", whose, us(late), us(call.end_ns - call.start_ns), start);
  if (alone > call.end_ns - idle_since) text += ": most of the wait came after the call, and nothing recorded explains it";
  return text;
}

// How much of the gaps between neighbours is "back to back", and what that hides.
void add_ties(const BubbleContext& context, const BubbleReport& r, std::vector<std::string>& out) {
  if (r.ties == 0) return;
  std::string text = fmt::format(
      "{} of {} gaps between neighbours on a stream are ties (0 or 1 ns): the collector says back "
      "to back",
      r.ties, r.lane_gaps);
  if (2 * r.ties > r.lane_gaps)
    text += fmt::format(
        "; dispatch inside durations: at most {} x {:.3f} = {:.3f} us (kernels x the 5th "
        "percentile of this "
        "trace's kernel durations), never a part of idle",
        r.kernels, us(context.short_kernel_ns), us(r.kernels * context.short_kernel_ns));
  out.push_back(std::move(text));
}

void add_overlaps(const BubbleReport& r, std::vector<std::string>& out) {
  if (r.overlaps.empty()) return;
  std::array<int64_t, 3> count{};
  for (const Overlap& o : r.overlaps) ++count[static_cast<size_t>(o.label)];
  out.push_back(
      fmt::format("{} overlap{} of neighbours on one stream, down to {:.3f} us: {} jitter, {} "
                  "early launch (the same "
                  "kernel pair always overlaps), {} accounting or concurrent",
                  r.overlaps.size(), r.overlaps.size() == 1 ? "" : "s", us(r.overlap_min_ns),
                  count[0], count[1], count[2]));
}

void add_untold_calls(const Trace& trace, const BubbleReport& r, std::vector<std::string>& out) {
  if (!trace.calls.empty() || trace.collector.clock == ClockSource::host) return;
  constexpr int64_t kLong = Thresholds{}.stall_ns;  // whatever the thresholds are now: a caveat stays when they are dragged
  const auto unknown = std::count_if(r.bubbles.begin(), r.bubbles.end(), [](const Bubble& b) {
    return b.ns() >= kLong && b.cause == BubbleCause::unknown;
  });
  if (unknown > 0)
    out.push_back(fmt::format("this trace holds no launch calls: {} idle interval{} of 2 us and more of unknown cause may be the host's",
                              unknown, unknown == 1 ? "" : "s"));
}

void add_recorder(const Trace& trace, const BubbleReport& r, std::vector<std::string>& out) {
  if (const int64_t ns = recorders_idle_ns(trace, r); ns > 0)
    out.push_back(fmt::format("the {:.3f} us between steps are the recorder's own, which takes each step in a session of the profiler: step times are measured without it",
                              us(ns)));
}

bool graph_on_one_lane(const Trace& trace, const BubbleReport& r) {
  if (r.streams != 1 || r.bubbles.empty()) return false;
  return std::any_of(r.bubbles.begin(), r.bubbles.end(),
                     [](const Bubble& b) { return b.scope == BubbleScope::in_graph; }) &&
         trace.devices[r.window.device].vendor == "amd";
}

// Limits of a collector that were measured on many public traces, not on this one; said as such.
void add_collector(const Trace& trace, const BubbleReport& r, std::vector<std::string>& out) {
  const Collector& c = trace.collector;
  if (c.clock == ClockSource::roctracer || c.clock == ClockSource::rocprofiler)
    out.push_back(
        fmt::format("{} hardly ever reports a gap between 2 ns and 2 us (of 77,590 gaps in 18 AMD "
                    "traces none lay in "
                    "1-2 us): that there is none here says nothing about the GPU",
                    c.name));
  if (c.clock == ClockSource::cupti)
    out.push_back(
        fmt::format("{} splits dispatch between durations and gaps in its own way (on an H200, "
                    "inside one graph: 65 ns "
                    "between kernels where stamps inside the kernels say 672 ns): gaps below 3 us "
                    "do not compare "
                    "with other collectors",
                    c.name));
  if (c.name.find("pftrace") != std::string::npos)
    out.push_back(
        "this format moves overlapping start and end times to their midpoint: adjusted by the "
        "collector");
  if (graph_on_one_lane(trace, r))
    out.push_back(
        "all kernels of a graph launch lie on one stream: this collector may draw parallel "
        "branches on one lane");
}

}  // namespace

int64_t recorders_idle_ns(const Trace& trace, const BubbleReport& r) {
  const bool profiled = trace.collector.clock == ClockSource::cupti || trace.collector.clock == ClockSource::rocprofiler;
  return profiled && trace.source.starts_with(kRecordedLive) ? r.scopes[static_cast<int>(BubbleScope::between_steps)].ns : 0;
}

std::vector<std::string> bubble_caveats(const Trace& trace, const BubbleContext& context,
                                        const BubbleReport& r) {
  std::vector<std::string> out;
  if (r.activities == 0) {
    out.push_back("no GPU activity in this window: its figures are zero or all idle");
    return out;
  }
  const int64_t quantum = trace.collector.resolution_ns;
  if (quantum > 1)
    out.push_back(
        fmt::format("times are multiples of {} ns: idle intervals below {:.3f} us cannot be told "
                    "apart, whatever their "
                    "kind; counts are by threshold",
                    quantum, us(2 * quantum)));
  add_ties(context, r, out);
  add_overlaps(r, out);
  add_untold_calls(trace, r, out);
  add_recorder(trace, r, out);
  add_collector(trace, r, out);
  return out;
}

namespace {

// Barriers of HIP events that stood in the gap, where the collector recorded them: on whose queue, and how long. Looked
// for among the last ranges that began before it ended.
std::string barrier_text(const Trace& trace, const Bubble& b) {
  constexpr std::ptrdiff_t kLookedThrough = 1000;
  if (trace.collector.clock != ClockSource::rocprofiler) return {};
  const auto end = std::ranges::lower_bound(trace.annotations, b.end_ns, {}, &Annotation::start_ns);
  std::string text;
  for (auto a = end - std::min(kLookedThrough, end - trace.annotations.begin()); a != end; ++a) {
    const std::string& name = trace.strings[a->name];
    if (a->end_ns <= b.begin_ns || (name != kHipWaitName && name != kHipRecordName)) continue;
    text += fmt::format("; a {} on queue {} stood for {:.3f} us, until {:.3f} us before it ended", name, a->thread, us(a->end_ns - a->start_ns), us(std::max<int64_t>(0, b.end_ns - a->end_ns)));
    if (text.size() > 300) return text + " ...";
  }
  return text;
}

std::string evidence_of_events(const Trace& trace, const Bubble& b) {
  if (b.before == kNone && b.after == kNone) return "nothing runs on this device";
  if (b.after == kNone)
    return fmt::format("nothing follows {} on this device", name_of(trace, b.before));
  if (b.cause == BubbleCause::host && trace.events[b.after].call != kNone)
    return host_text(trace, b);
  EventId from = b.before;
  if (!b.cause_is_guess) {
    std::vector<Edge> into;
    for (const Edge& edge : trace.edges)
      if (edge.to == b.after) into.push_back(edge);
    if (const EventId binding = binding_dependency(trace, into, b.after); binding != kNone)
      from = binding;
  }
  if (from == kNone) return fmt::format("nothing ran before {}", name_of(trace, b.after));
  const std::string_view known = b.cause_is_guess ? "" : " (known dependency)";
  switch (b.cause) {
    case BubbleCause::fork:
      return "fork: " + waited_text(trace, from, b.after, "starts after the parent").append(known);
    case BubbleCause::join:
      return "join: the parent " + waited_text(trace, from, b.after, "waits for").append(known);
    case BubbleCause::copy:
      return fmt::format("a copy {} it: {} -> {}{}",
                         trace.events[from].kind == EventKind::memcpy ? "precedes" : "follows",
                         name_of(trace, from), name_of(trace, b.after), known);
    case BubbleCause::graph_edge:
      return fmt::format("{} -> {} of one graph launch on {}{}", name_of(trace, from),
                         name_of(trace, b.after), label_of(trace, b.after), known);
    case BubbleCause::host:
    case BubbleCause::unknown:
      break;
  }
  return unknown_text(trace, from, b.after, !b.cause_is_guess);
}

}  // namespace

std::string evidence(const Trace& trace, const Bubble& b) { return evidence_of_events(trace, b) + barrier_text(trace, b); }

bool is_merged(BubbleKind kind, int64_t resolution_ns, const Thresholds& t) {
  const int64_t quanta = 2 * resolution_ns;
  switch (kind) {
    case BubbleKind::contiguous:
      return resolution_ns > 1 && t.contiguous_ns < quanta;
    case BubbleKind::dispatch:
      return resolution_ns > 1 && t.fence_ns <= quanta;
    case BubbleKind::fence:
      return resolution_ns > 1 && t.stall_ns <= quanta;
    case BubbleKind::stall:
      break;
  }
  return false;
}

std::string merged_kinds_label(int64_t resolution_ns, const Thresholds& t) {
  std::string label;
  int merged = 0;
  for (const BubbleKind kind : {BubbleKind::contiguous, BubbleKind::dispatch, BubbleKind::fence}) {
    if (!is_merged(kind, resolution_ns, t)) continue;
    label += label.empty() ? "" : " or ";
    label += to_string(kind);
    ++merged;
  }
  return merged == 0 ? "" : fmt::format("{} (below two quanta of {} ns)", label, resolution_ns);
}

std::string_view to_string(BubbleKind kind) {
  static constexpr std::array<std::string_view, kBubbleKinds> kNames{"contiguous", "dispatch",
                                                                     "fence", "stall"};
  return kNames[static_cast<size_t>(kind)];
}

std::string_view to_string(BubbleScope scope) {
  static constexpr std::array<std::string_view, kBubbleScopes> kNames{"in_graph", "in_step",
                                                                      "between_steps"};
  return kNames[static_cast<size_t>(scope)];
}

std::string_view to_string(BubbleCause cause) {
  static constexpr std::array<std::string_view, kBubbleCauses> kNames{
      "fork", "join", "host", "copy", "graph_edge", "unknown"};
  return kNames[static_cast<size_t>(cause)];
}

std::string_view to_string(OverlapLabel label) {
  static constexpr std::array<std::string_view, 3> kNames{"jitter", "early_launch", "accounting"};
  return kNames[static_cast<size_t>(label)];
}

}  // namespace trace
