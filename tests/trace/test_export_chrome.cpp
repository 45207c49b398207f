// There and back: a trace written as Kineto JSON comes back the same.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <tuple>

#include "tests/support/random_trace.h"
#include "tests/support/shared_files.h"
#include "tests/support/temp_folder.h"
#include "trace/export_chrome.h"
#include "trace/formats.h"
#include "trace/trace_check.h"

namespace {

using trace::Trace;

// Everything of an event in values that do not depend on the order of interning.
auto content(const Trace& t, const trace::Event& e) {
  const trace::Lane& lane = t.lanes[e.lane];
  const trace::Detail* d = t.detail_of(e);
  const int64_t call = e.call == trace::kNone ? -1 : t.calls[e.call].start_ns;
  return std::tuple(e.start_ns, e.end_ns, e.correlation, t.name_of(e), t.devices[lane.device].id,
                    lane.stream, t.op_of(e), e.step, e.kind, e.category, call,
                    d ? *d : trace::Detail{});
}

void check_same(const Trace& a, const Trace& b) {
  CHECK(a.origin_ns == b.origin_ns);
  CHECK(a.collector.name == b.collector.name);
  CHECK(a.collector.version == b.collector.version);
  CHECK(a.collector.clock == b.collector.clock);
  CHECK(a.collector.resolution_ns == b.collector.resolution_ns);
  REQUIRE(a.devices.size() == b.devices.size());
  for (size_t i = 0; i < a.devices.size(); ++i) {
    CHECK(a.devices[i].id == b.devices[i].id);
    CHECK(a.devices[i].name == b.devices[i].name);
    CHECK(a.devices[i].vendor == b.devices[i].vendor);
  }
  REQUIRE(a.lanes.size() == b.lanes.size());
  for (size_t i = 0; i < a.lanes.size(); ++i) {
    CHECK(a.lanes[i].label == b.lanes[i].label);
    CHECK(a.lanes[i].kind == b.lanes[i].kind);
    CHECK(a.lanes[i].logical == b.lanes[i].logical);
    CHECK(a.lanes[i].count == b.lanes[i].count);
  }
  REQUIRE(a.events.size() == b.events.size());
  size_t different = 0;
  for (size_t i = 0; i < a.events.size(); ++i)
    different += content(a, a.events[i]) != content(b, b.events[i]);
  CHECK(different == 0);
  REQUIRE(a.calls.size() == b.calls.size());
  for (size_t i = 0; i < a.calls.size(); ++i) {
    const auto &x = a.calls[i], &y = b.calls[i];
    different += std::tuple(x.start_ns, x.end_ns, x.correlation, x.thread) !=
                     std::tuple(y.start_ns, y.end_ns, y.correlation, y.thread) ||
                 a.strings[x.name] != b.strings[y.name];
  }
  CHECK(different == 0);
  REQUIRE(a.annotations.size() == b.annotations.size());
  for (size_t i = 0; i < a.annotations.size(); ++i) {
    const auto &x = a.annotations[i], &y = b.annotations[i];
    different +=
        std::tuple(x.start_ns, x.end_ns, x.thread) != std::tuple(y.start_ns, y.end_ns, y.thread) ||
        a.strings[x.name] != b.strings[y.name];
  }
  CHECK(different == 0);
  REQUIRE(a.edges.size() == b.edges.size());
  for (size_t i = 0; i < a.edges.size(); ++i)
    CHECK((a.edges[i].from == b.edges[i].from && a.edges[i].to == b.edges[i].to));
}

trace::TracePtr there_and_back(const Trace& t, const char* name) {
  static const tests::TempFolder folder;
  REQUIRE(trace::export_chrome(t, folder / name).ok());
  const auto back = trace::import_file(folder / name);
  REQUIRE(back.ok());
  CHECK(back->report.warnings.empty());
  CHECK(trace::check_trace(*back->trace).ok());
  return back->trace;
}

}  // namespace

TEST_CASE("export: real Kineto files come back the same") {
  for (const auto& row :
       nlohmann::json::parse(std::ifstream(tests::shared_file("traces/expected.json")))) {
    const std::string file = row.at("file");
    if (!file.starts_with("kineto_") && !file.starts_with("edge_kineto_") &&
        !file.starts_with("seed_layer_") && !file.starts_with("torch_"))
      continue;
    INFO(file);
    const auto imported = trace::import_file(tests::shared_file("traces/" + file));
    REQUIRE(imported.ok());
    check_same(
        *imported->trace,
        *there_and_back(*imported->trace, file.starts_with("seed") ? "x.json" : "x.json.gz"));
  }
}

TEST_CASE("export: random traces come back the same") {
  auto random = tests::fresh_random();
  for (int round = 0; round < 30; ++round) {
    tests::RandomShape shape;
    shape.edges = 0.3;
    const auto drawn = tests::random_trace(random, shape);
    check_same(*drawn, *there_and_back(*drawn, "random.json"));
  }
}

TEST_CASE("export: what only our own recordings hold comes back too") {
  trace::TraceBuilder b;
  b.header().collector = {"decodescope host clock", "0.1", trace::ClockSource::host, 1};
  const auto device = b.device("cpu \"0\"");
  b.header().devices[device] = {"cpu \"0\"", "a \\ machine", "cpu"};
  const auto lane = b.lane(device, -2);
  b.header().lanes[lane].kind = trace::LaneKind::host;
  b.header().lanes[lane].label = "worker 2";
  trace::Detail d;
  d.bytes = int64_t{1} << 40;
  d.flops = 123;
  d.layer = 3;
  const auto first = b.add({.start_ns = -1500,
                            .end_ns = -1,
                            .name = b.intern("main_kernel"),
                            .lane = lane,
                            .detail = b.detail(d),
                            .step = 7,
                            .op = b.op("topk"),
                            .category = trace::Category::indexer});
  const auto second = b.add({.start_ns = 0,
                             .end_ns = 1,
                             .correlation = 1,
                             .name = b.intern("nvjet\n\"\x01"),
                             .lane = lane,
                             .step = 0});
  b.add_edge(first, second);
  b.add_call({.start_ns = -3000,
              .end_ns = -2000,
              .correlation = 1,
              .name = b.intern("call"),
              .thread = -5});
  b.add_call({.start_ns = -3000, .end_ns = -2500, .name = b.intern("other call")});
  b.add_annotation({-4000, 5000, b.intern("step \xf0\x9f\x98\x80"), 3});
  const auto t = b.finish();
  check_same(*t, *there_and_back(*t, "own.json"));
  std::string text;
  trace::write_chrome(*t, [&](std::string_view part) { text += part; });
  CHECK(nlohmann::json::accept(text));
}

TEST_CASE("export: a file that cannot be written is an error, and what was there stays") {
  const tests::TempFolder folder;
  const auto status =
      trace::export_chrome(*trace::TraceBuilder().finish(), folder / "no such folder/x.json");
  REQUIRE_FALSE(status.ok());
  CHECK_THAT(status.error().line(),
             Catch::Matchers::ContainsSubstring("No such file or directory"));
  if (std::filesystem::exists("/dev/full")) {
    std::filesystem::create_symlink("/dev/full", folder / "full.json.part");
    CHECK_FALSE(trace::export_chrome(*trace::TraceBuilder().finish(), folder / "full.json").ok());
  }
}
