// TraceBuilder: the only way to a Trace. Importers, recorders and the store feed it in any order;
// finish() sorts, links launches to kernels by correlation, labels lanes and checks the invariants
// of trace.h. Not thread-safe. REQUIRES: no call after finish(); times within +-2^62 ns; end >=
// start.
//
// Indices of devices, lanes and events are provisional until finish(), which orders devices by id,
// lanes by (device, stream) and events by (lane, start, end, order of add).
#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "trace/kernel_rules.h"
#include "trace/result.h"
#include "trace/trace.h"

namespace trace {

// What of a file is wanted: one device, one stretch of time, so much in memory. An event that reaches into the stretch
// is kept whole.
struct BuilderFilter {
  std::string device;                                       // id; empty = all
  int64_t from_ns = std::numeric_limits<int64_t>::min();    // on the collector's clock
  int64_t to_ns = std::numeric_limits<int64_t>::max();
  bool scan = false;                                        // keep nothing, only find out when the first event starts
  int64_t max_bytes = std::numeric_limits<int64_t>::max();  // of what is kept, about; beyond it everything is dropped
  // Out: what was left out, and the first start among the events of the device.
  int64_t other_devices = 0, other_times = 0, beyond_memory = 0;
  bool restricts() const { return !device.empty() || scan || from_ns != std::numeric_limits<int64_t>::min() || to_ns != std::numeric_limits<int64_t>::max(); }
  int64_t first_start_ns = std::numeric_limits<int64_t>::max();
};

class TraceBuilder {
 public:
  TraceBuilder();
  ~TraceBuilder();
  TraceBuilder(TraceBuilder&&) noexcept;
  TraceBuilder& operator=(TraceBuilder&&) noexcept;

  Trace& header() { return m_trace; }  // title, source, collector, devices' names: set directly

  StringId intern(std::string_view text);
  uint16_t op(std::string_view key);
  // Index of the device with this id, made on first use.
  uint32_t device(std::string_view id);
  // Index of the lane, made on first use. Its kind and label may be set in header().lanes.
  uint32_t lane(uint32_t device, int64_t stream);
  // Equal details share one entry.
  uint32_t detail(const Detail&);

  // Events beyond the filter are counted there and dropped, as are the calls and ranges that have no part in what is
  // kept. Null = no filter. It must outlive the builder; to be set before the first event.
  void set_filter(BuilderFilter* filter) { m_filter = filter; }

  // e.lane must come from lane(), e.name from intern(), e.op from op(). Returns an id for
  // add_edge(); kNone when the filter dropped it.
  EventId add(const Event& e);
  void add_call(const HostCall& c) {
    if (!m_filter || (near_filter(c.start_ns, c.end_ns) && room(sizeof c))) m_trace.calls.push_back(c);
  }
  void add_annotation(const Annotation& a) {
    if (!m_filter || (near_filter(a.start_ns, a.end_ns) && room(sizeof a))) m_trace.annotations.push_back(a);
  }
  void add_edge(EventId from, EventId to) { m_trace.edges.push_back({from, to}); }

  // finish() shall give events without category and op theirs by these rules; null = the built-in ones.
  void classify_kernels(RulesPtr rules = nullptr) { m_rules = rules ? std::move(rules) : built_in_rules(); }

  // About so many more events will come: room for them at once, no copies while they grow. Only a hint.
  void expect_events(int64_t count);
  size_t event_count() const { return m_trace.events.size(); }

  // Sorts and links: an event without a call gets the latest launch with its correlation that began
  // before it (the first of them if none did). Shifts every time by the first start of an event, of
  // a call or annotation when there is no event, so that the trace begins at 0 unless
  // `keep_origin`; origin_ns grows by the shift.
  TracePtr finish(bool keep_origin = false);

 private:
  struct Tables;
  bool passes_filter(const Event& e);
  bool near_filter(int64_t start_ns, int64_t end_ns) const;
  // Whether this much more may be kept; counts it.
  bool room(size_t bytes) {
    if (static_cast<int64_t>(bytes) > m_filter->max_bytes - m_bytes) return ++m_filter->beyond_memory, false;
    m_bytes += static_cast<int64_t>(bytes);
    return true;
  }
  void drop_unused();
  Trace m_trace;
  BuilderFilter* m_filter = nullptr;
  int64_t m_bytes = 0;   // kept so far, about
  RulesPtr m_rules;   // null: kernels stay as they were added
  std::unique_ptr<Tables> m_tables;
};

}  // namespace trace
