// The inference of an A/B on simulated machines whose truth is known. Seeds are fixed: these are
// checks of a procedure's rates, not a search for counterexamples.
#include <cmath>
#include <random>

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include "trace/ab.h"
#include "trace/stats.h"

using Catch::Approx;
using trace::Instance;
using trace::Verdict;

namespace {

struct Machine {
  double step_us = 1000;
  double effect = 0;           // of arm b, share of a step
  double instance_sd = 0.001;  // what a new placement does to b against a
  double noise_sd = 0.003;     // of one step
  double memory = 0.7;         // AR(1) coefficient of step noise
  double drift = 0.02;         // over an instance: the clock sags
  double outliers = 0.005;     // chance that a step takes half as long again
};

// Steps in time order; the caller says which arm each belongs to.
class Simulated {
 public:
  Simulated(const Machine& machine, std::mt19937_64& random, bool null_arm)
      : m_machine(machine), m_random(random) {
    const double sd = null_arm ? 0 : machine.instance_sd;
    m_b = 1 + (null_arm ? 0 : machine.effect) + sd * m_normal(random);
    m_noise = m_normal(random);
  }
  double step(bool b, double progress) {
    const double fresh = std::sqrt(1 - m_machine.memory * m_machine.memory);
    m_noise = m_machine.memory * m_noise + fresh * m_normal(m_random);
    double us = m_machine.step_us * (b ? m_b : 1) * (1 + m_machine.drift * progress);
    us *= 1 + m_machine.noise_sd * m_noise;
    if (m_uniform(m_random) < m_machine.outliers) us *= 1.5;
    return us;
  }

 private:
  const Machine& m_machine;
  std::mt19937_64& m_random;
  std::normal_distribution<double> m_normal;
  std::uniform_real_distribution<double> m_uniform;
  double m_b = 1, m_noise = 0;
};

Instance simulate_instance(const Machine& machine, std::mt19937_64& random, int quads,
                           bool null_arm) {
  Simulated run(machine, random, null_arm);
  Instance instance;
  instance.null_arm = null_arm;
  for (int q = 0; q < quads; ++q) {
    trace::Quad quad;
    for (int block = 0; block < 4; ++block) {
      const bool b = block == 1 || block == 2;
      double sum = 0;
      for (int step = 0; step < 8; ++step) {
        const double us = run.step(b, (q + (block * 8 + step) / 32.0) / quads);
        if (step < 2) continue;
        sum += us;
        (b ? instance.b_us : instance.a_us).push_back(us);
      }
      quad.block_us[static_cast<size_t>(block)] = sum / 6;
    }
    instance.quads.push_back(quad);
  }
  return instance;
}

std::vector<Instance> simulate(const Machine& machine, std::mt19937_64& random, int instances,
                               int quads, int null_instances = 0) {
  std::vector<Instance> all;
  for (int i = 0; i < instances; ++i)
    all.push_back(simulate_instance(machine, random, quads, false));
  for (int i = 0; i < null_instances; ++i)
    all.push_back(simulate_instance(machine, random, quads, true));
  return all;
}

// Instances with given means of two quads each, for rules that need exact numbers.
std::vector<Instance> with_means(const std::vector<double>& deltas, double a = 1000,
                                 bool null_arm = false) {
  std::vector<Instance> all;
  for (const double d : deltas) {
    Instance instance;
    instance.null_arm = null_arm;
    for (const double off : {-0.1, 0.1})
      instance.quads.push_back({{a, a + d + off, a + d + off, a}, false});
    all.push_back(instance);
  }
  return all;
}

// All of A, then all of B, a t test over steps: what one would do without a design.
bool naive_alarm(const Machine& machine, std::mt19937_64& random) {
  Simulated run(machine, random, true);
  std::vector<double> a, b;
  constexpr int kSteps = 200;
  for (int i = 0; i < 2 * kSteps; ++i)
    (i < kSteps ? a : b).push_back(run.step(i >= kSteps, i / (2.0 * kSteps)));
  const double error = std::sqrt((trace::sample_variance(a) + trace::sample_variance(b)) / kSteps);
  return std::abs(trace::mean(b) - trace::mean(a)) > 1.97 * error;
}

}  // namespace

TEST_CASE("without an effect the interval excludes 0 in about 5 of 100 A/Bs") {
  std::mt19937_64 random(1);
  constexpr int kRuns = 800;
  for (const double outliers : {0.0, 0.005}) {
    int alarms = 0, null_alarms = 0;
    double lag1 = 0;
    for (int i = 0; i < kRuns; ++i) {
      const auto e = trace::infer(simulate({.outliers = outliers}, random, 6, 8, 4));
      alarms += e.lo > 0 || e.hi < 0;
      null_alarms += e.null_lo > 0 || e.null_hi < 0;
      lag1 += e.lag1 / kRuns;
    }
    // Three standard deviations of a binomial at 5 % are 2.3 %. Rare slow steps give few replicates
    // heavy tails, which makes a t test careful: there only the upper bound is a promise.
    INFO("outliers " << outliers << ": alarms " << alarms << ", null arm " << null_alarms << " of "
                     << kRuns);
    const double least = outliers > 0 ? 0.01 : 0.027;
    CHECK((alarms > least * kRuns && alarms < 0.073 * kRuns));
    CHECK((null_alarms > least * kRuns && null_alarms < 0.073 * kRuns));
    CHECK(std::abs(lag1) < 0.2);  // A B B A leaves little of the steps' memory
  }
}

