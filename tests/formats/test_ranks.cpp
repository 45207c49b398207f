// Ranks on one clock: offsets, skew and transfer as they were made, whatever the clocks said.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cstdlib>
#include <random>

#include "tests/support/expected_figures.h"
#include "trace/builder.h"
#include "trace/ranks.h"

using Catch::Matchers::ContainsSubstring;

namespace {

struct Job {
  std::vector<trace::RankTrace> ranks;
  std::vector<int64_t> offsets;
  std::vector<int64_t> skew, transfer, waited;   // by rank, as made
};

// Ranks compute for a while and meet in an all-reduce; rank `slow` computes `more` ns longer. All leave together, give
// or take `jitter`. Clocks are off by anything. `missing`: rank 1 did not record so many of the first.
Job make_job(uint64_t seed, int count, int slow, int64_t more, int64_t jitter, int missing = 0) {
  std::mt19937_64 random(seed);
  const auto upto = [&](int64_t most) { return most > 0 ? std::uniform_int_distribution<int64_t>(0, most)(random) : 0; };
  constexpr int kSteps = 40;
  Job job;
  std::vector<trace::TraceBuilder> builders(static_cast<size_t>(count));
  job.skew.resize(builders.size());
  job.transfer.resize(builders.size());
  job.waited.resize(builders.size());
  std::vector<int64_t> now(builders.size(), 0);
  for (int r = 0; r < count; ++r) job.offsets.push_back(r == 0 ? 0 : std::uniform_int_distribution<int64_t>(-4'000'000'000'000, 4'000'000'000'000)(random));
  for (int step = 0; step < kSteps; ++step) {
    std::vector<int64_t> arrive;
    for (size_t r = 0; r < builders.size(); ++r) arrive.push_back(now[r] + 50'000 + upto(3'000) + (static_cast<int>(r) == slow ? more : 0));
    const int64_t last = *std::max_element(arrive.begin(), arrive.end());
    const int64_t end = last + 12'000 + upto(500);
    for (size_t r = 0; r < builders.size(); ++r) {
      auto& b = builders[r];
      const uint32_t lane = b.lane(b.device("0"), 7);
      const int64_t leave = end + (r == 0 ? 0 : upto(jitter));
      const bool recorded = r != 1 || step >= missing;
      if (recorded) {
        b.add({.start_ns = now[r] + job.offsets[r], .end_ns = arrive[r] + job.offsets[r], .correlation = step, .name = b.intern("gemm"), .lane = lane});
        b.add({.start_ns = arrive[r] + job.offsets[r], .end_ns = leave + job.offsets[r], .name = b.intern("ncclDevKernel_AllReduce_Sum_bf16_RING_LL"), .lane = lane});
        b.add_call({now[r] + job.offsets[r] - 1000, now[r] + job.offsets[r] - 500, step, b.intern("cudaLaunchKernel"), 1});
      }
      if (step >= missing) {
        job.skew[r] += last - arrive[r];
        job.transfer[r] += leave - last;
        if (arrive[r] == last) {
          auto others = arrive;
          others.erase(others.begin() + static_cast<std::ptrdiff_t>(r));
          job.waited[r] += last - *std::max_element(others.begin(), others.end());
        }
      }
      now[r] = leave;
    }
  }
  for (int r = 0; r < count; ++r) {
    builders[static_cast<size_t>(r)].classify_kernels();
    job.ranks.push_back({r, builders[static_cast<size_t>(r)].finish()});
  }
  return job;
}

}  // namespace

TEST_CASE("ranks: offsets, skew, transfer and the straggler as they were made") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  for (const int count : {2, 4, 8}) {
    const Job job = make_job(seed, count, 1, 20'000, 0);
    const auto report = trace::align_ranks(job.ranks);
    if (!report.ok()) FAIL(report.error().line());
    CHECK(report->collectives == 40);
    CHECK((report->residual_median_ns == 0 && report->residual_max_ns == 0 && report->unmatched == 0));
    CHECK(report->straggler == 1);
    for (size_t r = 0; r < job.ranks.size(); ++r) {
      CHECK(report->ranks[r].offset_ns == job.offsets[r]);
      CHECK(report->ranks[r].skew_ns == job.skew[r]);
      CHECK(report->ranks[r].transfer_ns == job.transfer[r]);
      CHECK(report->ranks[r].others_waited_ns == job.waited[r]);
      CHECK(report->ranks[r].collective_ns == report->ranks[r].skew_ns + report->ranks[r].transfer_ns);
    }
  }
}

