#include "ui/vm/host_lanes.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

namespace ui {
namespace {

using trace::EventId;
using trace::kNone;

// Calls that launched something on the device: how much, and what started first.
struct Launches {
  std::vector<uint32_t> count;
  std::vector<EventId> first;
};

Launches launches_of(const trace::Trace& t, uint32_t device) {
  Launches l{std::vector<uint32_t>(t.calls.size(), 0), std::vector<EventId>(t.calls.size(), kNone)};
  for (EventId id = 0; id < t.events.size(); ++id) {
    const trace::Event& e = t.events[id];
    if (e.call >= t.calls.size() || t.device_of(e) != device) continue;
    ++l.count[e.call];
    EventId& first = l.first[e.call];
    if (first == kNone || e.start_ns < t.events[first].start_ns) first = id;
  }
  return l;
}

}  // namespace

std::shared_ptr<const HostLanes> host_lanes(const trace::Trace& t, uint32_t device) {
  const Launches launches = launches_of(t, device);
  std::map<int64_t, uint32_t> lane_of_thread;
  std::vector<uint32_t> calls;
  for (uint32_t c = 0; c < t.calls.size(); ++c) {
    if (launches.count[c] == 0) continue;
    calls.push_back(c);
    lane_of_thread[t.calls[c].thread];
  }
  if (calls.empty()) return nullptr;
  auto host = std::make_shared<HostLanes>();
  trace::Trace& out = host->trace;
  out.devices.push_back({"host", "host", ""});
  out.strings = t.strings;
  out.ops.emplace_back();
  for (auto& [thread, lane] : lane_of_thread) {
    lane = static_cast<uint32_t>(out.lanes.size());
    out.lanes.push_back({.stream = thread,
                         .label = lane_of_thread.size() == 1 ? "launches" : "thread " + std::to_string(thread),
                         .logical = lane});
  }
  const auto lane_of = [&](uint32_t c) { return lane_of_thread.at(t.calls[c].thread); };
  std::ranges::sort(calls, [&](uint32_t a, uint32_t b) {
    return std::tuple(lane_of(a), t.calls[a].start_ns, t.calls[a].end_ns, a) <
           std::tuple(lane_of(b), t.calls[b].start_ns, t.calls[b].end_ns, b);
  });
  host->of_call.assign(t.calls.size(), kNone);
  for (const uint32_t c : calls) {
    trace::Event e;
    e.start_ns = t.calls[c].start_ns;
    e.end_ns = std::max(t.calls[c].end_ns, e.start_ns);
    e.correlation = t.calls[c].correlation;
    e.name = t.calls[c].name;
    e.lane = lane_of(c);
    trace::Lane& lane = out.lanes[e.lane];
    if (lane.count++ == 0) lane.first = static_cast<uint32_t>(out.events.size());
    host->of_call[c] = static_cast<EventId>(out.events.size());
    host->call.push_back(c);
    host->launched.push_back(launches.count[c]);
    host->first_event.push_back(launches.first[c]);
    out.events.push_back(e);
  }
  host->lanes = LaneIndex(out, 0, {}, LaneGrouping::stream);
  return host;
}

}  // namespace ui
