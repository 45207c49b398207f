// Trace: what one recording saw, immutable once built, shared as std::shared_ptr<const Trace>.
//
// Times are int64 nanoseconds on the collector's clock, minus `origin_ns`, so the first GPU activity of a
// trace need not be at 0 but every number stays small enough to read. They are exact: importers parse
// them from decimal text and never through a double.
//
// Events (GPU kernels, copies, memsets; on the CPU backend: ops) are sorted by (lane, start, end).
// Host calls and annotations are sorted by start. Strings are interned: `name` indexes `strings`.
//
// Thread rule: const access from any thread. Build with TraceBuilder (trace/builder.h) only.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace/category.h"

namespace trace {

using StringId = uint32_t;
using EventId = uint32_t;  // index into Trace::events
inline constexpr uint32_t kNone = 0xffffffffu;
inline constexpr int64_t kNoCorrelation = -1;

enum class EventKind : uint8_t { kernel, memcpy, memset };

struct Event {
  int64_t start_ns = 0;
  int64_t end_ns = 0;                     // >= start_ns
  int64_t correlation = kNoCorrelation;   // launch this belongs to; all kernels of a graph launch share it
  StringId name = 0;
  uint32_t lane = 0;                      // index into Trace::lanes
  uint32_t detail = kNone;                // index into Trace::details
  uint32_t call = kNone;                  // index into Trace::calls: the launch
  int32_t step = -1;                      // decode step, -1 unknown
  uint16_t op = 0;                        // index into Trace::ops: the model op; 0 = not known
  EventKind kind = EventKind::kernel;
  Category category = Category::other;
  int64_t duration_ns() const { return end_ns - start_ns; }
  bool operator==(const Event&) const = default;
};
static_assert(sizeof(Event) == 48);

// What a collector says beside the times. -1 = not said.
struct Detail {
  std::array<int32_t, 3> grid{-1, -1, -1};    // blocks
  std::array<int32_t, 3> block{-1, -1, -1};   // threads
  int32_t registers = -1;                     // a thread
  int64_t lds_bytes = -1;                     // shared memory a block
  int64_t bytes = -1;                         // copied, or moved as counted by the op's model
  int64_t flops = -1;
  int64_t graph_node = -1;
  int64_t hsa_queue = -1;
  int32_t layer = -1;                         // model layer, where the recorder knows it
  bool operator==(const Detail&) const = default;
};

enum class LaneKind : uint8_t { gpu, host };

// One stream (or CPU worker queue) of one device. The collector's stream id is kept as it was given.
struct Lane {
  uint32_t device = 0;       // index into Trace::devices
  int64_t stream = 0;
  LaneKind kind = LaneKind::gpu;
  std::string label;         // "stream 113"
  // Graph replays spread one captured side stream over many stream ids; a logical lane folds those whose
  // work never overlaps and that appear only inside one launch. Equal to the lane's own index if unfolded.
  uint32_t logical = 0;
  uint32_t first = 0;        // events [first, first + count)
  uint32_t count = 0;
  bool operator==(const Lane&) const = default;
};

struct Device {
  std::string id;      // as the trace names it: "2"
  std::string name;    // "AMD Instinct MI355X", may be empty
  std::string vendor;  // "amd", "nvidia", "cpu" or empty
  bool operator==(const Device&) const = default;
};

// A runtime or driver call on the host.
struct HostCall {
  int64_t start_ns = 0, end_ns = 0;
  int64_t correlation = kNoCorrelation;
  StringId name = 0;
  int64_t thread = 0;
  bool operator==(const HostCall&) const = default;
};

// A range someone marked: ProfilerStep#6, an NVTX range, a decode step of the engine.
struct Annotation {
  int64_t start_ns = 0, end_ns = 0;
  StringId name = 0;
  int64_t thread = 0;
  bool operator==(const Annotation&) const = default;
};

// A dependency between two events that the recorder knows (never guessed): plan edges, graph edges.
struct Edge {
  EventId from = kNone, to = kNone;
  bool operator==(const Edge&) const = default;
};

enum class ClockSource : uint8_t { host, cupti, roctracer, rocprofiler, stamps, unknown };

struct Collector {
  std::string name;              // "kineto+roctracer", "kineto+cupti", "decodescope host clock"
  std::string version;           // as the file says: "hip 7.0.51831, roctracer 4.1"
  ClockSource clock = ClockSource::unknown;
  int64_t resolution_ns = 1;     // smallest step seen: 1, or 1000 for integer-microsecond files
  bool operator==(const Collector&) const = default;
};

inline constexpr std::string_view kRecordedLive = "recorded live";  // how Trace::source begins of this program's own recorders

struct Trace {
  std::string title;             // file name or run name
  std::string source;            // where it came from: path, or kRecordedLive and remarks
  Collector collector;
  int64_t origin_ns = 0;         // add to get the collector's clock
  std::vector<Device> devices;
  std::vector<Lane> lanes;       // GPU lanes, by (device, stream)
  std::vector<Event> events;     // by (lane, start, end)
  std::vector<Detail> details;
  std::vector<HostCall> calls;   // by start
  std::vector<Annotation> annotations;  // by start
  std::vector<Edge> edges;       // known dependencies; empty = none known
  std::vector<std::string> strings;     // [0] = ""
  std::vector<std::string> ops;         // op keys; [0] = "" = not known

  std::string_view name_of(const Event& e) const { return strings[e.name]; }
  std::string_view op_of(const Event& e) const { return ops[e.op]; }
  std::span<const Event> lane_events(uint32_t lane) const {
    return std::span(events).subspan(lanes[lane].first, lanes[lane].count);
  }
  uint32_t device_of(const Event& e) const { return lanes[e.lane].device; }
  const Detail* detail_of(const Event& e) const { return e.detail == kNone ? nullptr : &details[e.detail]; }
  bool operator==(const Trace&) const = default;
};

using TracePtr = std::shared_ptr<const Trace>;

std::string_view to_string(EventKind);
std::string_view to_string(ClockSource);

}  // namespace trace