TEST_CASE("ranks: jitter is the residual, and within it nobody is blamed") {
  const Job job = make_job(7, 4, -1, 0, 400);
  const auto report = trace::align_ranks(job.ranks);
  REQUIRE(report.ok());
  CHECK((report->residual_median_ns > 0 && report->residual_max_ns <= 400));
  for (size_t r = 1; r < 4; ++r) CHECK(std::abs(report->ranks[r].offset_ns - job.offsets[r]) <= 400);
  const auto words = trace::rank_caveats(*report);
  CHECK_THAT(words.front(), ContainsSubstring("4 ranks on one clock, aligned on the ends of 40 matching collectives"));
}

TEST_CASE("ranks: one that began to record later is matched by its ends") {
  const Job job = make_job(11, 3, 2, 15'000, 50, 5);
  const auto report = trace::align_ranks(job.ranks);
  REQUIRE(report.ok());
  CHECK(report->collectives == 35);
  CHECK(report->unmatched == 10);
  CHECK(report->straggler == 2);
  CHECK(std::abs(report->ranks[1].offset_ns - job.offsets[1]) <= 50);
}

TEST_CASE("ranks: merged on one clock, every rank a device, nothing lost") {
  const Job job = make_job(13, 4, 3, 30'000, 0);
  const auto report = trace::align_ranks(job.ranks);
  REQUIRE(report.ok());
  const auto merged = trace::merge_ranks(job.ranks, *report, "job");
  REQUIRE(merged->devices.size() == 4);
  CHECK(merged->devices[3].id == "3");
  CHECK(merged->events.size() == 4 * 80);
  for (const auto& e : merged->events)
    if (merged->name_of(e) == "gemm") {
      REQUIRE(e.call != trace::kNone);
      CHECK(merged->calls[e.call].start_ns == e.start_ns - 1000);
    }
  // All leave each collective at the same instant.
  std::map<int64_t, int> ends;
  for (const auto& e : merged->events)
    if (e.category == trace::Category::all_reduce) ++ends[e.end_ns];
  CHECK(ends.size() == 40);
  for (const auto& [end, count] : ends) CHECK(count == 4);
}

TEST_CASE("ranks: what cannot be aligned says why") {
  const Job job = make_job(17, 2, 0, 0, 0);
  CHECK_THAT(trace::align_ranks(std::span(job.ranks).first(1)).error().what, ContainsSubstring("two ranks or more"));
  auto twice = job.ranks;
  twice[1].rank = 0;
  CHECK_THAT(trace::align_ranks(twice).error().line(), ContainsSubstring("same rank, rank 0"));
  auto without = job.ranks;
  without[1].trace = trace::TraceBuilder().finish();
  CHECK_THAT(trace::align_ranks(without).error().what, ContainsSubstring("no collectives"));
}

TEST_CASE("ranks: a published trace against itself on another clock") {
  const auto one = tests::import_published("kineto_a100_tracediff_control_us.json.gz");
  CHECK(one.rank == 3);
  auto moved = std::make_shared<trace::Trace>(*one.trace);
  moved->origin_ns += 123'456'789;
  const std::vector<trace::RankTrace> ranks{{3, one.trace}, {4, moved}};
  const auto report = trace::align_ranks(ranks);
  if (!report.ok()) FAIL(report.error().line());
  CHECK(report->ranks[1].offset_ns == 123'456'789);
  CHECK((report->residual_max_ns == 0 && report->straggler == -1 && report->ranks[0].skew_ns == 0));
  const auto merged = trace::merge_ranks(ranks, *report, "both");
  CHECK(merged->events.size() == 2 * one.trace->events.size());
}
