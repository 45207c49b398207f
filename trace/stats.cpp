#include "trace/stats.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/tools/roots.hpp>
#include <cmath>
#include <limits>
#include <numeric>

namespace trace {
namespace {

constexpr double kConfidence = 0.95;
constexpr double kPower = 0.80;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double critical_t(int degrees) {
  return boost::math::quantile(boost::math::students_t(degrees), (1 + kConfidence) / 2);
}

// Chance that a two-sided test with this critical value rejects when the mean lies `shift` standard
// errors off 0.
double power(double shift, int degrees, double critical) {
  const boost::math::non_central_t t(degrees, shift);
  return boost::math::cdf(boost::math::complement(t, critical)) + boost::math::cdf(t, -critical);
}

}  // namespace

double median(std::vector<double> values) {
  return percentile(std::move(values), 0.5);
}

double percentile(std::vector<double> values, double p) {
  if (values.empty()) return 0;
  const double at = std::clamp(p, 0.0, 1.0) * static_cast<double>(values.size() - 1);
  const size_t below = static_cast<size_t>(at);
  const auto low = values.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(values.begin(), low, values.end());
  const double share = at - static_cast<double>(below);
  if (share == 0) return *low;
  return *low + share * (*std::min_element(low + 1, values.end()) - *low);
}

double mean(std::span<const double> values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double sample_variance(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double m = mean(values);
  double sum = 0;
  for (const double v : values) sum += (v - m) * (v - m);
  return sum / static_cast<double>(values.size() - 1);
}

double lag1_autocorrelation(std::span<const double> values) {
  const double m = mean(values);
  double products = 0, squares = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    squares += (values[i] - m) * (values[i] - m);
    if (i + 1 < values.size()) products += (values[i] - m) * (values[i + 1] - m);
  }
  return squares > 0 ? products / squares : 0;
}

Estimate estimate_median(std::span<const double> values) {
  Estimate out;
  out.n = static_cast<int64_t>(values.size());
  if (values.empty()) return out;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const size_t n = sorted.size();
  out.median = n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
  // The number of values below the true median is binomial(n, 1/2). Ranks k and n+1-k miss it on
  // one side with P(count < k); the largest k that keeps this at 2.5 % or less gives the interval.
  size_t rank = 1;
  const boost::math::binomial below(static_cast<double>(n), 0.5);
  while (rank < (n + 1) / 2 &&
         boost::math::cdf(below, static_cast<double>(rank)) <= (1 - kConfidence) / 2) {
    ++rank;
  }
  out.lo = sorted[rank - 1];
  out.hi = sorted[n - rank];
  return out;
}

double median_absolute_deviation(std::span<const double> values) {
  std::vector<double> copy(values.begin(), values.end());
  const double middle = median(copy);
  for (double& v : copy) v = std::abs(v - middle);
  return median(std::move(copy));
}

double tail_share(std::span<const double> values, double mads) {
  const double limit =
      median({values.begin(), values.end()}) + mads * median_absolute_deviation(values);
  double all = 0, tail = 0;
  for (const double v : values) {
    all += v;
    if (v > limit) tail += v;
  }
  return all > 0 ? tail / all : 0;
}

MeanEstimate estimate_mean(std::span<const double> replicates) {
  MeanEstimate out;
  out.n = static_cast<int>(replicates.size());
  out.mean = mean(replicates);
  if (out.n < 2) {
    out.lo = out.hi = out.standard_error = out.p = kNaN;
    return out;
  }
  out.standard_error = std::sqrt(sample_variance(replicates) / out.n);
  const double half = critical_t(out.n - 1) * out.standard_error;
  out.lo = out.mean - half;
  out.hi = out.mean + half;
  if (out.standard_error > 0) {
    const double t = std::abs(out.mean) / out.standard_error;
    out.p = 2 * boost::math::cdf(boost::math::complement(boost::math::students_t(out.n - 1), t));
  } else {
    out.p = out.mean == 0 ? 1 : 0;
  }
  return out;
}

double minimum_detectable_effect(double standard_error, int n) {
  if (n < 2 || !std::isfinite(standard_error)) return kNaN;
  const double critical = critical_t(n - 1);
  const auto missing = [&](double shift) { return power(shift, n - 1, critical) - kPower; };
  // At a shift equal to the critical value the power is about a half, and at thrice that far above
  // 80 % (already 0.97 with two replicates).
  std::uintmax_t steps = 100;
  const auto [low, high] = boost::math::tools::toms748_solve(
      missing, critical / 2, critical * 3, boost::math::tools::eps_tolerance<double>(30), steps);
  return standard_error * (low + high) / 2;
}

int replicates_needed(double deviation, double effect, int most) {
  for (int n = 2; n < most; ++n)
    if (minimum_detectable_effect(deviation / std::sqrt(n), n) <= effect) return n;
  return most;
}

double group_variance_share(const std::vector<std::vector<double>>& groups) {
  double total = 0, count = 0, squared_sizes = 0, within = 0;
  int used = 0;
  for (const auto& group : groups) {
    if (group.empty()) continue;
    const double size = static_cast<double>(group.size());
    ++used;
    count += size;
    squared_sizes += size * size;
    total += std::accumulate(group.begin(), group.end(), 0.0);
    within += sample_variance(group) * (size - 1);
  }
  if (used < 2 || count <= used) return 0;
  double between = 0;
  for (const auto& group : groups) {
    if (group.empty()) continue;
    const double off = mean(group) - total / count;
    between += static_cast<double>(group.size()) * off * off;
  }
  const double mean_within = within / (count - used);
  const double mean_between = between / (used - 1);
  const double size = (count - squared_sizes / count) / (used - 1);  // of a typical group
  const double of_groups = std::max(0.0, (mean_between - mean_within) / size);
  return of_groups + mean_within > 0 ? of_groups / (of_groups + mean_within) : 0;
}

}  // namespace trace
