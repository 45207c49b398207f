// Statistics of the kernels of one device: by kernel name, by model op, by category. Computed once
// per run on a worker (one pass and one selection per group), sorted and filtered per frame. Pure;
// any thread.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trace/trace.h"
#include "trace/waterfall.h"

namespace ui {

struct KernelGroup {
  std::string_view name;       // into the trace's strings and ops, or a category's title
  trace::Category category{};  // of its longest event
  int64_t count = 0, total_ns = 0;
  int64_t median_ns = 0, p95_ns = 0, min_ns = 0, max_ns = 0;
  double share = 0;             // of the sum of durations, in [0, 1]
  int64_t equal_share_ns = -1;  // by category only; -1 = not computed
  trace::EventId longest = trace::kNone;
};

enum class GroupBy : uint8_t { kernel, op, category };
inline constexpr int kGroupings = 3;

struct KernelStats {
  std::array<std::vector<KernelGroup>, kGroupings> groups;  // largest total first
  int64_t total_ns = 0;                                     // sum of durations
  const std::vector<KernelGroup>& by(GroupBy g) const { return groups[static_cast<size_t>(g)]; }
};

// Events of the device. `shares` may be null. The views point into the trace.
KernelStats kernel_stats(const trace::Trace&, uint32_t device, const trace::Shares* shares);

enum class KernelColumn : uint8_t { name, count, total, share, median, p95, max };
// Indices of the groups whose name contains the filter (any case), sorted; ties by name.
std::vector<uint32_t> kernel_rows(const std::vector<KernelGroup>&, std::string_view filter,
                                  KernelColumn, bool descending);

// Comma-separated, a header first; names in quotes. Times in microseconds with three decimals.
std::string kernels_csv(const std::vector<KernelGroup>&, const std::vector<uint32_t>& rows);

bool contains_any_case(std::string_view text, std::string_view part);

// Durations of one kernel over the run, log-binned, with one of them marked.
struct KernelHistogram {
  std::vector<int64_t> count;  // equal steps of log(duration) between min and max
  int64_t min_ns = 0, max_ns = 0;
  int marked_bin = -1;
};
KernelHistogram kernel_histogram(const trace::Trace&, uint32_t device, trace::StringId name,
                                 int bins, int64_t marked_ns);

}  // namespace ui
