// Chrome JSON of other writers than Kineto: spans as B and E, and records whose process says that they are a GPU's.
#include <catch2/catch_test_macros.hpp>

#include "tests/support/packed.h"
#include "tests/support/temp_folder.h"
#include "trace/formats.h"

namespace {

trace::Imported import_records(const std::string& records) {
  static const tests::TempFolder folder;
  auto imported = trace::import_file(tests::write_file(folder / "x.json", "{\"traceEvents\": [" + records + "]}"));
  if (!imported.ok()) FAIL(imported.error().line());
  int64_t skipped = 0;
  for (const auto& [reason, count] : imported->report.skipped) skipped += count;
  CHECK(imported->report.read == imported->report.used + skipped);
  return std::move(*imported);
}

}  // namespace

TEST_CASE("import: spans in two halves, the inner ones ended first, each thread by itself") {
  const auto i = import_records(
      R"({"ph": "B", "cat": "kernel", "name": "a", "pid": 0, "tid": 7, "ts": 10.001, "args": {"device": 0, "stream": 3, "correlation": 5, "grid": [4, 1, 1]}},
         {"ph": "B", "cat": "cpu_op", "name": "host", "pid": 9, "tid": 9, "ts": 11}, {"ph": "B", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "pid": 9, "tid": 9, "ts": 12, "args": {"correlation": 5}},
         {"ph": "E", "pid": 9, "tid": 9, "ts": 13}, {"ph": "E", "pid": 9, "tid": 9, "ts": 14},
         {"ph": "E", "cat": "kernel", "name": "a", "pid": 0, "tid": 7, "ts": 15.003},
         {"ph": "E", "pid": 0, "tid": 7, "ts": 16},
         {"ph": "B", "cat": "gpu_memcpy", "name": "Memcpy HtoD", "pid": 0, "tid": 8, "ts": 20}, {"ph": "E", "pid": 0, "tid": 8, "ts": 19},
         {"ph": "B", "cat": "kernel", "name": "cut off", "pid": 0, "tid": 7, "ts": 30})");
  const auto& t = *i.trace;
  REQUIRE(t.events.size() == 1);
  CHECK(t.name_of(t.events[0]) == "a");
  CHECK((t.events[0].start_ns + t.origin_ns == 10'001 && t.events[0].duration_ns() == 5'002));
  CHECK(t.lanes[t.events[0].lane].stream == 3);
  CHECK(t.detail_of(t.events[0])->grid[0] == 4);
  REQUIRE(t.events[0].call != trace::kNone);
  CHECK(t.strings[t.calls[t.events[0].call].name] == "cudaLaunchKernel");
  CHECK(i.report.skipped == std::map<std::string, int64_t>{{"cpu_op", 2}, {"end without its begin", 1}, {"negative duration", 2}, {"begin without its end", 1}});
}

TEST_CASE("import: records without a category are a GPU's where their process is named after one") {
  const auto name = [](const char* what, int pid, int tid, const std::string& text) {
    return R"({"ph": "M", "name": ")" + std::string(what) + R"(", "pid": )" + std::to_string(pid) + R"(, "tid": )" + std::to_string(tid) + R"(, "args": {"name": ")" + text + "\"}},";
  };
  const auto span = [](int pid, int tid, const std::string& what, int ts) {
    return R"({"ph": "X", "pid": )" + std::to_string(pid) + R"(, "tid": ")" + std::to_string(tid) + R"(", "name": ")" + what + R"(", "ts": ")" + std::to_string(ts) + R"(", "dur": "5"},)";
  };
  const auto xla = import_records(name("process_name", 1, 0, "/host:vm /device:GPU:3") + name("thread_name", 1, 14, "Stream #14(Compute)") + name("thread_name", 1, 15, "XLA Ops") +
                                  name("process_name", 2, 0, "/host:CPU") + span(1, 14, "loop_fusion", 10) + span(1, 14, "MemcpyD2H", 20) + span(1, 15, "fusion.1", 10) + span(2, 1, "python", 1) +
                                  R"({"ph": "i", "ts": 1})");
  REQUIRE(xla.trace->events.size() == 2);
  CHECK(xla.trace->events[1].kind == trace::EventKind::memcpy);
  CHECK((xla.trace->devices[0].id == "3" && xla.trace->lanes[0].stream == 14 && xla.trace->lanes[0].label == "Stream #14(Compute)"));
  CHECK(xla.report.skipped.at("no category") == 2);
  const auto rocprof = import_records(name("process_name", 2, 0, "0 CPU HIP API") + name("process_name", 6, 0, "6 GPU0") + span(2, 1, "hipLaunchKernel", 1) + span(6, 1, "gemm.kd", 10) + span(6, 1, "CopyDeviceToHost", 20) +
                                      R"({"ph": "i", "ts": 1})");
  REQUIRE(rocprof.trace->events.size() == 2);
  CHECK(rocprof.trace->devices[0].id == "0");
  CHECK(rocprof.trace->events[1].kind == trace::EventKind::memcpy);
}
