// Several ranks of one job on one clock. Each rank's profiler has its own; collectives are where they meet: all ranks
// leave one together. So clocks are aligned on the ends of matching collectives (the k-th of a kind with the k-th), by
// the median difference to the first rank, and what remains is shown as the residual: nothing below it is a finding.
// Then the time of a collective splits, on each rank, into
//   skew      from the rank's own arrival to the last one's: waiting for peers
//   transfer  from the last arrival to the rank's own end
// With one rank nothing of this is known. Thread rule: pure functions of const Traces.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trace/result.h"
#include "trace/trace.h"

namespace trace {

// Trace::source of what merge_ranks made: its devices share one clock and belong beside each other.
inline constexpr const char* kRanksMerged = "ranks merged";

struct RankTrace {
  int rank = 0;
  TracePtr trace;
};

struct RankShare {
  int rank = 0;
  int64_t offset_ns = 0;         // to be taken from this rank's times (on its collector's clock)
  int64_t collective_ns = 0;     // of matched collectives; = skew + transfer
  int64_t skew_ns = 0, transfer_ns = 0;
  int64_t last = 0;              // collectives at which it arrived last
  int64_t others_waited_ns = 0;  // for it: from the second last arrival to its own
};

struct RankReport {
  std::vector<RankShare> ranks;  // by rank
  int64_t collectives = 0;       // matched on all ranks
  int64_t unmatched = 0;         // on any rank
  int64_t residual_median_ns = 0, residual_max_ns = 0;   // |end - the first rank's end| after alignment, other ranks
  int straggler = -1;            // the rank for which the others waited longest; -1 = within the residual
  std::vector<std::string> notes;
};

// error: fewer than two ranks, the same rank twice, a rank without collectives, none that match.
Result<RankReport> align_ranks(std::span<const RankTrace>);

// All ranks as one trace on the first rank's clock: devices are called "RANK" (of several devices "RANK/ID"), calls,
// ranges and correlations of a rank stay its own. `title` as given.
TracePtr merge_ranks(std::span<const RankTrace>, const RankReport&, const std::string& title);

// In words, for reports: the straggler, skew and transfer a rank, the residual.
std::vector<std::string> rank_caveats(const RankReport&);

}  // namespace trace
