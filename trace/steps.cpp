#include "trace/steps.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "trace/launches.h"

namespace trace {
namespace {

using Groups =
    std::map<int64_t, std::vector<EventId>>;  // some key of a step -> its events by start

StepSpan span_of(const Trace& trace, std::vector<EventId> events) {
  StepSpan span{.number = 0,
                .begin_ns = trace.events[events[0]].start_ns,
                .end_ns = 0,
                .events = std::move(events)};
  span.end_ns = span.begin_ns;
  for (const EventId id : span.events) span.end_ns = std::max(span.end_ns, trace.events[id].end_ns);
  return span;
}

// Orders the spans by time and cuts each where the next begins.
void settle(Steps& steps, bool keep_numbers) {
  std::stable_sort(steps.spans.begin(), steps.spans.end(),
                   [](const StepSpan& a, const StepSpan& b) { return a.begin_ns < b.begin_ns; });
  for (size_t i = 0; i < steps.spans.size(); ++i) {
    StepSpan& span = steps.spans[i];
    if (!keep_numbers) span.number = static_cast<int>(i);
    if (i + 1 < steps.spans.size())
      span.end_ns = std::min(span.end_ns, steps.spans[i + 1].begin_ns);
    for (const EventId id : span.events) steps.of_event[id] = static_cast<int32_t>(i);
  }
}

void take(const Trace& trace, Steps& steps, Groups groups, std::string rule,
          bool keep_numbers = false) {
  for (auto& [key, events] : groups) {
    steps.spans.push_back(span_of(trace, std::move(events)));
    if (keep_numbers) steps.spans.back().number = static_cast<int>(key);
  }
  steps.known = true;
  steps.rule = std::move(rule);
  settle(steps, keep_numbers);
}

// Steps are much alike: when the first ones show no period, the others will not.
void find_first_period(const Trace& trace, Steps& steps) {
  constexpr size_t kTried = 3;
  for (size_t i = 0; i < std::min(kTried, steps.spans.size()); ++i) {
    Period p = find_period(trace, steps.spans[i].events);
    const bool found = p.repeats > 0;
    if (found || i == 0) steps.period = std::move(p);
    if (found) return;
  }
}

size_t events_of(const Groups& groups) {
  size_t n = 0;
  for (const auto& [key, events] : groups) n += events.size();
  return n;
}

// The list of a key, remembering the one asked for last: neighbours mostly share it.
class Lists {
 public:
  explicit Lists(Groups& groups) : m_groups(groups) {}
  std::vector<EventId>& of(int64_t key) {
    if (!m_last || key != m_key) m_last = &m_groups[m_key = key];
    return *m_last;
  }

