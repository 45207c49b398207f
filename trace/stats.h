// Order statistics and the A/B inference of DESIGN section 4. Distributions come from Boost.Math.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trace/run.h"

namespace trace {

double median(std::vector<double> values);                   // of a copy; 0 when empty
double percentile(std::vector<double> values, double p);     // p in [0, 1], linear between order statistics
double mean(std::span<const double> values);                 // 0 when empty
double sample_variance(std::span<const double> values);      // n - 1; 0 for n < 2
double lag1_autocorrelation(std::span<const double> values); // 0 for n < 2 or no variance

// Median with its distribution-free interval: the narrowest pair of order statistics k and n+1-k that holds the
// median with at least 95 %. Below 6 values no pair does: then lo = minimum and hi = maximum.
Estimate estimate_median(std::span<const double> values);

// Median absolute deviation from the median, unscaled.
double median_absolute_deviation(std::span<const double> values);
// Share (0..1) of the summed values that lies in values above median + `mads` x MAD: outliers are shown by their
// weight in time, never dropped.
double tail_share(std::span<const double> values, double mads = 8);

// Mean of independent replicates with Student's t interval. Fewer than two: lo, hi and p are NaN.
struct MeanEstimate {
  double mean = 0, lo = 0, hi = 0;   // two-sided 95 %
  double standard_error = 0;
  double p = 0;                      // two-sided, of mean = 0
  int n = 0;
};
MeanEstimate estimate_mean(std::span<const double> replicates);

// The true mean that a two-sided 5 % t test of n replicates with this standard error finds in 80 of 100 cases
// (exact, by the non-central t distribution). NaN for n < 2.
double minimum_detectable_effect(double standard_error, int n);

// The fewest replicates, 2 to `most`, whose minimum detectable effect is `effect` or less, given the standard deviation
// of one replicate as a discarded pilot saw it. `most` when no number up to it suffices.
int replicates_needed(double deviation, double effect, int most);

// One-way random effects: how much of the variance of an observation lies between groups (0..1), by the method
// of moments, not below 0. Groups may differ in size; empty ones do not count. 0 when it cannot be told.
double group_variance_share(const std::vector<std::vector<double>>& groups);

}  // namespace trace
