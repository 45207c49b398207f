// What an importer does with files as one meets them: layouts, odd records, compression, errors.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <sys/stat.h>

#include "tests/support/packed.h"
#include "tests/support/temp_folder.h"
#include "trace/formats.h"
#include "trace/generate_kineto.h"

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

const tests::TempFolder& folder() {
  static tests::TempFolder f;
  return f;
}

trace::Result<trace::Imported> import_text(std::string_view text, const char* name = "x.json",
                                           const trace::ImportOptions& options = {}) {
  return trace::import_file(tests::write_file(folder() / name, text), options);
}

// The importer's answer to records between "[" and "]".
trace::Imported import_records(const std::string& records) {
  auto imported = import_text("{\"traceEvents\": [" + records + "]}");
  REQUIRE(imported.ok());
  const auto& report = imported->report;
  int64_t skipped = 0;
  for (const auto& [reason, count] : report.skipped) skipped += count;
  CHECK(report.read == report.used + skipped);
  return std::move(*imported);
}

std::string kernel(const std::string& name, const std::string& ts, const std::string& dur,
                   const std::string& args = {}) {
  return "{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"" + name +
         "\", \"pid\": 0, \"tid\": 7, \"ts\": " + ts + ", \"dur\": " + dur + ", \"args\": {" +
         args + "}}";
}

}  // namespace

TEST_CASE("import: layouts of the root") {
  const std::string one = kernel("k", "10", "5");
  for (const std::string& text :
       {"{\"traceEvents\":[" + one + "]}", "[" + one + "]", "[" + one + ",\n",
        "\xef\xbb\xbf [\n" + one + " ]",
        "{\"metadata\": {\"traceEvents\": [1, 2], \"a\": \"]}\"}, \"schemaVersion\": 1, "
        "\"traceEvents\": [ " +
            one + " ] , \"traceName\": \"x]}\"}",
        "{\"traceEvents\": [], \"displayTimeUnit\": \"ms\", \"traceEvents\": [" + one + ",]}"}) {
    INFO(text);
    const auto imported = import_text(text);
    REQUIRE(imported.ok());
    CHECK(imported->trace->events.size() == 1);
    CHECK(imported->report.warnings.empty());
    CHECK(imported->trace->title == "x.json");
  }
}

TEST_CASE("import: an event's fields in any order, from old writers and new") {
  const auto i = import_records(
      R"({"args": {"stream": 9, "device": 3, "correlation": 77, "grid": [4, 2, 1], "block": [64, 1, 1], "registers per thread": 32,
          "shared memory": 1024, "graph node id": 5, "hsa_queue": 2}, "dur": "2.5", "ts": "1000.001", "tid": 1, "pid": 2, "name": "a", "cat": "Kernel", "ph": "X"},
         {"ph": "X", "cat": "Memcpy", "name": "Memcpy DtoD", "pid": 3, "tid": 9, "ts": 900, "dur": 1, "args": {"bytes": 12345678901, "correlation": 10159970886766084423}},
         {"ph": "X", "cat": "Memset", "name": "Memset", "pid": "3", "tid": "9", "ts": 950, "dur": 0},
         {"ph": "X", "cat": "Runtime", "name": "cudaLaunchKernel", "pid": 1, "tid": 5, "ts": 1, "dur": 2, "args": {"correlation": 77}},
         {"ph": "X", "cat": "user_annotation", "name": "step \u0031 \"q\"", "pid": 1, "tid": 5, "ts": 0.5, "dur": 2000})");
  const trace::Trace& t = *i.trace;
  REQUIRE(t.events.size() == 3);
  REQUIRE(t.devices.size() == 1);
  CHECK(t.devices[0].id == "3");
  REQUIRE(t.lanes.size() == 1);
  CHECK(t.lanes[0].stream == 9);
  CHECK(t.events[0].kind == trace::EventKind::memcpy);
  CHECK(t.events[0].category == trace::Category::copy);
  CHECK(t.detail_of(t.events[0])->bytes == 12345678901);
  CHECK(t.events[0].correlation == static_cast<int64_t>(10159970886766084423u));
  CHECK(t.events[1].kind == trace::EventKind::memset);
  CHECK(t.events[1].duration_ns() == 0);
  const trace::Event& k = t.events[2];
  CHECK(k.start_ns + t.origin_ns == 1000001);
  CHECK(k.duration_ns() == 2500);
  REQUIRE(k.call == 0);
  CHECK(t.strings[t.calls[0].name] == "cudaLaunchKernel");
  const trace::Detail expected{.grid = {4, 2, 1},
                               .block = {64, 1, 1},
                               .registers = 32,
                               .lds_bytes = 1024,
                               .graph_node = 5,
                               .hsa_queue = 2};
  CHECK(*t.detail_of(k) == expected);
  REQUIRE(t.annotations.size() == 1);
  CHECK(t.strings[t.annotations[0].name] == "step 1 \"q\"");
  CHECK(t.annotations[0].thread == 5);
}

