// ab --exec-a --exec-b: readings, verdicts and failures of commands that are not ours.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <fstream>

#include "app/exec_ab.h"
#include "app/exec_command.h"
#include "app/store_access.h"
#include "db/bundle.h"
#include "db/store.h"
#include "tests/support/packed.h"
#include "tests/support/temp_folder.h"
#include "trace/scrub.h"

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::WithinRel;

namespace {

const auto kQuiet = [](const std::string&, double) {};

// A command whose metric is about `base` and differs from run to run, by a file that counts them.
std::string noisy(const tests::TempFolder& folder, double base) {
  const std::string count = folder / "count";
  return "n=$(cat " + count + " 2>/dev/null || echo 0); n=$((n + 1)); echo $n > " + count + "; awk -v n=$n 'BEGIN { print \"other 99\"; printf \"TPOT: %.4f ms\\n\", " + std::to_string(base) + " * (1 + (n * 7 % 11 - 5) / 1000) }'";
}

app::ExecAbSpec spec_of(const std::string& a, const std::string& b) {
  app::ExecAbSpec spec;
  spec.a = a;
  spec.b = b;
  spec.metric = "TPOT: ([0-9.]+) ms";
  spec.quads = 3;
  return spec;
}

}  // namespace

TEST_CASE("exec A/B: the last match's first group is the reading") {
  CHECK(*app::metric_in("a 1\nTPOT 2.5\nTPOT 3.5 ms\n", "TPOT ([0-9.]+)") == 3.5);
  CHECK(*app::metric_in("x 1,234.5 y", "[0-9,.]+") == 1234.5);
  CHECK(*app::metric_in("v=-1e-3", "v=(\\S+)") == -1e-3);
  CHECK_FALSE(app::metric_in("nothing", "TPOT ([0-9.]+)").ok());
  CHECK_FALSE(app::metric_in("TPOT x", "TPOT (.)").ok());
  CHECK_THAT(app::metric_in("a", "(").error().what, ContainsSubstring("no regular expression"));
  CHECK(*app::metric_in(std::string(3'000'000, 'a') + "\nTPOT 7\n", "^a*$|TPOT ([0-9]+)") == 7);
}

TEST_CASE("exec A/B: a real difference is found, none is not invented") {
  const tests::TempFolder folder;
  const auto slower = app::run_exec_ab(spec_of(noisy(folder, 20), noisy(folder, 21)), kQuiet);
  if (!slower.ok()) FAIL(slower.error().line());
  CHECK(slower->estimate.verdict == trace::Verdict::slower);
  CHECK_THAT(slower->estimate.delta_pct, WithinRel(5.0, 0.1));
  CHECK((slower->estimate.instances == 3 && slower->estimate.null_instances == 1 && slower->estimate.quads == 9));
  auto spec = spec_of(noisy(folder, 20), noisy(folder, 21));
  spec.higher_is_better = true;
  CHECK(app::run_exec_ab(spec, kQuiet)->estimate.verdict == trace::Verdict::faster);
  const auto same = app::run_exec_ab(spec_of(noisy(folder, 20), noisy(folder, 20)), kQuiet);
  CHECK(same->estimate.verdict != trace::Verdict::slower);
  CHECK(same->estimate.verdict != trace::Verdict::faster);
  const auto json = app::exec_ab_json(*slower);
  CHECK((json["verdict"] == "slower" && json["reading"] == "metric" && json["a"]["n"] == 18));
  CHECK(json["reason"].get<std::string>().find(" us") == std::string::npos);   // the unit is the metric's
  CHECK_THAT(app::exec_ab_text(*slower), ContainsSubstring("verdict: slower"));
}

