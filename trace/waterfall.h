// Equal-share decomposition of a window, and of the difference of two. The window is cut at every start and end;
// a piece with k running events gives each length/k (in units of 1/720720 ns, so k <= 16 divides exactly; beyond,
// the remainder goes to the earliest start); a piece with none goes to its idle kind. Hence
//   wall = sum of category shares + sum of idle kinds, and differences of two windows sum exactly.
// Thread rule: pure functions. Cost: n log n of the window's events, whatever runs at the same time.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "trace/bubbles.h"
#include "trace/category.h"

namespace trace {

inline constexpr int64_t kShareUnits = 720720;   // a nanosecond in share units: divisible by 1..16
__extension__ typedef __int128 ShareSum;

struct Shares {
  Window window;
  std::array<ShareSum, kCategories> category{};       // share units
  std::array<int64_t, kBubbleKinds> idle_ns{};
  std::array<int64_t, kCategories> duration_ns{};     // sums of clipped durations
  std::vector<ShareSum> event_share;                  // per entry of `events`
  std::vector<EventId> events;                        // events_in(window)
  int64_t wall_ns = 0;
};
Shares equal_shares(const Trace&, const Window&, const Thresholds& = {});
Shares equal_shares(const Trace&, const DeviceEvents&, const Window&, const Thresholds& = {});

struct Contributor {
  std::string name;      // category title, or "idle: stall" ...
  int64_t ns = 0;        // b - a; rounded by largest remainder so that the list sums to the wall's delta
  int64_t hidden_ns = 0; // change of (duration - share): beside a category, no contributor
};

struct Waterfall {
  int64_t a_ns = 0, b_ns = 0;               // walls
  std::vector<Contributor> contributors;    // sum(ns) == b_ns - a_ns
};
// Categories in their order, then idle kinds; what is absent on both sides is left out.
Waterfall waterfall(const Shares& a, const Shares& b);

// Traced passes explain, untraced ones are the headline: appends `tracing` = untraced delta - traced delta, so that
// the list sums to the untraced delta from then on.
void add_tracing(Waterfall&, int64_t untraced_delta_ns);

// The contributors in the coarse groups in which a layer is told: GEMM, norm / quant, all-reduce, indexer, sparse MLA,
// copies (with concat), experts (routed), idle (all kinds), other; what else there is. Same sum; largest first.
std::vector<Contributor> grouped(const Waterfall&);

// "Sum of durations - concurrency + idle": the second view, so named. Concurrency = sum of durations - busy, so it
// counts with a minus. Sums to b - a exactly.
std::vector<Contributor> second_view(const Shares& a, const Shares& b);

}  // namespace trace