TEST_CASE("import: records that are not used are counted by reason") {
  const auto i = import_records(
      kernel("k", "5", "1") + "," + kernel("a", "\"x\"", "1") + "," + kernel("b", "NaN", "1") +
      "," + kernel("c", "5", "-1") + "," + kernel("d", "1e300", "1") + "," +
      kernel("e", "5", "null") +
      R"(, {"ph": "X", "cat": "kernel", "name": "no dur", "ts": 1}, {"ph": "X", "cat": "kernel", "dur": 1}, {"ph": "X", "ts": 1, "dur": 1},
         {"ph": "X", "cat": "cpu_op", "name": "aten::add", "ts": 1, "dur": 1, "args": {"deep": [[[[{}]]]]}},
         {"ph": "X", "cat": "gpu_user_annotation", "ts": 1, "dur": 1}, {"ph": "X", "cat": "cuda_sync", "tid": 1000007, "ts": 1, "dur": 1},
         {"ph": "B", "cat": "cpu_op", "ts": 1}, {"ph": "E", "ts": 2}, {"ph": "i", "ts": 2}, {"ph": "C", "ts": 2}, {"ph": "b", "ts": 2}, {"name": "nothing"}, {},
         {"ph": "f", "cat": "fwdbwd", "id": 1, "pid": 1, "tid": 1, "ts": 1}, 5, "text", null, [1, {"ph": "X"}],
         {"name": "process_sort_index", "ph": "M", "args": {"sort_index": 3}}, {"name": "process_name", "ph": "M", "pid": 1, "args": {"name": "python"}})");
  CHECK(i.trace->events.size() == 1);
  CHECK(i.report.read == 25 + 1);
  CHECK(i.report.used == 2);
  const std::map<std::string, int64_t> expected{{"unreadable time", 4},
                                                {"negative duration", 1},
                                                {"no duration", 1},
                                                {"no time", 1},
                                                {"no category", 1},
                                                {"cpu_op", 3},
                                                {"gpu_user_annotation", 1},
                                                {"cuda_sync", 1},
                                                {"instant events", 1},
                                                {"counters", 1},
                                                {"other phases", 1},
                                                {"no phase", 2},
                                                {"flow fwdbwd", 1},
                                                {"not an object", 4},
                                                {"display order", 1}};
  CHECK(i.report.skipped == expected);
}

TEST_CASE("import: duplicate keys, odd names, lanes of text") {
  const std::string longname(5000, 'n');
  const auto i = import_records(
      R"({"ph": "B", "ph": "X", "cat": "cpu_op", "cat": "kernel", "name": "x", "ts": 1, "ts": 2, "dur": 1, "pid": 0, "tid": 0},)" +
      kernel(longname, "3", "1") +
      R"(, {"ph": "X", "cat": "kernel", "name": "t", "pid": "GPU a", "tid": "queue 4", "ts": 5, "dur": 1},
                                {"ph": "X", "cat": "kernel", "name": 17, "pid": 0, "tid": 7, "ts": 6, "dur": 1}, {"ph": "M", "name": "thread_name", "pid": 0, "tid": 7, "args": {"name": "side stream "}})");
  CHECK(i.report.skipped == std::map<std::string, int64_t>{{"cpu_op", 1}});
  REQUIRE(i.trace->lanes.size() == 2);
  CHECK(i.trace->lanes[0].label == "side stream");
  CHECK(i.trace->strings[i.trace->lane_events(0)[0].name] == longname);
  CHECK(i.trace->devices[1].id == "GPU a");
  CHECK(i.trace->lanes[1].stream == 4);
  CHECK(i.trace->lanes[1].label == "queue 4");
}