 private:
  Groups& m_groups;
  std::vector<EventId>* m_last = nullptr;
  int64_t m_key = 0;
};

Groups by_recorder(const Trace& trace, const DeviceEvents& all) {
  Groups groups;
  Lists lists(groups);
  for (const EventId id : all.by_start)
    if (trace.events[id].step >= 0) lists.of(trace.events[id].step).push_back(id);
  return groups;
}

// Launches of at least half as many kernels as the largest one: graphs captured for other batch
// sizes count, small helper graphs do not.
Groups by_graph_launch(const Trace& trace, const DeviceEvents& all) {
  const Launches launches(trace, all.device);
  uint32_t largest = 0;
  const auto kernels = [&](const Event& e) {
    return e.correlation == kNoCorrelation ? 0 : launches.of(e.correlation).kernels;
  };
  for (const EventId id : all.by_start) largest = std::max(largest, kernels(trace.events[id]));
  Groups groups;
  if (largest < 2) return groups;
  Lists lists(groups);
  for (const EventId id : all.by_start) {
    const Event& e = trace.events[id];
    if (2 * kernels(e) >= largest && kernels(e) >= 2) lists.of(e.correlation).push_back(id);
  }
  return groups;
}

// The family of a step annotation ("ProfilerStep#"), empty when the name marks no step.
std::string_view step_family(std::string_view name) {
  static constexpr std::array<std::string_view, 7> kFamilies{
      "ProfilerStep#", "execute_", "step[", "decode step", "decode_step", "engine step", "step "};
  for (const std::string_view family : kFamilies)
    if (name.starts_with(family)) return family;
  return {};
}

// Step annotations of one family by start; of equal names only the first, which is the host's (the
// same range is often drawn once more on the GPU, later).
std::map<std::string_view, std::vector<const Annotation*>> step_annotations(const Trace& trace) {
  std::map<std::string_view, std::vector<const Annotation*>> families;
  std::unordered_map<StringId, bool> seen;
  for (const Annotation& a : trace.annotations) {
    const std::string_view family = step_family(trace.strings[a.name]);
    const bool numbered = family == "ProfilerStep#" || family == "decode step" || family == "step ";
    if (family.empty() || (numbered && std::exchange(seen[a.name], true))) continue;
    families[family].push_back(&a);
  }
  return families;
}

Groups by_annotation(const Trace& trace, const DeviceEvents& all, std::string& family_used) {
  Groups best;
  size_t most = 0;
  for (const auto& [family, ranges] : step_annotations(trace)) {
    Groups groups;
    Lists lists(groups);
    size_t held = 0, at = 0;  // `at`: the range that began last before the launch; mostly the same
    for (const EventId id : all.by_start) {
      const Event& e = trace.events[id];
      const int64_t launched = e.call == kNone ? e.start_ns : trace.calls[e.call].start_ns;
      if (launched < ranges[at]->start_ns ||
          (at + 1 < ranges.size() && launched >= ranges[at + 1]->start_ns)) {
        const auto after =
            std::upper_bound(ranges.begin(), ranges.end(), launched,
                             [](int64_t t, const Annotation* a) { return t < a->start_ns; });
        if (after == ranges.begin()) continue;
        at = static_cast<size_t>(after - ranges.begin() - 1);
      }
      if (launched >= ranges[at]->end_ns) continue;
      lists.of(static_cast<int64_t>(at)).push_back(id);
      ++held;
    }
    if (held > most) {
      most = held;
      best = std::move(groups);
      family_used = family;
    }
  }
  return 2 * most >= all.by_start.size() ? best : Groups{};
}

// Places of `by_start` at which a new step begins, given the kernels outside the layers that come
// once a step: in each run of them between two anchors, at the widest idle gap within or beside the
// run.
std::vector<size_t> step_begins(const Trace& trace, const DeviceEvents& all, const Period& p,
                                const std::vector<bool>& once_a_step) {
  struct Run {
    int repeat;
    size_t first, last;
  };
  std::vector<Run> runs;
  int repeat = 0;
  for (size_t i = 0; i < all.by_start.size(); ++i) {
    const StringId name = trace.events[all.by_start[i]].name;
    repeat += name == p.anchor;
    if (!once_a_step[name]) continue;
    if (runs.empty() || runs.back().repeat != repeat) runs.push_back({repeat, i, i});
    runs.back().last = i;
  }
  std::vector<size_t> begins;
  for (const Run& run : runs) {
    if (run.repeat == 0 || run.repeat == p.repeats)
      continue;  // before the first step, after the last
    size_t best = run.first;
    int64_t widest = std::numeric_limits<int64_t>::min();
    for (size_t i = run.first; i <= run.last + 1 && i < all.by_start.size(); ++i) {
      const int64_t gap = trace.events[all.by_start[i]].start_ns - all.max_end_ns[i - 1];
      if (gap <= widest) continue;
      widest = gap;
      best = i;
    }
    begins.push_back(best);
  }
  return begins;
}

// Several steps in one unmarked sequence: some kernels outside the layers (embedding, lm_head,
// sampling) come S times, each time after L / S layers. Then the file has S steps. Kernels that
// come every second or fourth layer (kinds of attention, a shared indexer) must not pass for that:
// a step has at least eight layers here. Empty when there are no such kernels.
Groups by_sequence(const Trace& trace, const DeviceEvents& all, const Period& p) {
  constexpr int kLeastLayers = 8;
  std::vector<int> uses(trace.strings.size(), 0);
  for (const EventId id : all.by_start) ++uses[trace.events[id].name];
  std::map<StringId, std::vector<int>> outside;  // name -> repeats in which it occurs
  int repeat = 0;
  for (const EventId id : all.by_start) {
    const StringId name = trace.events[id].name;
    repeat += name == p.anchor;
    if (kLeastLayers * uses[name] <= p.repeats) outside[name].push_back(repeat);
  }
  std::map<int, std::vector<StringId>> votes;  // steps -> names that say so
  for (const auto& [name, where] : outside) {
    const int count = static_cast<int>(where.size());
    if (count < 2 || p.repeats % count != 0) continue;
    bool even = true;
    for (size_t i = 1; i < where.size(); ++i)
      even = even && where[i] - where[i - 1] == p.repeats / count;
    if (even) votes[count].push_back(name);
  }
  const auto most = std::max_element(votes.begin(), votes.end(), [](const auto& x, const auto& y) {
    return x.second.size() < y.second.size();
  });
  if (most == votes.end()) return {};
  std::vector<bool> once_a_step(trace.strings.size(), false);
  for (const StringId name : most->second) once_a_step[name] = true;
  Groups groups;
  size_t begin = 0;
  std::vector<size_t> ends = step_begins(trace, all, p, once_a_step);
  ends.push_back(all.by_start.size());
  for (const size_t end : ends) {
    groups[static_cast<int64_t>(groups.size())].assign(
        all.by_start.begin() + static_cast<std::ptrdiff_t>(begin),
        all.by_start.begin() + static_cast<std::ptrdiff_t>(end));
    begin = end;
  }
  return groups;
}

// Graph launches without repeats inside: steps, if they are all that repeats and nearly all that
// runs; pieces of a larger step, if the file repeats in another rhythm or runs much beside them.
bool launches_are_steps(const Groups& launches, const Period& whole, size_t events) {
  const size_t held = events_of(launches);
  if (launches.empty() || 2 * held < events) return false;
  if (whole.repeats < 2) return true;
  return static_cast<size_t>(whole.repeats) == launches.size() && 20 * held >= 19 * events;
}

std::string plural(size_t n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

}  // namespace

Steps find_steps(const Trace& trace, const DeviceEvents& all) {
  Steps steps;
  steps.of_event.assign(trace.events.size(), -1);
  if (all.by_start.empty()) {
    steps.rule = "no GPU activity";
    return steps;
  }
  if (Groups groups = by_recorder(trace, all); !groups.empty()) {
    const size_t n = groups.size();
    take(trace, steps, std::move(groups), plural(n, "step") + " by the recorder's numbers", true);
    find_first_period(trace, steps);
    return steps;
  }

  Groups launches = by_graph_launch(trace, all);
  if (!launches.empty()) {
    const auto largest = std::max_element(
        launches.begin(), launches.end(),
        [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
    Period p = find_period(trace, largest->second);
    if (p.repeats >= 2) {
      const size_t n = launches.size();
      take(trace, steps, std::move(launches), plural(n, "step") + ", each one graph launch");
      steps.period = std::move(p);
      return steps;
    }
  }

  std::string family;
  if (Groups groups = by_annotation(trace, all, family); !groups.empty()) {
    const size_t n = groups.size();
    take(trace, steps, std::move(groups),
         fmt::format("{} by the annotations `{}...`", plural(n, "step"), family));
    find_first_period(trace, steps);
    return steps;
  }
  Period p = find_period(trace, all.by_start);
  if (launches_are_steps(launches, p, all.by_start.size())) {
    const size_t n = launches.size();
    take(trace, steps, std::move(launches), plural(n, "step") + ", each one graph launch");
    find_first_period(trace, steps);
    return steps;
  }
  Groups groups = p.repeats >= 4 ? by_sequence(trace, all, p) : Groups{};
  if (!groups.empty()) {
    const size_t n = groups.size();
    take(trace, steps, std::move(groups), plural(n, "step") + " by the repeating sequence");
    find_first_period(trace, steps);
    return steps;
  }
  take(trace, steps, {{0, all.by_start}}, "nothing marks steps: the whole file is one");
  steps.known = false;
  steps.period = std::move(p);
  return steps;
}

}  // namespace trace