TEST_CASE("exec A/B: the median step of the newest trace is the reading") {
  const tests::TempFolder folder;
  const auto writes = [&](int us) {
    return "printf '{\"traceEvents\":[{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"k\",\"pid\":0,\"tid\":7,\"ts\":1,\"dur\":%d.%s}]}' " + std::to_string(us) + " $(date +%N | cut -c1-2) > " + folder.path() + "/t.json";
  };
  auto spec = spec_of(writes(100), writes(200));
  spec.metric.clear();
  spec.trace = folder / "*.json";
  const auto result = app::run_exec_ab(spec, kQuiet);
  if (!result.ok()) FAIL(result.error().line());
  CHECK(result->unit == "us");
  CHECK_THAT(result->estimate.a.median, WithinRel(100.5, 0.02));
  CHECK_THAT(result->estimate.delta_us, WithinRel(100.0, 0.02));

  // Both wrote one file: what is kept of each arm is what its own command wrote.
  auto store = db::Store::open(folder / "runs.db", db::Mode::read_write);
  if (!store.ok()) FAIL(store.error().line());
  const auto stored = app::store_ab(*store, app::exec_ab_record(*result));
  if (!stored.ok()) FAIL(stored.error().line());
  const auto read = store->load_ab(stored->b->id);
  if (!read.ok()) FAIL(read.error().line());
  CHECK(read->spec.of_commands());
  CHECK(trace::arms_text(read->spec, " -> ") == spec.a + " -> " + spec.b);
  CHECK(read->a->name == "t.json of --exec-a");
  // A bundle of it says no command line, unless it is told to.
  for (const bool scrubbed : {true, false}) {
    trace::Scrubber scrubber;
    const std::string file = folder / (scrubbed ? "clean.decodescope" : "whole.decodescope");
    const auto exported = db::export_bundle(*store, {stored->a->id, stored->b->id}, file, {.scrubber = scrubbed ? &scrubber : nullptr, .view = {}});
    if (!exported.ok()) FAIL(exported.error().line());
    std::ifstream in(file, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    CHECK((bytes.find("traceEvents") == std::string::npos) == scrubbed);
    CHECK((bytes.find("printf ...") != std::string::npos) == scrubbed);
  }
  CHECK(read->estimate.delta_us == result->estimate.delta_us);
  CHECK(read->instances.size() == result->instances.size());
  CHECK(read->b->step_us.size() == static_cast<size_t>(spec.instances * spec.quads * 2));
  CHECK(read->a->trace->events.at(0).duration_ns() < 110'000);
  CHECK(read->b->trace->events.at(0).duration_ns() > 190'000);

  spec.trace = folder / "*.none";
  CHECK_THAT(app::run_exec_ab(spec, kQuiet).error().what, ContainsSubstring("wrote no file"));
}

TEST_CASE("exec A/B: commands that fail, hang or say nothing end it with their own words") {
  const tests::TempFolder folder;
  const auto fails = app::run_exec_ab(spec_of("echo TPOT: 1 ms", "echo out of memory >&2; exit 3"), kQuiet);
  REQUIRE_FALSE(fails.ok());
  CHECK_THAT(fails.error().line(), ContainsSubstring("exit code 3: out of memory"));
  CHECK_THAT(fails.error().where, ContainsSubstring("--exec-b"));
  CHECK(app::run_exec_ab(spec_of("echo TPOT: 1 ms", "exit 3"), kQuiet).error().what == "ended with exit code 3");
  auto hangs = spec_of("sleep 60", "true");
  hangs.timeout_s = 0.3;
  CHECK_THAT(app::run_exec_ab(hangs, kQuiet).error().what, ContainsSubstring("took longer than 0.3 s"));
  CHECK_THAT(app::run_exec_ab(spec_of("echo hello", "true"), kQuiet).error().what, ContainsSubstring("no match"));
  CHECK_FALSE(app::run_exec_ab(spec_of("true", ""), kQuiet).ok());
  // What a command leaves in the background does not hold it up, nor does a flood of output.
  const auto left = app::run_command("sleep 60 & echo done", 30);
  REQUIRE(left.ok());
  CHECK((left->exit_code == 0 && left->output == "done\n" && left->seconds < 20));
  const auto flood = app::run_command("head -c 40000000 /dev/zero | tr '\\0' 'x'; echo; echo TPOT: 4 ms", 60);
  CHECK(flood->output.size() < (20u << 20));
  CHECK(*app::metric_in(flood->output, "TPOT: ([0-9]+)") == 4);
}
