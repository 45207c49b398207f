#include "trace/stats.h"

#include <cmath>
#include <random>

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

using Catch::Approx;

TEST_CASE("median and percentiles interpolate between order statistics") {
  CHECK(trace::median({}) == 0);
  CHECK(trace::median({3}) == 3);
  CHECK(trace::median({4, 1, 3}) == 3);
  CHECK(trace::median({4, 1, 3, 2}) == 2.5);
  CHECK(trace::percentile({10, 20, 30, 40, 50}, 0.05) == Approx(12));
  CHECK(trace::percentile({50, 10, 40, 20, 30}, 1) == 50);
  CHECK(trace::percentile({50, 10, 40, 20, 30}, 0) == 10);
  CHECK(trace::percentile({1, 2}, 7) == 2);
}

TEST_CASE("moments of small sets") {
  const std::vector<double> v{2, 4, 4, 4, 5, 5, 7, 9};
  CHECK(trace::mean(v) == 5);
  CHECK(trace::sample_variance(v) == Approx(32.0 / 7));
  CHECK(trace::sample_variance(std::vector<double>{1}) == 0);
  CHECK(trace::median_absolute_deviation(v) == 0.5);
  // 1 2 3 4: mean 2.5, products (-1.5)(-.5) + (-.5)(.5) + (.5)(1.5) = 1.25 over squares 5
  CHECK(trace::lag1_autocorrelation(std::vector<double>{1, 2, 3, 4}) == Approx(0.25));
  CHECK(trace::lag1_autocorrelation(std::vector<double>{3, 3, 3}) == 0);
}

TEST_CASE("the interval of a median takes the order statistics of the binomial table") {
  std::vector<double> v;
  for (int i = 1; i <= 25; ++i) v.push_back(i);
  // For n = 25 the textbook ranks at 95 % are 8 and 18, for 10 they are 2 and 9, for 6 the
  // extremes.
  auto e = trace::estimate_median(v);
  CHECK((e.median == 13 && e.lo == 8 && e.hi == 18 && e.n == 25));
  v.resize(10);
  e = trace::estimate_median(v);
  CHECK((e.median == 5.5 && e.lo == 2 && e.hi == 9));
  v.resize(6);
  e = trace::estimate_median(v);
  CHECK((e.lo == 1 && e.hi == 6));
  v.resize(1);
  e = trace::estimate_median(v);
  CHECK((e.median == 1 && e.lo == 1 && e.hi == 1));
  CHECK(trace::estimate_median({}).n == 0);
}

TEST_CASE("the interval of a median covers the true median in 95 of 100 cases or more") {
  std::mt19937_64 random(20260901);
  std::exponential_distribution<double> skewed(1);
  int covered = 0;
  constexpr int kCases = 4000;
  for (int i = 0; i < kCases; ++i) {
    std::vector<double> v(31);
    for (double& x : v) x = skewed(random);
    const auto e = trace::estimate_median(v);
    covered += e.lo <= std::log(2) && std::log(2) <= e.hi;
  }
  CHECK(covered >= 0.95 * kCases);
  CHECK(covered <= 0.985 * kCases);
}

TEST_CASE("Student's interval of replicates, against a worked example") {
  // 5 values, mean 10.06, s 0.37815, t(4, .975) 2.77645
  const std::vector<double> v{10.1, 9.6, 10.4, 9.8, 10.4};
  const auto e = trace::estimate_mean(v);
  CHECK(e.mean == Approx(10.06));
  CHECK(e.standard_error == Approx(0.160000));
  CHECK(e.lo == Approx(10.06 - 2.776445 * 0.16).epsilon(1e-6));
  CHECK(e.hi == Approx(10.06 + 2.776445 * 0.16).epsilon(1e-6));
  const auto one = trace::estimate_mean(std::vector<double>{1});
  CHECK((std::isnan(one.lo) && std::isnan(one.hi) && std::isnan(one.p) && one.n == 1));
  CHECK(trace::estimate_mean(std::vector<double>{-1, 1}).p == Approx(1));
}

TEST_CASE("the minimum detectable effect is found in 80 of 100 simulated tests") {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  for (const int n : {2, 3, 6, 30}) {
    const double effect =
        trace::minimum_detectable_effect(1 / std::sqrt(n), n);  // sigma known to be 1
    int found = 0;
    constexpr int kCases = 5000;
    for (int i = 0; i < kCases; ++i) {
      std::vector<double> v(static_cast<size_t>(n));
      for (double& x : v) x = effect + normal(random);
      found += trace::estimate_mean(v).p < 0.05;
    }
    INFO("n " << n << " effect " << effect << " found " << found);
    CHECK(std::abs(found - 0.8 * kCases) < 4 * std::sqrt(kCases * 0.8 * 0.2));
  }
  CHECK(std::isnan(trace::minimum_detectable_effect(1, 1)));
  CHECK(trace::minimum_detectable_effect(0, 3) == 0);
}

TEST_CASE("a pilot's spread says how many replicates an effect needs") {
  for (const double effect : {0.8, 1.0, 2.0}) {
    const int n = trace::replicates_needed(1, effect, 1000);
    CHECK(trace::minimum_detectable_effect(1 / std::sqrt(n), n) <= effect);
    CHECK(trace::minimum_detectable_effect(1 / std::sqrt(n - 1), n - 1) > effect);
  }
  CHECK(trace::replicates_needed(1, 1, 1000) == 10);  // the usual table: 10 pairs for one sigma
  CHECK(trace::replicates_needed(1, 0.0001, 50) == 50);
  CHECK(trace::replicates_needed(0, 1, 50) == 2);
}

TEST_CASE("tail share is the weight in time of what lies beyond 8 MAD") {
  std::vector<double> v(99, 0);
  for (size_t i = 0; i < v.size(); ++i)
    v[i] = 99 + static_cast<double>(i % 3);  // median 100, MAD 1
  v.push_back(1000);
  CHECK(trace::tail_share(v) == Approx(1000.0 / (9900 + 1000)));
  v.back() = 108;
  CHECK(trace::tail_share(v) == 0);
  CHECK(trace::tail_share({}) == 0);
}

TEST_CASE("share of variance between groups") {
  // Two groups without any spread inside: all of it lies between them.
  CHECK(trace::group_variance_share({{1, 1, 1}, {3, 3, 3}}) == 1);
  CHECK(trace::group_variance_share({{1, 3}, {3, 1}}) == 0);
  CHECK(trace::group_variance_share({{1, 2, 3}}) == 0);
  CHECK(trace::group_variance_share({{1}, {2}, {}}) == 0);  // nothing within: cannot be told
  // Worked by hand: groups 4 5 6 and 8 9 10: within 1, between 24, size 3: (24 - 1) / 3 = 7.667
  // of 8.667.
  CHECK(trace::group_variance_share({{4, 5, 6}, {8, 9, 10}}) == Approx(23.0 / 26));
}
