// Who accounts for what: the same steps bare, with device stamps, under the vendor's profiler, and with both. A
// profiler may count dispatch into durations or into gaps; stamps of the device's own clock see neither, their busy
// time is a lower bound (launch ramp precedes the first stamp, store drain follows the last) and their gaps an upper.
// From totals over one window, first start to last end of a step: busy + idle = window in each, in nanoseconds.
// Thread rule: one call at a time.
#pragma once
#include "engine/session.h"

namespace engine {

struct AccountingPass {
  std::string name, clock;  // "both", "CUPTI 130001"
  double period_us = 0;     // between two events around the step; 0 = a profiler was on
  int64_t window_ns = 0, busy_ns = 0, idle_ns = 0;  // of the step whose window is the median; 0 = none recorded
  double kernel_us = 0, gap_us = 0;                 // medians over that step's launches on stream 0
};

// By how much an op's launches move a step on (advances()), by the profiler, medians over the steps: as they are, and in their
// stamped form. (Durations won't do: of launches that begin while the one ahead still runs they hold its time too.)
struct AccountingOp {
  std::string op;
  int launches = 0;
  double plain_us = 0, stamped_us = 0;
};

inline constexpr int kStepsInRow = 4;  // timed together, one directly behind the other

struct AccountingReport {
  std::string device, model, launch, streams;
  int launches = 0, steps = 0;
  std::vector<AccountingPass> passes;
  std::string no_profiler;      // why there are no passes under one; empty = there are
  // Of a step, stamps against bare, a value a capture of both: medians of rows of kStepsInRow steps of one form, in turn.
  std::vector<double> stamps_costs_pct;
  double stamps_cost_pct() const;  // their mean; not a number without passes
  std::vector<AccountingOp> ops;  // in the order of what stamps cost them; none without a profiler
  int64_t fit_residual_ns = 0;  // of stamps laid on the profiler's clock
};

// Without a profiler the first two passes alone. error: as prepare(), or a backend without stamps.
trace::Result<AccountingReport> account(const trace::RunSpec&, const Progress& = {});

// Time covered by any of a step's launches, and the whole from first start to last end.
struct Coverage {
  int64_t window_ns = 0, busy_ns = 0;
  int64_t idle_ns() const { return window_ns - busy_ns; }
};
Coverage coverage(std::vector<Stamp>);
// Of each launch of a step, by how much its end is later than all ends before it (the first of them: than its own start). Their sum
// is what the step takes from that start to its last end.
std::vector<int64_t> advances(std::span<const Stamp>);

}  // namespace engine
