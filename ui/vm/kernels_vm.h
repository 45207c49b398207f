// Statistics of the kernels of one device: by kernel name, by model op, by category, by model layer, and by groups
// that the user made. Computed once per run on a worker (one pass and one selection per group), sorted and filtered
// per frame. Pure; any thread.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace/layers.h"
#include "trace/trace.h"
#include "trace/waterfall.h"
#include "ui/vm/kernel_groups.h"
#include "ui/vm/roofline_vm.h"

namespace ui {

struct KernelGroup {
  std::string_view name;       // into the trace's strings and ops, a category's title, or KernelStats' own names
  uint32_t key = 0;            // StringId, op, category, place in the layer names, or index of the user's group
  trace::Category category{};  // of its longest event
  int64_t count = 0, total_ns = 0;
  int64_t median_ns = 0, p5_ns = 0, p95_ns = 0, min_ns = 0, max_ns = 0;
  double share = 0;              // of the sum of durations, in [0, 1]
  int64_t equal_share_ns = -1;   // of the wall, shared out among what runs at once; -1 = not computed
  int64_t hidden_ns = -1;        // total - equal share: behind other work
  int64_t bytes = 0, flops = 0;  // of the events that say
  double floor_ns = 0;           // sum of the floors of those events
  int64_t floored_ns = 0;        // and of their durations; 0 = none says what it moves
  trace::EventId longest = trace::kNone;
  int64_t spread_ns() const { return p95_ns - p5_ns; }
  // Of its floor, in [0, 1] where the roof is a true one; -1 = not known.
  double of_floor() const { return floored_ns > 0 && floor_ns > 0 ? floor_ns / static_cast<double>(floored_ns) : -1; }
};

enum class GroupBy : uint8_t { kernel, op, category, layer, user };
inline constexpr int kGroupings = 5;

// Events of a device by name: those of name n are ids[first[n]] .. ids[first[n + 1] - 1], by id.
struct NameIndex {
  std::vector<uint32_t> first, ids;
  std::span<const uint32_t> of(trace::StringId name) const {
    return std::span(ids).subspan(first[name], first[name + 1] - first[name]);
  }
  size_t bytes() const { return (first.capacity() + ids.capacity()) * sizeof(uint32_t); }
};

struct KernelStats {
  std::array<std::vector<KernelGroup>, kGroupings> groups;  // largest total first
  int64_t total_ns = 0;                                     // sum of durations
  std::shared_ptr<const NameIndex> names;
  std::shared_ptr<const std::vector<std::string>> layer_names;  // [0] = outside of layers
  GroupRulesPtr rules;                                          // of the user's groups; may be null
  std::shared_ptr<const GroupMap> rule_of;                      // by name and op; null without rules
  bool layers_recorded = false;                                 // by the recorder, event by event
  Roof roof;
  const std::vector<KernelGroup>& by(GroupBy g) const { return groups[static_cast<size_t>(g)]; }
};

struct KernelInputs {
  uint32_t device = 0;
  const trace::Shares* shares = nullptr;        // may be null
  const trace::LayerWindows* layers = nullptr;  // may be null: then only what the recorder knows
  GroupRulesPtr rules;                          // may be null
  std::string_view device_name;                 // for its ceilings
};
// Events of the device. The views point into the trace.
KernelStats kernel_stats(const trace::Trace&, const KernelInputs&);
// The same under other user-made groups; nothing else is computed anew.
KernelStats with_groups(const KernelStats&, const trace::Trace&, uint32_t device, GroupRulesPtr);

// By EventId: the model layer plus one, 0 = outside of layers or of the device. The recorder's own numbers, else the
// layer windows by where an event starts.
std::vector<uint32_t> layer_keys(const trace::Trace&, uint32_t device, const trace::LayerWindows*);

// Of one event: as in layer_keys().
uint32_t layer_key(const trace::Trace&, const trace::LayerWindows*, bool recorded, trace::EventId);

enum class KernelColumn : uint8_t { name, count, total, share, equal, hidden, median, p95, spread, max, of_floor };
// Indices of the groups whose name contains the filter (any case), sorted; ties by name.
std::vector<uint32_t> kernel_rows(const std::vector<KernelGroup>&, std::string_view filter,
                                  KernelColumn, bool descending);

// Comma-separated, a header first; names in quotes. Times in microseconds with three decimals; cells without a value
// are empty.
std::string kernels_csv(const std::vector<KernelGroup>&, const std::vector<uint32_t>& rows);

bool contains_any_case(std::string_view text, std::string_view part);

}  // namespace ui
