// Imports of real files against figures that an independent script computed in exact integers.
// Wall, busy, idle and kinds are summed here by the plainest means, so that what is checked is what
// was read.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/shared_files.h"
#include "trace/formats.h"

namespace {

using Json = nlohmann::json;

struct Sums {
  std::set<int64_t> streams;
  int64_t activities = 0, wall = 0, busy = 0;
  int64_t count[4] = {}, ns[4] = {};
  int64_t overlaps = 0, overlap_min = 0;
};

Sums sums_of(const trace::Trace& t, uint32_t device) {
  Sums s;
  std::vector<std::pair<int64_t, int64_t>> spans;
  for (const trace::Lane& lane : t.lanes) {
    if (lane.device != device || lane.count == 0) continue;
    s.streams.insert(lane.stream);
    for (uint32_t i = lane.first; i < lane.first + lane.count; ++i) {
      const auto& e = t.events[i];
      spans.emplace_back(e.start_ns, e.end_ns);
      if (i == lane.first) continue;
      const int64_t gap = e.start_ns - t.events[i - 1].end_ns;
      s.overlaps += gap < 0;
      s.overlap_min = std::min(s.overlap_min, gap);
    }
  }
  std::ranges::sort(spans);
  s.activities = static_cast<int64_t>(spans.size());
  int64_t end = spans.front().first;
  for (const auto& [start, stop] : spans) {
    if (start > end) {
      const int64_t idle = start - end;
      const int kind = idle <= 1 ? 0 : idle < 1000 ? 1 : idle < 2000 ? 2 : 3;
      ++s.count[kind];
      s.ns[kind] += idle;
    }
    s.busy += std::max<int64_t>(0, stop - std::max(start, end));
    end = std::max(end, stop);
  }
  s.wall = end - spans.front().first;
  return s;
}

int64_t ns(const Json& us) {
  return std::llround(us.get<double>() * 1000);
}

void check_device(const trace::Trace& t, const Json& expected) {
  INFO("device " << expected.at("device"));
  const auto device =
      std::ranges::find(t.devices, expected.at("device").get<std::string>(), &trace::Device::id);
  REQUIRE(device != t.devices.end());
  const Sums s = sums_of(t, static_cast<uint32_t>(device - t.devices.begin()));
  CHECK(s.streams.size() == expected.at("streams").get<size_t>());
  CHECK(s.activities == expected.at("activities").get<int64_t>());
  CHECK(s.wall == ns(expected.at("wall_us")));
  CHECK(s.busy == ns(expected.at("busy_us")));
  CHECK(s.wall - s.busy == ns(expected.at("idle_us")));
  const char* kinds[] = {"contiguous", "dispatch", "fence", "stall"};
  for (int k = 0; k < 4; ++k) {
    INFO(kinds[k]);
    CHECK(s.count[k] == expected.at("kinds").at(kinds[k]).at("count").get<int64_t>());
    CHECK(s.ns[k] == ns(expected.at("kinds").at(kinds[k]).at("us")));
  }
  CHECK(s.overlaps == expected.at("same_stream_overlaps").at("count").get<int64_t>());
  CHECK(s.overlap_min == ns(expected.at("same_stream_overlaps").at("min_us")));
}

bool is_chrome(const std::string& file) {
  return file.starts_with("kineto_") || file.starts_with("edge_kineto_") ||
         file.starts_with("seed_layer_") || file.starts_with("torch_");
}

}  // namespace

TEST_CASE("import: every real Kineto file gives the figures that are known of it") {
  const Json expected = Json::parse(std::ifstream(tests::shared_file("traces/expected.json")));
  int files = 0;
  for (const Json& row : expected) {
    const std::string file = row.at("file");
    if (!is_chrome(file)) continue;
    ++files;
    INFO(file);
    const auto imported = trace::import_file(tests::shared_file("traces/" + file));
    REQUIRE(imported.ok());
    const trace::Trace& t = *imported->trace;
    CHECK(std::ranges::count(t.events, trace::EventKind::kernel, &trace::Event::kind) ==
          row.at("kernels").get<int64_t>());
    CHECK(std::ranges::count_if(t.events, [](const auto& e) {
            return e.kind != trace::EventKind::kernel;
          }) == row.at("copies").get<int64_t>());
    CHECK(t.devices.size() == row.at("devices").size());
    for (const Json& device : row.at("devices")) check_device(t, device);
    int64_t skipped = 0;
    for (const auto& [reason, count] : imported->report.skipped) skipped += count;
    CHECK(imported->report.read == imported->report.used + skipped);
    CHECK(imported->report.warnings.empty());
  }
  CHECK(files >= 14);
}