TEST_CASE(
    "all A and then all B alarms on every second machine that only drifts: hence the "
    "interleaving") {
  std::mt19937_64 random(2);
  Machine wanders{.drift = 0, .outliers = 0};
  wanders.memory = 0.95;
  int by_memory = 0, by_drift = 0;
  constexpr int kRuns = 400;
  for (int i = 0; i < kRuns; ++i) {
    by_memory += naive_alarm(wanders, random);
    by_drift += naive_alarm({}, random);
  }
  CHECK(by_memory > 0.4 * kRuns);
  CHECK(by_drift > 0.4 * kRuns);
}

TEST_CASE("a planted effect of 1 % is found, with its sign") {
  std::mt19937_64 random(3);
  for (const double effect : {0.01, -0.01}) {
    int excluded = 0, right = 0, wrong = 0;
    constexpr int kRuns = 100;
    for (int i = 0; i < kRuns; ++i) {
      const auto e = trace::infer(simulate({.effect = effect}, random, 8, 10, 2));
      const Verdict expected = effect > 0 ? Verdict::slower : Verdict::faster;
      excluded += e.lo > 0 || e.hi < 0;
      right += e.verdict == expected;
      wrong += e.verdict != expected && e.verdict != Verdict::none && e.verdict != Verdict::unclear;
    }
    CHECK(excluded >= 0.97 * kRuns);
    CHECK(right >=
          0.9 * kRuns);  // the null arm raises its own 5 % of alarms, and then there is no verdict
    CHECK(wrong == 0);
  }
}

TEST_CASE("same is said for equal arms with enough data, and never for lack of it") {
  std::mt19937_64 random(4);
  const Machine calm{.instance_sd = 0.0002, .noise_sd = 0.001, .drift = 0.001, .outliers = 0};
  int same = 0;
  for (int i = 0; i < 100; ++i)
    same += trace::infer(simulate(calm, random, 8, 25)).verdict == Verdict::same;
  CHECK(same >= 90);

  const Machine noisy{.instance_sd = 0.02, .noise_sd = 0.05};
  int wrong = 0;
  for (int i = 0; i < 400; ++i)
    wrong += trace::infer(simulate(noisy, random, 2, 2)).verdict == Verdict::same;
  CHECK(wrong == 0);
}

TEST_CASE("an A/B without data has no verdict and says why") {
  using trace::infer;
  auto e = infer({});
  CHECK((e.verdict == Verdict::none && e.reason.starts_with("0 instances")));
  e = infer(with_means({0}));
  CHECK((e.verdict == Verdict::none && e.reason.starts_with("1 instance with")));
  CHECK((std::isnan(e.lo) && std::isnan(e.hi) && std::isnan(e.mde_us)));
  // An instance without any kept quad is no replicate.
  auto dropped = with_means({0, 0.01});
  for (auto& quad : dropped[1].quads) quad.dropped = true;
  e = infer(dropped);
  CHECK((e.verdict == Verdict::none && e.instances == 1 && e.dropped_pct == 50));
  // Null instances are no replicates of the comparison either.
  auto null_only = with_means({0, 0.01}, 1000, true);
  CHECK(infer(null_only).verdict == Verdict::none);
  // Readings that never differ bound nothing.
  auto coarse = with_means({0, 0, 0});
  for (auto& instance : coarse)
    for (auto& quad : instance.quads) quad.block_us = {1000, 1000, 1000, 1000};
  CHECK(infer(coarse).verdict == Verdict::unclear);
  // A reading that is no number is dropped, not averaged.
  auto broken = with_means({5, 5.1, 5.2});
  broken[0].quads.insert(broken[0].quads.end(), 20, broken[0].quads[0]);
  broken[0].quads[0].block_us[2] = std::nan("");
  e = infer(broken);
  CHECK((e.verdict == Verdict::slower && std::isfinite(e.delta_us) && e.dropped_pct > 0));
}

TEST_CASE("verdicts follow the interval, to the last rule") {
  using trace::infer;
  CHECK(infer(with_means({-5, -5.2, -4.8})).verdict == Verdict::faster);
  CHECK(infer(with_means({5, 5.2, 4.8})).verdict == Verdict::slower);
  // 0.25 % of 1000 us is 2.5 us.
  CHECK(infer(with_means({-0.5, 0.5, 0.1})).verdict == Verdict::same);
  CHECK(infer(with_means({-1.5, 1.5, 0.1})).verdict == Verdict::unclear);
  // An effect that is clear but tiny is an effect, not `same`.
  CHECK(infer(with_means({0.5, 0.51, 0.49})).verdict == Verdict::slower);

  const auto e = infer(with_means({5, 5.2, 4.8}));
  CHECK(e.delta_us == Approx(5));
  CHECK(e.delta_pct == Approx(0.5));
  CHECK(e.lo == Approx(5 - 4.302653 * 0.2 / std::sqrt(3.0)).epsilon(1e-6));
  CHECK(e.hi - e.delta_us == Approx(e.delta_us - e.lo));
  CHECK(e.mde_us >
        (4.302653 + 1.0607) * 0.2 / std::sqrt(3.0));  // the usual approximation is a little low
  CHECK((e.instances == 3 && e.quads == 6 && e.dropped_pct == 0));
  CHECK(e.reason.find("null arm not judged") != std::string::npos);
}

