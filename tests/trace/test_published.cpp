// Figures of real, published traces through the real importer. The expected ones were computed by
// an independent script in exact integers (expected.json beside the traces) or stand in the
// publication of the layers.
#include <cmath>
#include <fstream>
#include <map>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/shared_files.h"
#include "trace/compare.h"
#include "trace/formats.h"
#include "trace/layers.h"
#include "trace/period.h"

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
using trace::BubbleCause;
using trace::BubbleKind;

namespace {

trace::TracePtr open(const std::string& name) {
  const auto path = tests::shared_file("traces/" + name);
  auto imported = trace::import_file(path.string());
  if (!imported.ok()) FAIL(imported.error().line());
  return imported->trace;
}

json expected_files() {
  std::ifstream in(tests::shared_file("traces/expected.json"));
  return json::parse(in);
}

// The file says whole nanoseconds as decimal microseconds.
int64_t ns(const json& us) {
  return std::llround(us.get<double>() * 1000);
}

bool is_kineto(const std::string& file) {
  for (const char* prefix : {"edge_kineto", "kineto_", "seed_layer_", "torch_"})
    if (file.starts_with(prefix)) return true;
  return false;
}

uint32_t device_called(const trace::Trace& t, const std::string& id) {
  for (uint32_t d = 0; d < t.devices.size(); ++d)
    if (t.devices[d].id == id) return d;
  return trace::kNone;
}

void check_device(const trace::Trace& t, const json& expected) {
  const uint32_t device = device_called(t, expected["device"].get<std::string>());
  REQUIRE(device != trace::kNone);
  const auto window = trace::whole(t, device);
  const auto r = trace::classify(t, window);
  CHECK(r.streams == expected["streams"].get<int>());
  CHECK(r.activities == expected["activities"].get<int64_t>());
  CHECK(r.wall_ns == ns(expected["wall_us"]));
  CHECK(r.busy_ns == ns(expected["busy_us"]));
  CHECK(r.idle_ns == ns(expected["idle_us"]));
  for (int k = 0; k < trace::kBubbleKinds; ++k) {
    const auto kind = static_cast<BubbleKind>(k);
    const json& want = expected["kinds"][std::string(trace::to_string(kind))];
    INFO(trace::to_string(kind));
    CHECK(r.kind(kind) == trace::Tally{want["count"].get<int64_t>(), ns(want["us"])});
  }
  const json& overlaps = expected["same_stream_overlaps"];
  CHECK(static_cast<int64_t>(r.overlaps.size()) == overlaps["count"].get<int64_t>());
  CHECK(r.overlap_min_ns == ns(overlaps["min_us"]));
  // The same identities as on random traces.
  const auto path = trace::critical_path(t, window);
  CHECK(path.owned_ns + path.waits_ns + path.lead_in_ns == r.wall_ns);
  const auto shares = trace::equal_shares(t, window);
  trace::ShareSum sum = static_cast<trace::ShareSum>(r.idle_ns) * trace::kShareUnits;
  for (const auto share : shares.category) sum += share;
  CHECK((sum == static_cast<trace::ShareSum>(r.wall_ns) * trace::kShareUnits));
}

int64_t ns_of(const std::vector<trace::Contributor>& list, std::string_view name) {
  for (const auto& c : list)
    if (c.name == name) return c.ns;
  return INT64_MIN;
}

bool says(const std::vector<std::string>& caveats, std::string_view text) {
  return std::any_of(caveats.begin(), caveats.end(),
                     [&](const std::string& c) { return c.find(text) != c.npos; });
}

bool within(int64_t value_ns, double us, double tolerance_us) {
  return std::abs(static_cast<double>(value_ns) / 1000 - us) <= tolerance_us;
}

constexpr const char* kSingle = "seed_layer_mi355x_single_rocm72.json";
constexpr const char* kDual = "seed_layer_mi355x_dual_rocm72.json";

}  // namespace

TEST_CASE("every published Kineto trace gives the figures of the independent script") {
  int files = 0;
  for (const json& expected : expected_files()) {
    const std::string file = expected["file"];
    if (!is_kineto(file)) continue;
    INFO(file);
    const auto t = open(file);
    REQUIRE(t);
    const auto devices = trace::active_devices(*t);
    CHECK(devices.size() == expected["devices"].size());
    int64_t kernels = 0, copies = 0;
    for (const trace::Event& e : t->events)
      ++(e.kind == trace::EventKind::kernel ? kernels : copies);
    CHECK(kernels == expected["kernels"].get<int64_t>());
    CHECK(copies == expected["copies"].get<int64_t>());
    for (const json& device : expected["devices"]) check_device(*t, device);
    ++files;
  }
  CHECK(files == 14);
}

TEST_CASE("the published two-stream layer: three stalls, one fence, and what they wait for") {
  const auto t = open(kDual);
  const auto r = trace::classify(*t, trace::whole(*t, 0));
  const auto stalls = r.stalls();
  REQUIRE(stalls.size() == 3);
  CHECK(r.kind(BubbleKind::stall) == trace::Tally{3, 17325});
  for (const auto& b : stalls) CHECK(b.cause == BubbleCause::join);
  CHECK(r.kind(BubbleKind::fence) == trace::Tally{1, 1641});
  for (const auto& b : r.bubbles)
    if (b.kind == BubbleKind::fence) CHECK(b.cause == BubbleCause::fork);
  CHECK_THAT(trace::evidence(*t, stalls[0]),
             ContainsSubstring("the parent stream 113 waits for stream 106"));
  CHECK(says(r.caveats, "dispatch inside durations: at most 46 x"));

  const auto path = trace::critical_path(*t, trace::whole(*t, 0));
  CHECK((path.owned_ns == 287682 && path.waits_ns == 24559 && path.lead_in_ns == 0));
  int64_t longest = 0;
  for (const auto& step : path.steps) longest = std::max(longest, step.wait_ns);
  CHECK(longest == 6082);
}

