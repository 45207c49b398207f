// The clock that a device's stamps are of: in which steps it moves, what a read takes, and how far the clocks of a
// device's parts (an MI355X has eight XCCs) are apart. Part of `doctor --bundle`; says whether stamps of different parts
// may be compared, and how closely.
//
// Method. Launches of one wave a block, enough blocks that every part runs some, one lane of each block reading the clock
// sixteen times; all in one graph on one stream.
//   step  the greatest common divisor of all differences between neighbouring reads
//   skew  no block of a launch begins before every block of the launch ahead of it has ended. So with A ahead of B, and
//         clocks x and y ahead of true time by o(x) and o(y):  last read in A on x <= first read in B on y, after both are
//         corrected. Each pair of neighbouring launches therefore bounds o(x) - o(y) from both sides; all pairs together
//         give [lo, hi]. It is as wide as the shortest gap between launches there and back: the method can't see less, and
//         assumes nothing of how blocks are dispatched.
// Throws std::runtime_error when the device fails. Thread rule: one thread; clock_figures is pure.
#pragma once
#include <map>
#include <vector>

#include "kernels/gpu/device.h"
#include "kernels/gpu/tool_args.h"

namespace engine {

// What a block of a probing launch saw.
struct ClockBlock {
  uint32_t unit = 0;
  std::array<uint64_t, kernels::kClockReads> reads{};  // ticks
};
using ClockLaunch = std::vector<ClockBlock>;

// A part with a clock of its own, against the part with the lowest number.
struct ClockPart {
  uint32_t id = 0;     // XCC, multiprocessor
  int64_t blocks = 0;  // that ran there
  double lo_ns = 0, hi_ns = 0;  // by how much its clock is ahead lies between these
  double off_ns() const { return (lo_ns + hi_ns) / 2; }
};

struct ClockFigures {
  double step_ns = 0;  // 0: it never moved between two reads
  double read_ns = 0;  // of one read, in a row of reads, median over the blocks
  int64_t blocks = 0, launches = 0;
  std::vector<ClockPart> parts;  // ascending
  // Over all parts: the largest distance from the first that is sure, and the widest interval.
  double least_skew_ns = 0, uncertainty_ns = 0;
  std::string contradiction;  // a part whose bounds cross: its clock runs at another rate, or order was not kept
};

ClockFigures clock_figures(const std::vector<ClockLaunch>&, const kernels::gpu::DeviceClock&);

// REQUIRES: device.can_stamp().
ClockFigures probe_clock(kernels::gpu::Device&, bool once = false);

}  // namespace engine
