// Traces made of random events, for property tests, and slow but obvious references to hold the
// view-models to.
#pragma once
#include <algorithm>
#include <memory>
#include <random>
#include <tuple>
#include <vector>

#include "trace/bubbles.h"
#include "trace/trace.h"

namespace test {

struct TraceShape {
  uint32_t lanes = 3;
  uint32_t events = 200;
  double overlap = 0.1;  // share of events that start before the one before them has ended
  int64_t longest_ns = 5000;
  uint32_t devices = 1;
};

inline std::shared_ptr<trace::Trace> random_trace(std::mt19937_64& rng, const TraceShape& shape) {
  auto t = std::make_shared<trace::Trace>();
  t->strings = {"", "alpha", "void ns::beta<float>(int)", "gamma_kernel", "delta"};
  t->ops = {"", "q_b", "topk"};
  auto pick = [&](int64_t lo, int64_t hi) {
    return std::uniform_int_distribution<int64_t>(lo, hi)(rng);
  };
  auto chance = [&](double p) { return std::bernoulli_distribution(p)(rng); };
  for (uint32_t d = 0; d < shape.devices; ++d)
    t->devices.push_back({std::to_string(d), "test", ""});
  for (uint32_t lane = 0; lane < shape.lanes; ++lane) {
    trace::Lane l;
    l.device = lane % shape.devices;
    l.stream = 7 + lane;
    l.label = "stream " + std::to_string(7 + lane);
    l.logical = lane;
    t->lanes.push_back(l);
    int64_t clock = pick(0, shape.longest_ns);
    for (uint32_t i = 0; i < shape.events / shape.lanes; ++i) {
      trace::Event e;
      e.lane = lane;
      e.start_ns = std::max<int64_t>(
          chance(shape.overlap) ? clock - pick(0, shape.longest_ns / 2) : clock, 0);
      e.end_ns = e.start_ns + (chance(0.03)  ? 0
                               : chance(0.1) ? pick(0, shape.longest_ns)
                                             : pick(0, shape.longest_ns / 40 + 1));
      e.name = static_cast<uint32_t>(pick(1, 4));
      e.op = static_cast<uint16_t>(pick(0, 2));
      e.category = static_cast<trace::Category>(pick(0, trace::kCategories - 1));
      t->events.push_back(e);
      const int64_t gap = chance(0.4)   ? pick(0, 1)
                          : chance(0.5) ? pick(0, 999)
                          : chance(0.5) ? pick(1000, 1999)
                                        : pick(2000, 20000);
      clock = std::max(clock, e.end_ns) + gap;
    }
  }
  std::ranges::sort(t->events, [](const trace::Event& a, const trace::Event& b) {
    return std::tie(a.lane, a.start_ns, a.end_ns) < std::tie(b.lane, b.start_ns, b.end_ns);
  });
  for (uint32_t i = 0; i < t->events.size(); ++i) {
    trace::Lane& l = t->lanes[t->events[i].lane];
    if (l.count++ == 0) l.first = i;
  }
  return t;
}

inline trace::BubbleKind kind_by_hand(int64_t ns, const trace::Thresholds& th) {
  if (ns <= th.contiguous_ns) return trace::BubbleKind::contiguous;
  if (ns < th.fence_ns) return trace::BubbleKind::dispatch;
  return ns < th.stall_ns ? trace::BubbleKind::fence : trace::BubbleKind::stall;
}

// Idle intervals of a device by sweeping its events in start order.
inline trace::BubbleReport bubbles_by_hand(const trace::Trace& t, uint32_t device,
                                           const trace::Thresholds& th = {}) {
  std::vector<trace::EventId> ids;
  for (uint32_t i = 0; i < t.events.size(); ++i) {
    if (t.lanes[t.events[i].lane].device == device) ids.push_back(i);
  }
  std::ranges::sort(ids, [&](auto a, auto b) {
    return std::tie(t.events[a].start_ns, t.events[a].end_ns, a) <
           std::tie(t.events[b].start_ns, t.events[b].end_ns, b);
  });
  trace::BubbleReport report;
  report.thresholds = th;
  if (ids.empty()) return report;
  report.window = {device, t.events[ids[0]].start_ns, t.events[ids[0]].end_ns, "all"};
  trace::EventId last = ids[0];
  for (const auto id : ids) {
    const trace::Event& e = t.events[id];
    if (e.start_ns > report.window.end_ns) {
      trace::Bubble b;
      b.begin_ns = report.window.end_ns;
      b.end_ns = e.start_ns;
      b.before = last;
      b.after = id;
      b.kind = kind_by_hand(b.ns(), th);
      report.kinds[static_cast<size_t>(b.kind)].add(b.ns());
      report.idle_ns += b.ns();
      report.bubbles.push_back(b);
    }
    if (e.end_ns >= report.window.end_ns) last = id;
    report.window.end_ns = std::max(report.window.end_ns, e.end_ns);
  }
  report.wall_ns = report.window.wall_ns();
  report.busy_ns = report.wall_ns - report.idle_ns;
  return report;
}

// Neighbours of one lane that overlap, in start order.
inline std::vector<trace::Overlap> overlaps_by_hand(const trace::Trace& t) {
  std::vector<trace::Overlap> out;
  for (uint32_t i = 1; i < t.events.size(); ++i) {
    const int64_t gap = t.events[i].start_ns - t.events[i - 1].end_ns;
    if (t.events[i].lane == t.events[i - 1].lane && gap < 0)
      out.push_back({i - 1, i, gap, trace::OverlapLabel::accounting});
  }
  return out;
}

}  // namespace test