TEST_CASE("import: a time of 0 is an event near 0 and none far from it") {
  const auto near = import_records(kernel("a", "0", "1") + "," + kernel("b", "5", "1"));
  CHECK(near.trace->events.size() == 2);
  const auto far =
      import_records(kernel("a", "0", "1") + "," + kernel("b", "4203669603771.648", "1"));
  CHECK(far.trace->events.size() == 1);
  CHECK(far.report.skipped.at("time 0 in a file that begins far from it") == 1);
}

TEST_CASE("import: flows link what has no correlation") {
  const auto i = import_records(
      R"({"ph": "X", "cat": "cuda_runtime", "name": "launch", "pid": 1, "tid": 5, "ts": 1.5, "dur": 1}, {"ph": "s", "cat": "ac2g", "id": 3, "pid": 1, "tid": 5, "ts": 1.5},
         {"ph": "f", "cat": "async_cpu_to_gpu", "id": 3, "pid": 0, "tid": 7, "ts": 10.25, "bp": "e"},)" +
      kernel("k", "10.25", "1") + "," + kernel("unlinked", "20", "1"));
  REQUIRE(i.trace->events.size() == 2);
  CHECK(i.trace->events[0].correlation == 3);
  CHECK(i.trace->events[0].call == 0);
  CHECK(i.trace->events[1].correlation == trace::kNoCorrelation);
  CHECK(i.report.used == 5);
}

TEST_CASE("import: collectors are told apart") {
  const auto collector = [](const std::string& head) {
    auto imported = import_text("{" + head + "\"traceEvents\": [" + kernel("k", "1", "1") + "]}");
    REQUIRE(imported.ok());
    return imported->trace->collector.name + " " + imported->trace->devices.at(0).vendor;
  };
  CHECK(collector("") == "kineto ");
  CHECK(collector("\"hip_runtime_version\": 60443483,") == "kineto+roctracer amd");
  CHECK(collector("\"cupti_version\": 22,") == "kineto+cupti nvidia");
  CHECK(collector("\"deviceProperties\": [{\"id\": 0, \"name\": \"\", \"warpSize\": 64}],") ==
        "kineto+roctracer amd");
  CHECK(collector("\"deviceProperties\": [{\"id\": 0, \"name\": \"NVIDIA H200\"}],") ==
        "kineto+cupti nvidia");
  CHECK(collector("\"deviceProperties\": [5, {\"id\": []}],") == "kineto ");
}

TEST_CASE("import: gzip in several members, zstd, and both cut short") {
  std::string text;
  const auto totals = trace::generate_kineto({.events = 3000, .seed = 7},
                                             [&](std::string_view part) { text += part; });
  const auto check = [&](const std::string& bytes, const char* format) {
    const auto imported = import_text(bytes, "packed");
    REQUIRE(imported.ok());
    CHECK(imported->report.format == format);
    CHECK(static_cast<int64_t>(imported->trace->events.size()) == totals.kernels + totals.copies);
    CHECK(imported->report.warnings.empty());
  };
  const size_t middle = text.size() / 2;
  check(text, "Kineto JSON");
  check(tests::gzipped(text), "Kineto JSON, gzip");
  check(tests::gzipped(text.substr(0, middle)) + tests::gzipped(text.substr(middle)),
        "Kineto JSON, gzip");
  check(tests::gzipped(text) + std::string(512, '\0'), "Kineto JSON, gzip");
  check(tests::zstd_compressed(text), "Kineto JSON, zstd");
  check(
      tests::zstd_compressed(text.substr(0, middle)) + tests::zstd_compressed(text.substr(middle)),
      "Kineto JSON, zstd");
  for (const auto& packed : {tests::gzipped(text), tests::zstd_compressed(text)}) {
    const auto imported = import_text(packed.substr(0, packed.size() * 3 / 4), "cut");
    REQUIRE(imported.ok());
    CHECK(imported->trace->events.size() > 20);
    for (const auto& w : imported->report.warnings) UNSCOPED_INFO(w);
    REQUIRE(imported->report.warnings.size() == 1);
    CHECK_THAT(imported->report.warnings[0], ContainsSubstring("ends early, at byte"));
  }
  std::string damaged = tests::gzipped(text);
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
  const auto imported = import_text(damaged, "damaged");
  REQUIRE(imported.ok());
  CHECK_FALSE(imported->report.warnings.empty());
}