TEST_CASE("import: what a real file says about its collector, devices and launches") {
  SECTION("ROCm, one graph launch") {
    const auto imported = trace::import_file(
        tests::shared_file("traces/kineto_mi300x_sglang_qwen3-8b_decode.json.gz"));
    REQUIRE(imported.ok());
    const auto& [t, report, rank] = *imported;
    CHECK(rank == 0);
    CHECK(t->collector.name == "kineto+roctracer");
    CHECK(t->collector.version == "hip 7.2.53211, roctracer 4.1");
    CHECK(t->collector.clock == trace::ClockSource::roctracer);
    CHECK(report.format == "Kineto JSON, gzip");
    CHECK(report.resolution_ns == 1);
    CHECK(report.ties == 548);
    CHECK(report.skipped.at("python_function") == 821);
    CHECK(t->devices.at(0).vendor == "amd");
    CHECK(t->devices.at(0).id == "9");  // device 0 in the header: ROCm counts twice
    CHECK(t->devices.at(0).name == "AMD Instinct MI300X");
    CHECK(t->calls.size() == 29);
    CHECK(t->annotations.size() == 2);
    // One hipGraphLaunch has 544 kernels: correlation to launch is many to one.
    const auto launched = [&](const trace::Event& e) {
      return e.call != trace::kNone && t->strings[t->calls[e.call].name] == "hipGraphLaunch";
    };
    CHECK(std::ranges::count_if(t->events, launched) == 544);
  }
  SECTION("CUDA, with details of the launch") {
    const auto imported =
        trace::import_file(tests::shared_file("traces/kineto_h100_qwen1.5-0.5b_pairB.json.gz"));
    REQUIRE(imported.ok());
    const trace::Trace& t = *imported->trace;
    CHECK(t.collector.name == "kineto+cupti");
    CHECK(t.collector.version == "cuda 12.4, cupti 22, driver 12.9");
    CHECK(t.devices.at(0).name == "NVIDIA H100 80GB HBM3");
    const auto first = std::ranges::find(t.events, int64_t{675771}, &trace::Event::correlation);
    REQUIRE(first != t.events.end());
    const trace::Detail* d = t.detail_of(*first);
    REQUIRE(d);
    CHECK(d->grid == std::array<int32_t, 3>{17888, 1, 1});
    CHECK(d->block == std::array<int32_t, 3>{128, 1, 1});
    CHECK(d->registers == 16);
    CHECK(d->lds_bytes == 0);
    CHECK(first->start_ns + t.origin_ns == 1428625731622250);
    CHECK(first->duration_ns() == 18112);
  }
  SECTION("integer microseconds") {
    const auto imported =
        trace::import_file(tests::shared_file("traces/kineto_v100_tracediff_test_us_neg.json.gz"));
    REQUIRE(imported.ok());
    CHECK(imported->report.resolution_ns == 1000);
    CHECK(imported->report.overlaps == 31);
    CHECK(imported->report.caveats.empty());  // whole microseconds: the classifier says it, once
  }
  SECTION("no GPU activity") {
    const auto imported =
        trace::import_file(tests::shared_file("traces/edge_kineto_cpu_only_0_kernels.json.gz"));
    REQUIRE(imported.ok());
    CHECK(imported->trace->events.empty());
    CHECK(imported->trace->annotations.size() == 11);
    REQUIRE(imported->report.caveats.size() == 1);
    CHECK(imported->report.caveats[0].starts_with("no GPU activity"));
  }
}
