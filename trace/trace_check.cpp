#include "trace/trace_check.h"

#include <limits>
#include <optional>
#include <tuple>

namespace trace {
namespace {

using Problem = std::optional<Error>;

Error problem(const char* table, size_t row, const std::string& what) {
  return {std::string(table) + " " + std::to_string(row) + ": " + what, ""};
}

std::string no_such(const char* what, int64_t index, size_t count) {
  return "no such " + std::string(what) + ": " + std::to_string(index) + " of " + std::to_string(count);
}

bool time_ok(int64_t ns) { return ns >= -kMaxTimeNs && ns <= kMaxTimeNs; }

template <class Span>
Problem check_span(const char* table, size_t row, const Span& span, const Trace& t) {
  if (!time_ok(span.start_ns) || !time_ok(span.end_ns)) return problem(table, row, "time beyond 2^62 ns");
  if (span.end_ns < span.start_ns) return problem(table, row, "ends before it starts");
  if (span.name >= t.strings.size()) return problem(table, row, no_such("string", span.name, t.strings.size()));
  return std::nullopt;
}

template <class Span>
Problem check_host_spans(const char* table, const std::vector<Span>& spans, const Trace& t) {
  for (size_t i = 0; i < spans.size(); ++i) {
    if (auto p = check_span(table, i, spans[i], t)) return p;
    if (i > 0 && spans[i].start_ns < spans[i - 1].start_ns) return problem(table, i, "not sorted by start");
  }
  return std::nullopt;
}

Problem check_tables(const Trace& t) {
  if (t.strings.empty() || !t.strings[0].empty()) return Error{"string 0 is not the empty one", ""};
  if (t.ops.empty() || !t.ops[0].empty()) return Error{"op 0 is not the empty one", ""};
  if (t.ops.size() > size_t{std::numeric_limits<uint16_t>::max()} + 1) return Error{"more than 65,536 ops", ""};
  for (size_t size : {t.strings.size(), t.events.size(), t.details.size(), t.calls.size(), t.lanes.size()})
    if (size >= kNone) return Error{"more than 2^32 - 1 rows in a table", ""};
  if (!time_ok(t.origin_ns)) return Error{"origin beyond 2^62 ns", ""};
  if (t.collector.resolution_ns < 1) return Error{"resolution below 1 ns", ""};
  return std::nullopt;
}

Problem check_lanes(const Trace& t) {
  uint64_t first = 0;
  for (size_t i = 0; i < t.lanes.size(); ++i) {
    const Lane& lane = t.lanes[i];
    if (lane.device >= t.devices.size()) return problem("lane", i, no_such("device", lane.device, t.devices.size()));
    if (lane.logical >= t.lanes.size())
      return problem("lane", i, no_such("logical lane", lane.logical, t.lanes.size()));
    if (lane.first != first) return problem("lane", i, "its events do not follow those of the lane before");
    first += lane.count;
  }
  if (first != t.events.size())
    return Error{"lanes hold " + std::to_string(first) + " events of " + std::to_string(t.events.size()), ""};
  return std::nullopt;
}

Problem check_event(const Trace& t, size_t i, uint32_t lane) {
  const Event& e = t.events[i];
  if (e.lane != lane) return problem("event", i, "not with the events of its lane");
  if (auto p = check_span("event", i, e, t)) return p;
  if (e.op >= t.ops.size()) return problem("event", i, no_such("op", e.op, t.ops.size()));
  if (e.detail != kNone && e.detail >= t.details.size())
    return problem("event", i, no_such("detail", e.detail, t.details.size()));
  if (e.call != kNone && e.call >= t.calls.size())
    return problem("event", i, no_such("call", e.call, t.calls.size()));
  if (e.kind > EventKind::memset) return problem("event", i, "no such kind");
  if (e.category >= Category::count_) return problem("event", i, "no such category");
  return std::nullopt;
}

Problem check_events(const Trace& t) {
  for (uint32_t lane = 0; lane < t.lanes.size(); ++lane) {
    const size_t begin = t.lanes[lane].first, end = begin + t.lanes[lane].count;
    for (size_t i = begin; i < end; ++i) {
      if (auto p = check_event(t, i, lane)) return p;
      if (i > begin && std::tie(t.events[i].start_ns, t.events[i].end_ns) <
                           std::tie(t.events[i - 1].start_ns, t.events[i - 1].end_ns))
        return problem("event", i, "not sorted by start and end");
    }
  }
  return std::nullopt;
}

// Takes away events that nothing unvisited leads to; what can't be taken away lies on a cycle or behind one.
bool has_cycle(const Trace& t) {
  const size_t events = t.events.size();
  std::vector<uint32_t> incoming(events, 0);
  std::vector<size_t> begin(events + 1, 0);
  for (const Edge& edge : t.edges) {
    ++incoming[edge.to];
    ++begin[edge.from + 1];
  }
  for (size_t i = 0; i < events; ++i) begin[i + 1] += begin[i];
  std::vector<EventId> targets(t.edges.size());
  std::vector<size_t> next(begin.begin(), begin.end() - 1);
  for (const Edge& edge : t.edges) targets[next[edge.from]++] = edge.to;
  std::vector<EventId> ready;
  for (EventId i = 0; i < events; ++i)
    if (incoming[i] == 0) ready.push_back(i);
  size_t taken = 0;
  for (; !ready.empty(); ++taken) {
    const EventId event = ready.back();
    ready.pop_back();
    for (size_t k = begin[event]; k < begin[event + 1]; ++k)
      if (--incoming[targets[k]] == 0) ready.push_back(targets[k]);
  }
  return taken != events;
}

Problem check_edges(const Trace& t) {
  for (size_t i = 0; i < t.edges.size(); ++i)
    for (EventId end : {t.edges[i].from, t.edges[i].to})
      if (end >= t.events.size()) return problem("edge", i, no_such("event", end, t.events.size()));
  if (!t.edges.empty() && has_cycle(t)) return Error{"the known dependencies form a cycle", ""};
  return std::nullopt;
}

}  // namespace

Status check_trace(const Trace& t) {
  for (const auto& check : {check_tables, check_lanes, check_events, check_edges})
    if (auto p = check(t)) return *p;
  if (t.collector.clock > ClockSource::unknown) return Error{"no such clock", ""};
  if (auto p = check_host_spans("call", t.calls, t)) return *p;
  if (auto p = check_host_spans("annotation", t.annotations, t)) return *p;
  return Ok{};
}

}  // namespace trace
