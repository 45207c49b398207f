// Idle time of one device, every nanosecond of it classified: kind by length, scope by its neighbours'
// launches, cause by evidence. On the union of all streams of a window:
//   wall = busy + idle, exactly, in integer nanoseconds.
// Definitions: DESIGN section 6 (docs/FIGURES.md in words).
// Cost: BubbleContext once a device (sorts, finds steps and overlaps), then one pass over a window's events.
// Thread rule: pure functions of a const Trace; a BubbleContext may be shared by readers.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "trace/window.h"

namespace trace {

enum class BubbleKind : uint8_t { contiguous, dispatch, fence, stall };   // <= 1 ns, < fence, < stall, >= stall
enum class BubbleScope : uint8_t { in_graph, in_step, between_steps };
enum class BubbleCause : uint8_t { fork, join, host, copy, graph_edge, unknown };
inline constexpr int kBubbleKinds = 4, kBubbleScopes = 3, kBubbleCauses = 6;

struct Thresholds {
  int64_t contiguous_ns = 1;   // <=
  int64_t fence_ns = 1000;     // >= this: fence
  int64_t stall_ns = 2000;     // >= this: stall
  bool operator==(const Thresholds&) const = default;
};

BubbleKind kind_of(int64_t idle_ns, const Thresholds&);

struct Bubble {
  int64_t begin_ns = 0, end_ns = 0;
  EventId before = kNone;      // the activity that ended last before it
  EventId after = kNone;       // the first to start after it
  BubbleKind kind = BubbleKind::contiguous;
  BubbleScope scope = BubbleScope::in_step;
  BubbleCause cause = BubbleCause::unknown;
  bool cause_is_guess = true;  // false: from plan edges or a launch record
  int64_t ns() const { return end_ns - begin_ns; }
};

struct Tally {
  int64_t count = 0, ns = 0;
  void add(int64_t n) { ++count; ns += n; }
  bool operator==(const Tally&) const = default;
};

// Next start before previous end on one stream, in start order. Counted, never clamped away.
enum class OverlapLabel : uint8_t { jitter, early_launch, accounting };
struct Overlap {
  EventId first = kNone, second = kNone;
  int64_t gap_ns = 0;          // negative
  OverlapLabel label = OverlapLabel::accounting;
};

struct BubbleReport {
  Window window;
  Thresholds thresholds;
  int64_t wall_ns = 0, busy_ns = 0, idle_ns = 0;      // wall = busy + idle
  int64_t kernels = 0, copies = 0, activities = 0;    // intersecting the window
  int streams = 0, lanes = 0;                         // collector's ids; after folding graph side streams
  int64_t lane_gaps = 0;                              // neighbours on one stream, in start order
  int64_t ties = 0;                                   // of them 0 or 1 ns apart: "back to back"
  std::array<Tally, kBubbleKinds> kinds{};
  std::array<Tally, kBubbleScopes> scopes{};
  std::array<std::array<Tally, kBubbleScopes>, kBubbleKinds> kinds_by_scope{};
  std::vector<Bubble> bubbles;                        // every idle interval, by begin
  std::vector<Overlap> overlaps;                      // all of them
  int64_t overlap_min_ns = 0;                         // most negative, 0 = none
  std::vector<std::string> caveats;                   // with this trace's numbers

  const Tally& kind(BubbleKind k) const { return kinds[static_cast<int>(k)]; }
  std::vector<Bubble> stalls() const;                 // kind == stall, longest first
};

// What a device's windows share.
struct BubbleContext {
  DeviceEvents events;
  std::vector<int32_t> step_of;        // by EventId: decode step, -1 = outside every step; empty = no steps known
  std::vector<Overlap> overlaps;       // of all its streams, by start of the second
  std::vector<Edge> edges_in;          // known dependencies, by (to, from)
  int64_t short_kernel_ns = 0;         // tau: 5th percentile of the device's kernel durations
};
BubbleContext bubble_context(const Trace&, uint32_t device);

BubbleReport classify(const Trace&, const Window&, const Thresholds& = {});
// The same, for many windows of one device. REQUIRES: the context is of the window's device.
BubbleReport classify(const Trace&, const BubbleContext&, const Window&, const Thresholds& = {});

// Kinds and scopes' tallies again under other thresholds, without touching the trace: for draggable thresholds.
void reclassify(BubbleReport&, const Thresholds&);

// Of the report's idle time what this program's own recorder made: it takes one step a session of the vendor's profiler, so all between
// steps. 0 of other traces.
int64_t recorders_idle_ns(const Trace&, const BubbleReport&);

// Idle time by kind and cause; the causes of a kind sum to its tally.
using CauseTallies = std::array<std::array<Tally, kBubbleCauses>, kBubbleKinds>;
CauseTallies by_cause(const BubbleReport&);

// In words: "the parent stream 113 waits for stream 106: top-k ends 0.0 us before the gap" and the like.
std::string evidence(const Trace&, const Bubble&);

// Gaps between neighbours of one lane in start order ("what did this stream wait for"); negative ones are the
// overlaps. By lane, then start.
struct LaneGap {
  uint32_t lane = 0;
  EventId before = kNone, after = kNone;
  int64_t gap_ns = 0;
};
std::vector<LaneGap> lane_gaps(const Trace&, const Window&);

// Log-binned, of a report's idle intervals: bin i holds those in [10^(i/per_decade), 10^((i+1)/per_decade)) ns; bin 0
// also holds 0.
struct GapHistogram {
  int per_decade = 8;
  std::vector<int64_t> count;   // up to 10^9 ns; the last bin holds longer ones too
  std::vector<int64_t> ns;
  int64_t negative = 0;         // same-stream overlaps
  int64_t lower_ns(int bin) const;   // the smallest whole number of ns in the bin; 0 for bin 0
};
GapHistogram gap_histogram(const BubbleReport&, int per_decade = 8);

// Kinds that end below two quanta of the clock cannot be told apart; how they are called together, "" when all can.
std::string merged_kinds_label(int64_t resolution_ns, const Thresholds&);
bool is_merged(BubbleKind, int64_t resolution_ns, const Thresholds&);

std::string_view to_string(BubbleKind);
std::string_view to_string(BubbleScope);
std::string_view to_string(BubbleCause);
std::string_view to_string(OverlapLabel);

}  // namespace trace
