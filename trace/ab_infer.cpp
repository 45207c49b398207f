#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "trace/ab.h"
#include "trace/stats.h"

namespace trace {
namespace {

constexpr double kSamePct = 0.25;  // `same`: the interval lies within this share of arm a
constexpr double kNullPct = 0.1;   // the null arm may be off by this much before verdicts stop
constexpr double kMaxDroppedPct = 10;
constexpr double kAlpha = 0.05;
// Instance means that agree better than this share of arm a do not vary at all: rounding of
// doubles.
constexpr double kNoSpread = 1e-12;

bool usable(const Quad& quad) {
  return !quad.dropped && std::all_of(quad.block_us.begin(), quad.block_us.end(),
                                      [](double us) { return std::isfinite(us); });
}

// What one kind of instance (the comparison, or the null arm) observed.
struct Observed {
  std::vector<std::vector<double>> deltas;  // kept quad differences, one list an instance
  std::vector<double> means;                // of those instances that kept any quad
  double products = 0, squares = 0;         // of neighbouring quads, for the autocorrelation
  double a_us = 0, b_us = 0;                // mean over instances of their block means
  int quads = 0, dropped = 0;
};

void add_instance(Observed& all, const Instance& instance) {
  std::vector<double> kept;
  std::vector<size_t> index;
  double a = 0, b = 0;
  for (size_t i = 0; i < instance.quads.size(); ++i) {
    const Quad& quad = instance.quads[i];
    if (!usable(quad)) {
      ++all.dropped;
      continue;
    }
    kept.push_back(quad.delta_us());
    index.push_back(i);
    a += (quad.block_us[0] + quad.block_us[3]) / 2;
    b += (quad.block_us[1] + quad.block_us[2]) / 2;
  }
  if (kept.empty()) return;
  const double count = static_cast<double>(kept.size());
  const double middle = mean(kept);
  for (size_t i = 0; i < kept.size(); ++i) {
    all.squares += (kept[i] - middle) * (kept[i] - middle);
    // Only true neighbours: a dropped quad between two others separates them.
    if (i + 1 < kept.size() && index[i + 1] == index[i] + 1)
      all.products += (kept[i] - middle) * (kept[i + 1] - middle);
  }
  all.quads += static_cast<int>(kept.size());
  all.means.push_back(middle);
  all.a_us += a / count;
  all.b_us += b / count;
  all.deltas.push_back(std::move(kept));
}

Observed observe(const std::vector<Instance>& instances, bool null_arm) {
  Observed all;
  for (const Instance& instance : instances)
    if (instance.null_arm == null_arm) add_instance(all, instance);
  if (!all.means.empty()) {
    all.a_us /= static_cast<double>(all.means.size());
    all.b_us /= static_cast<double>(all.means.size());
  }
  return all;
}

std::vector<double> steps_of(const std::vector<Instance>& instances,
                             std::vector<double> Instance::*arm) {
  std::vector<double> steps;
  for (const Instance& instance : instances) {
    if (instance.null_arm) continue;
    for (const double us : instance.*arm)
      if (std::isfinite(us)) steps.push_back(us);
  }
  return steps;
}

// How far the interval stays away from 0; 0 when it holds it.
double distance_from_zero(double lo, double hi) {
  return std::max({0.0, lo, -hi});
}

// The rules, in the order in which they are asked: first whether a verdict may be given at all.
void decide(AbEstimate& e, double reference_us) {
  const double percent = reference_us / 100;
  const auto verdict = [&](Verdict v, std::string reason) {
    e.verdict = v;
    e.reason = std::move(reason);
  };
  if (e.instances < 2)
    return verdict(Verdict::none,
                   fmt::format("{} instance{} with readings: an interval needs two or more",
                               e.instances, e.instances == 1 ? "" : "s"));
  if (!(reference_us > 0))
    return verdict(Verdict::none, "arm a took no time: nothing to compare with");
  if (e.dropped_pct > kMaxDroppedPct)
    return verdict(
        Verdict::none,
        fmt::format("{:.1f} % of the quads were dropped (throttled, or the clock moved); "
                    "more than {:.0f} % is too many",
                    e.dropped_pct, kMaxDroppedPct));
  const double null_off = e.null_instances >= 2 ? distance_from_zero(e.null_lo, e.null_hi) : 0;
  if (null_off > kNullPct * percent)
    return verdict(
        Verdict::none,
        fmt::format(
            "the null arm (A against A) shows {:+.3f} us [{:+.3f}, {:+.3f}], {:.2f} % away from 0: "
            "this machine is not calm enough",
            e.null_delta_us, e.null_lo, e.null_hi, null_off / percent));
  const std::string null_text =
      e.null_instances >= 2 ? ""
                            : fmt::format("; null arm not judged ({} instance{})", e.null_instances,
                                          e.null_instances == 1 ? "" : "s");
  const std::string interval = fmt::format("ci95 [{:+.3f}, {:+.3f}] us", e.lo, e.hi);
  if (e.hi < 0) return verdict(Verdict::faster, interval + " lies below 0" + null_text);
  if (e.lo > 0) return verdict(Verdict::slower, interval + " lies above 0" + null_text);
  // Instances that agree to the last digit say that the readings are too coarse, not that the arms
  // are equal.
  if (e.hi - e.lo <= kNoSpread * reference_us)
    return verdict(Verdict::unclear,
                   "the readings do not vary at all: too coarse to bound a difference");
  if (e.lo >= -kSamePct * percent && e.hi <= kSamePct * percent)
    return verdict(Verdict::same, fmt::format("{} lies within {:.2f} % of A ({:.3f} us){}",
                                              interval, kSamePct, kSamePct * percent, null_text));
  verdict(Verdict::unclear,
          fmt::format("{} holds 0 and is wider than {:.2f} % of A: effects below {:.3f} us "
                      "cannot be seen{}",
                      interval, kSamePct, e.mde_us, null_text));
}

}  // namespace

AbEstimate infer(const std::vector<Instance>& instances) {
  AbEstimate e;
  const Observed real = observe(instances, false), null = observe(instances, true);
  const MeanEstimate delta = estimate_mean(real.means), null_delta = estimate_mean(null.means);
  e.instances = delta.n;
  e.null_instances = null_delta.n;
  e.quads = real.quads;
  const int offered = real.quads + real.dropped + null.quads + null.dropped;
  e.dropped_pct = offered ? 100.0 * (real.dropped + null.dropped) / offered : 0;
  e.delta_us = delta.mean;
  e.delta_pct = real.a_us > 0 ? 100 * delta.mean / real.a_us : 0;
  e.lo = delta.lo;
  e.hi = delta.hi;
  e.mde_us = minimum_detectable_effect(delta.standard_error, delta.n);
  e.null_delta_us = null_delta.n > 0 ? null_delta.mean : std::numeric_limits<double>::quiet_NaN();  // cut off before the first
  e.null_lo = null_delta.lo;
  e.null_hi = null_delta.hi;
  e.lag1 = real.squares > 0 ? real.products / real.squares : 0;
  e.instance_variance_share = group_variance_share(real.deltas);

  const auto a = steps_of(instances, &Instance::a_us), b = steps_of(instances, &Instance::b_us);
  e.a_mean_us = a.empty() ? real.a_us : mean(a);
  e.b_mean_us = b.empty() ? real.b_us : mean(b);
  e.tail_a_pct = 100 * tail_share(a);
  e.tail_b_pct = 100 * tail_share(b);
  e.a = estimate_median(a);
  e.b = estimate_median(b);
  decide(e, real.a_us);
  return e;
}

double p_value(const std::vector<Instance>& instances) {
  return estimate_mean(observe(instances, false).means).p;
}

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<size_t> order;
  for (size_t i = 0; i < p.size(); ++i)
    if (!std::isnan(p[i])) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](size_t x, size_t y) { return p[x] < p[y]; });
  std::vector<double> adjusted(p.size(), std::numeric_limits<double>::quiet_NaN());
  double largest = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const double factor = static_cast<double>(order.size() - rank);
    largest = std::max(largest, std::min(1.0, factor * p[order[rank]]));
    adjusted[order[rank]] = largest;
  }
  return adjusted;
}

Verdict adjusted_verdict(const AbEstimate& e, double adjusted_p) {
  const bool effect = e.verdict == Verdict::faster || e.verdict == Verdict::slower;
  return effect && !(adjusted_p < kAlpha) ? Verdict::unclear : e.verdict;
}

std::string arms_text(const AbSpec& spec, std::string_view arrow) {
  if (spec.of_commands()) return spec.command_a + std::string(arrow) + spec.command_b;
  std::string text;
  for (const ToggleKey key : spec.keys) {
    if (!text.empty()) text += ", ";
    text.append(info(key).name).append(" ").append(spec.a.value(key)).append(arrow).append(spec.b.value(key));
  }
  return text;
}

std::string_view to_string(Verdict v) {
  switch (v) {
    case Verdict::faster:
      return "faster";
    case Verdict::slower:
      return "slower";
    case Verdict::same:
      return "same";
    case Verdict::unclear:
      return "unclear";
    case Verdict::none:
      break;
  }
  return "none";
}

}  // namespace trace
