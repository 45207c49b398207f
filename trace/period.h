// The repeating kernel sequence inside one decode step: which names repeat, how often, and where one repeat ends.
//   L        = the count shared by most kernel names
//   members  = names that occur L times, once in every repeat
// A repeat ends where its anchor ends: the member that, with the others in one cyclic order, comes last. Besides
// members these follow the period: names that occur k times in every repeat (k x L), every k-th repeat (L / k), and
// names of a layer class (dense, MoE, indexer-sharing): once in each repeat of a regular run of them.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "trace/trace.h"

namespace trace {

struct Period {
  int repeats = 0;                 // L; 0 = none found, `why` says so
  StringId anchor = 0;
  int names = 0;                   // members
  double coverage = 0;             // share of the kernels that follow the period, 0..1
  std::string why;                 // why there is none; empty when found
  std::vector<bool> follows;       // by StringId: the name follows the period
  std::vector<bool> member;        // by StringId
};

inline constexpr double kLeastCoverage = 0.70;

// `events` in order of start; copies among them are left out of the count.
Period find_period(const Trace&, std::span<const EventId> events);

}  // namespace trace