TEST_CASE("from the single to the dual layer: named contributors that sum exactly") {
  const auto a = open(kSingle), b = open(kDual);
  const auto c = trace::compare(*a, trace::whole(*a, 0), *b, trace::whole(*b, 0));
  const auto& list = c.waterfall.contributors;
  int64_t sum = 0, idle = 0;
  for (const auto& x : list) {
    sum += x.ns;
    if (x.name.starts_with("idle")) idle += x.ns;
  }
  CHECK((c.a.wall_ns == 287161 && c.b.wall_ns == 312241));
  CHECK(sum == 25080);
  CHECK(idle == 18950);
  CHECK(ns_of(list, "all-reduce") == 8680);
  CHECK(within(ns_of(list, "GEMM"), 13, 0.5));
  CHECK(within(ns_of(list, "copy") + ns_of(list, "concat"), -8.5, 0.1));
  CHECK(within(ns_of(list, "norm / quant"), 10, 0.5));
  CHECK(within(ns_of(list, "sparse MLA"), 2.1, 0.1));
  CHECK(within(ns_of(list, "routed expert"), -11.4, 0.1));

  CHECK(ns_of(c.second_view, "sum of durations") == 69314);
  CHECK(ns_of(c.second_view, "concurrency") == -63184);
  CHECK(ns_of(c.second_view, "idle: stall") == 17325);
  CHECK(ns_of(c.second_view, "idle: fence") == 1641);
  CHECK(ns_of(c.second_view, "idle: contiguous") == -16);

  std::map<int64_t, std::string> only;
  for (const auto& k : c.only_a) only[k.a_ns] = k.name;
  REQUIRE(only.size() == 3);
  CHECK(only[5319].find("CatArrayBatchedCopy") != std::string::npos);
  CHECK(only[4399].find("append_shared") != std::string::npos);
  CHECK(only[4479].find("fillBuffer") != std::string::npos);
  CHECK(says(c.caveats, "also differ in cat_skip"));
  CHECK(says(c.caveats, "also differ in shared-expert fusion"));
  CHECK(says(c.caveats, "x_scale also runs a different number of times: A 4, B 3"));
}

TEST_CASE("layers of published decode traces, and none where a trace has none") {
  struct Want {
    const char* file;
    int layers, steps;
  };
  for (const Want& want : {Want{"kineto_amd_vllm_decode_fullgraph.json.gz", 24, 1},
                           Want{"kineto_amd_vllm_piecewise_neg.json.gz", 24, 1},
                           Want{"kineto_mi300x_sglang_qwen3-8b_decode.json.gz", 36, 1},
                           Want{"torch_h200_graph_2stream.json.gz", 8, 3}, Want{kSingle, 0, 1},
                           Want{"kineto_a100_tracediff_control_us.json.gz", 0, 6},
                           Want{"kineto_v100_tracediff_test_us_neg.json.gz", 0, 6},
                           Want{"kineto_mi300x_qwen1.5-0.5b_pairA.json.gz", 0, 1},
                           Want{"kineto_h100_qwen1.5-0.5b_pairB.json.gz", 0, 1}}) {
    INFO(want.file);
    const auto t = open(want.file);
    const auto devices = trace::active_devices(*t);
    REQUIRE(!devices.empty());
    const auto found = trace::find_layers(*t, devices[0]);
    INFO(found.rule);
    CHECK(found.layers == want.layers);
    CHECK(found.steps == want.steps);
    if (want.layers > 0)
      CHECK(found.coverage > 0.9);
    else
      CHECK(found.coverage < trace::kLeastCoverage);
    for (size_t s = 0; s < found.detail.size(); ++s) {
      const auto& step = found.detail[s];
      int64_t sum = step.prologue.wall_ns() + step.epilogue.wall_ns();
      for (const auto& layer : step.layers) sum += layer.wall_ns();
      CHECK(sum == found.step_windows[s].wall_ns());
    }
  }
}

TEST_CASE("the import report says how layers and steps were found, or why not") {
  const auto report = [](const char* file) {
    return trace::import_file(tests::shared_file(std::string("traces/") + file).string())->report;
  };
  const auto sglang = report("kineto_mi300x_sglang_qwen3-8b_decode.json.gz");
  CHECK((sglang.layers == 36 && sglang.steps == 1));
  CHECK_THAT(sglang.window_rule, ContainsSubstring("36 layers"));
  const auto single = report(kSingle);
  CHECK((single.layers == 0 && single.steps == 1 && !single.window_rule.empty()));
  CHECK(report("edge_kineto_cpu_only_0_kernels.json.gz").window_rule.empty());
}

TEST_CASE("nine stream ids of a recorded two-stream graph are two lanes") {
  const auto t = open("torch_h200_graph_2stream.json.gz");
  const auto r = trace::classify(*t, trace::whole(*t, 0));
  CHECK((r.streams == 9 && r.lanes == 2));
  const auto b200 = open("seed_layer_b200_dual_cuda_graph.json");
  const auto s = trace::classify(*b200, trace::whole(*b200, 0));
  CHECK((s.streams == 4 && s.lanes == 4));
  CHECK((s.overlaps.size() == 12 && s.overlap_min_ns == -4033));
}