TEST_CASE("a null arm that shows a difference stops the verdict") {
  const auto with_null = [](std::vector<double> null_means) {
    auto all = with_means({5, 5.2, 4.8});
    for (auto& instance : with_means(null_means, 1000, true)) all.push_back(instance);
    return trace::infer(all);
  };
  CHECK(with_null({0.1, -0.1, 0}).verdict == Verdict::slower);
  CHECK(with_null({0.1, -0.1, 0}).null_instances == 3);
  CHECK(with_null({3, 3.1, 2.9}).verdict == Verdict::none);
  CHECK(with_null({-3, -3.1, -2.9}).verdict == Verdict::none);
  // Excludes 0, but by less than 0.1 % (1 us): the design lives with that.
  CHECK(with_null({0.9, 0.91, 0.89}).verdict == Verdict::slower);
  CHECK(with_null({3}).verdict == Verdict::slower);  // one null instance has no interval
}

TEST_CASE("dropping more than a tenth of the quads stops the verdict") {
  auto all = with_means({5, 5.2, 4.8});
  for (auto& instance : all) instance.quads.resize(10, instance.quads[0]);
  for (int i = 0; i < 3; ++i) all[0].quads[static_cast<size_t>(i)].dropped = true;
  CHECK(trace::infer(all).verdict == Verdict::slower);  // 3 of 30
  all[1].quads[0].dropped = true;
  const auto e = trace::infer(all);
  CHECK(e.verdict == Verdict::none);
  CHECK(e.dropped_pct == Approx(40.0 / 3));
  CHECK(e.reason.find("dropped") != std::string::npos);
}

TEST_CASE("lag-1, the share of instances and tails describe what was planted") {
  std::mt19937_64 random(5);
  const Machine placed{.instance_sd = 0.01, .noise_sd = 0.001, .drift = 0, .outliers = 0};
  const Machine jumpy{.instance_sd = 0, .noise_sd = 0.01, .drift = 0, .outliers = 0.02};
  CHECK(trace::infer(simulate(placed, random, 20, 20)).instance_variance_share > 0.9);
  const auto e = trace::infer(simulate(jumpy, random, 20, 20));
  CHECK(e.instance_variance_share < 0.1);
  // 2 % of the steps take half as long again: 3 % of the time.
  CHECK((e.tail_a_pct > 2 && e.tail_a_pct < 4 && e.tail_b_pct > 2 && e.tail_b_pct < 4));
  CHECK(e.a.n == 20 * 20 * 12);
  CHECK((e.a.lo <= e.a.median && e.a.median <= e.a.hi));
  CHECK(e.a_mean_us > e.a.median);  // outliers stay in the mean

  // Quad differences that swing to and fro.
  auto swinging = with_means({0, 0.1});
  for (auto& instance : swinging) {
    instance.quads.clear();
    for (int i = 0; i < 10; ++i) {
      const double b = 1000 + (i % 2 ? 1 : -1);
      instance.quads.push_back({{1000, b, b, 1000}, false});
    }
  }
  CHECK(trace::infer(swinging).lag1 == Approx(-0.9));
  swinging[0].quads[5].dropped = swinging[1].quads[5].dropped = true;  // separates its neighbours
  CHECK(trace::infer(swinging).lag1 > -0.9);
}

TEST_CASE("Holm's adjustment against a worked example") {
  // p 0.01 0.04 0.03 0.005 of four: 0.005 x 4, 0.01 x 3, 0.03 x 2, then 0.04 x 1 raised to what
  // went before.
  const auto adjusted = trace::holm({0.01, 0.04, 0.03, 0.005});
  CHECK(adjusted[3] == Approx(0.02));
  CHECK(adjusted[0] == Approx(0.03));
  CHECK(adjusted[2] == Approx(0.06));
  CHECK(adjusted[1] == Approx(0.06));
  const auto capped = trace::holm({0.9, std::nan(""), 0.6});
  CHECK((capped[2] == 1 && capped[0] == 1 && std::isnan(capped[1])));
  CHECK(trace::holm({}).empty());

  const auto e = trace::infer(with_means({5, 5.2, 4.8}));
  CHECK(trace::p_value(with_means({5, 5.2, 4.8})) < 0.001);
  CHECK(std::isnan(trace::p_value(with_means({5}))));
  CHECK(trace::adjusted_verdict(e, 0.01) == Verdict::slower);
  CHECK(trace::adjusted_verdict(e, 0.06) == Verdict::unclear);
  CHECK(trace::adjusted_verdict(e, std::nan("")) == Verdict::unclear);
}