TEST_CASE("import: errors say what and where") {
  const auto error_of = [](const trace::Result<trace::Imported>& result) {
    REQUIRE_FALSE(result.ok());
    return result.error().line();
  };
  CHECK_THAT(error_of(trace::import_file(folder() / "absent.json")),
             ContainsSubstring("No such file") && ContainsSubstring("absent.json"));
  CHECK_THAT(error_of(trace::import_file(folder().path())), StartsWith("this is a folder"));
  CHECK_THAT(error_of(trace::import_file("/dev/null")), StartsWith("this is no plain file"));
  CHECK_THAT(error_of(import_text("")), StartsWith("the file is empty"));
  for (const char* alien : {"hello", "{\"a\": 1}", "[1, 2, 3]",
                            "\x7f"
                            "ELF",
                            "<html>", "   ", "{", "[", "\"ph\""}) {
    INFO(alien);
    CHECK_THAT(error_of(import_text(alien)), ContainsSubstring("known are: Kineto JSON"));
  }
  CHECK_THAT(error_of(import_text("{\"schemaVersion\": 1, \"x\": [\"traceEvents\"]}")),
             ContainsSubstring("no traceEvents"));
  CHECK_THAT(error_of(import_text("{\"schemaVersion\": 1, \"x\": [1,")),
             ContainsSubstring("ends before its traceEvents"));
  CHECK_THAT(error_of(import_text(tests::gzipped("not a trace"))), ContainsSubstring("known are"));
  CHECK_THAT(error_of(import_text("\x1f\x8bgarbage")), ContainsSubstring("gzip data is damaged"));
  if (::geteuid() != 0) {
    const std::string locked = tests::write_file(folder() / "locked.json", "[]");
    ::chmod(locked.c_str(), 0);
    CHECK_THAT(error_of(trace::import_file(locked)), ContainsSubstring("Permission denied"));
  }
}

TEST_CASE("import: progress, cancel, and a limit on the decompressed size") {
  std::string text;
  trace::generate_kineto({.events = 40'000, .seed = 3},
                         [&](std::string_view part) { text += part; });
  trace::ImportOptions options;
  int64_t last = 0, total = 0;
  options.progress = [&](int64_t done, int64_t of) { last = done, total = of; };
  REQUIRE(import_text(text, "x.json", options).ok());
  CHECK(last == static_cast<int64_t>(text.size()));
  CHECK(total == last);
  REQUIRE(import_text(tests::gzipped(text), "x.json.gz", options).ok());
  CHECK(total == static_cast<int64_t>(text.size()));

  std::atomic<bool> cancel{false};
  options.cancel = &cancel;
  options.progress = [&](int64_t, int64_t) { cancel = true; };
  const auto cancelled = import_text(text, "x.json", options);
  REQUIRE_FALSE(cancelled.ok());
  CHECK(cancelled.error().what == "cancelled");

  trace::ImportOptions small;
  small.max_bytes = 1 << 20;
  const auto limited = import_text(tests::gzipped(text), "x.json.gz", small);
  REQUIRE(limited.ok());
  CHECK(limited->trace->events.size() > 100);
  REQUIRE(limited->report.warnings.size() == 1);
  CHECK_THAT(limited->report.warnings[0], ContainsSubstring("more than 1048576 bytes"));
}

TEST_CASE("import: a generated file gives what was generated") {
  std::string text;
  const auto totals = trace::generate_kineto({.events = 10'000, .seed = 11},
                                             [&](std::string_view part) { text += part; });
  CHECK(totals.events == 10'000);
  CHECK(totals.bytes == static_cast<int64_t>(text.size()));
  std::string again;
  trace::generate_kineto({.events = 10'000, .seed = 11},
                         [&](std::string_view part) { again += part; });
  CHECK(text == again);
  const auto imported = import_text(text);
  REQUIRE(imported.ok());
  CHECK(imported->report.read == totals.events);
  CHECK(imported->report.used ==
        totals.kernels + totals.copies + totals.calls + totals.annotations + totals.flows);
  CHECK(imported->report.skipped ==
        std::map<std::string, int64_t>{{"cpu_op", totals.operators},
                                       {"python_function", totals.python_frames}});
  CHECK(static_cast<int64_t>(imported->trace->calls.size()) == totals.calls);
  CHECK(imported->trace->lanes.size() == 2);
}
