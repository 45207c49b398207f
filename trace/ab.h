// A/B: design, observations, verdict. Pure: engine/ab.cpp runs the arms, this decides.
//
// An A/B is R instances; each re-places the arenas and plans both arms anew, in random order. Within it quads
// A B B A of 8-step blocks, the first 2 steps of a block dropped: a quad difference
// (mean(B1,B2) - mean(A1,A2)) is one observation, an instance mean one replicate. Every fourth instance is A
// against a second capture of A (null arm). ci95 is Student t over instance means.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trace/run.h"
#include "trace/sensors.h"

namespace trace {

struct AbSpec {
  RunSpec base;                       // workload, model, backend; toggles of arm a
  std::vector<ToggleKey> keys;
  ToggleSet a, b;
  bool full = false;                  // 8+ instances of 25+ quads; else quick: 3 of 8
  int64_t resume = 0;                 // run id of a stored A/B to add instances to
  int first_instance = 0;             // how many that one has: placements and null arms go on from there
  int instances = 0, quads = 0;       // 0 = by `full`
  int block_steps = 8, dropped_steps = 2;
  // Of `ab --exec-a --exec-b`: two commands were compared by the traces that they write, not two sets of switches.
  // Then keys is empty, base, a and b say nothing, and nobody has seen the outputs of the arms: equivalence is not asked.
  std::string command_a, command_b;
  bool of_commands() const { return !command_a.empty(); }
};
// "cat_skip off -> on, streams ..." or the two commands.
std::string arms_text(const AbSpec&, std::string_view arrow);

struct Quad {
  std::array<double, 4> block_us{};   // A B B A: mean step time of the kept steps
  bool dropped = false;               // throttled or the clock moved > 1 %: whole quad
  double delta_us() const { return (block_us[1] + block_us[2] - block_us[0] - block_us[3]) / 2; }
};

struct Instance {
  bool null_arm = false;              // A against a second capture of A
  std::vector<Quad> quads;
  std::vector<double> a_us, b_us;     // every kept step
};

enum class Verdict : uint8_t { faster, slower, same, unclear, none };

struct AbEstimate {
  double delta_us = 0, delta_pct = 0;     // b - a, mean over instances
  double lo = 0, hi = 0;                  // ci95 of delta_us; NaN with fewer than 2 instances
  double mde_us = 0;                      // minimum detectable effect at 80 % power, 5 % two-sided
  Verdict verdict = Verdict::none;
  std::string reason;                     // why this verdict, in words
  int instances = 0, null_instances = 0, quads = 0;
  double dropped_pct = 0;
  double null_delta_us = 0, null_lo = 0, null_hi = 0;
  double lag1 = 0;                        // of quad differences within instances
  double instance_variance_share = 0;     // of the variance of quad differences
  double a_mean_us = 0, b_mean_us = 0;    // means of the kept steps
  double tail_a_pct = 0, tail_b_pct = 0;  // time share above median + 8 MAD
  Estimate a, b;                          // medians of the kept steps
};

// Percentages are of arm a's mean over the same instances. A quad that is dropped or holds a reading that is not
// finite counts as dropped. See ab_infer.cpp for the rules in the order in which they are asked.
AbEstimate infer(const std::vector<Instance>&);

// Holm's step-down adjustment of two-sided p values; same order. NaN (not tested) stays NaN and counts for nothing.
std::vector<double> holm(const std::vector<double>& p);
double p_value(const std::vector<Instance>&);   // two-sided, of delta = 0 over instance means; NaN below 2
// Within a sweep: faster or slower need an adjusted p below 5 % too, else unclear.
Verdict adjusted_verdict(const AbEstimate&, double adjusted_p);

struct EquivalenceResult {
  Equivalence cls = Equivalence::bitwise;
  bool ok = false;
  int64_t compared = 0;          // values compared
  double max_abs = 0;            // largest difference seen
  std::string first_difference;  // "step 3, layer 1, o_lat[17]: 0.25 != 0.5"; empty when none
  std::vector<std::string> notes;   // e.g. top-k overlap for bounded classes
};

struct LaunchDelta { std::string name; double per_step = 0; };   // from recorded events, not from the plan

struct AbResult {
  AbSpec spec;
  RunPtr a, b;                   // stored as two linked runs
  AbEstimate estimate;
  std::vector<Instance> instances;
  EquivalenceResult equivalence;
  std::vector<LaunchDelta> removed, added;
  std::vector<std::string> notes;   // cache conversions and their cost, pilot, sensors absent
  std::optional<SensorRange> sensors;   // between the blocks; the store keeps the note of it
};

std::string_view to_string(Verdict);

}  // namespace trace
