// rocprofv3 JSON and CSV: the published files to the nanosecond, and what versions and options of
// the collector add to them.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "tests/support/expected_figures.h"
#include "tests/support/packed.h"
#include "tests/support/temp_folder.h"

namespace {

trace::Result<trace::Imported> import_text(std::string_view text, const std::string& name = "x.json") {
  static const tests::TempFolder folder;
  return trace::import_file(tests::write_file(folder / name, text));
}

trace::Imported import_whole(std::string_view text, const std::string& name = "x.json") {
  auto imported = import_text(text, name);
  if (!imported.ok()) FAIL(imported.error().line());
  tests::check_counts(imported->report);
  return std::move(*imported);
}

std::string dispatch(int agent, int queue, int start, int end, int kernel = 1, int correlation = 1) {
  const auto n = [](int i) { return std::to_string(i); };
  return R"({"size":184,"kind":1,"operation":1,"thread_id":7,"correlation_id":{"internal":)" + n(correlation) +
         R"(,"external":0},"start_timestamp":)" + n(start) + R"(,"end_timestamp":)" + n(end) +
         R"(,"dispatch_info":{"agent_id":{"handle":)" + n(agent) + R"(},"queue_id":{"handle":)" + n(queue) +
         R"(},"kernel_id":)" + n(kernel) +
         R"(,"dispatch_id":1,"group_segment_size":512,"workgroup_size":{"x":64,"y":2,"z":1},"grid_size":{"x":1000,"y":2,"z":1}},"stream_id":{"handle":3}})";
}

std::string process(const std::string& records, int pid = 11, int agent = 40) {
  return R"({"metadata":{"node":{"machine_id":"m"},"pid":)" + std::to_string(pid) + R"(},"agents":[{"id":{"handle":)" + std::to_string(agent) +
         R"(},"type":2,"name":"gfx950","product_name":"AMD Instinct MI355X","vendor_name":"AMD","node_id":2},{"id":{"handle":1},"type":1,"node_id":0}],)"
         R"("strings":{"buffer_records":[{"kind":"NONE","operations":[]},{"kind":"KERNEL_DISPATCH","operations":["NONE","ENQUEUE"]},{"kind":"HIP_RUNTIME_API","operations":["none","hipLaunchKernel"]},)"
         R"({"kind":"MEMORY_COPY","operations":["MEMORY_COPY_NONE","MEMORY_COPY_HOST_TO_DEVICE"]},{"kind":"HIP_EVENT","operations":["HIP_EVENT_NONE","HIP_EVENT_RECORD","HIP_EVENT_WAIT"]},)"
         R"({"kind":"MARKER_CORE_RANGE_API","operations":["roctxMarkA","roctxThreadRangeA"]}],"marker_api":[{"key":9,"value":"step 1"}]},)"
         R"("kernel_symbols":[{"kernel_id":1,"kernel_name":"k1.kd","formatted_kernel_name":"gemm<\"x\">","arch_vgpr_count":32,"accum_vgpr_count":8},{"kernel_id":2,"kernel_name":"k2.kd"}],)"
         R"("buffer_records":{)" + records + "}}";
}

std::string file(const std::string& processes) { return R"({"rocprofiler-sdk-tool":[)" + processes + "]}"; }

constexpr const char* kPairTrain = "rocprofv3_mi350x_train_5queues.json.gz";

}  // namespace

TEST_CASE("rocprofv3 JSON: the published training trace to the nanosecond") {
  const auto imported = tests::import_published(kPairTrain);
  tests::check_figures(*imported.trace, tests::expected_of(kPairTrain));
  tests::check_counts(imported.report);
  CHECK(imported.report.used == 43915);
  CHECK(imported.report.format == "rocprofv3 JSON, gzip");
  CHECK(imported.report.collector == "rocprofv3");
  const auto devices = trace::active_devices(*imported.trace);
  CHECK(imported.trace->devices[devices.at(0)].name == "AMD Instinct MI350X");
  CHECK(imported.trace->devices[devices.at(0)].vendor == "amd");
  CHECK(tests::any_contains(imported.report.caveats, "thread trace"));
}

TEST_CASE("rocprofv3 CSV: nine kernels, ties and order as documented") {
  const auto imported = tests::import_published("edge_rocprofv3_kernel_trace_docs.csv");
  const auto& t = *imported.trace;
  tests::check_counts(imported.report);
  REQUIRE(t.events.size() == 9);
  CHECK(imported.report.read == 9);
  for (const auto& e : t.events) CHECK(e.kind == trace::EventKind::kernel);
  // By start on each queue; four of the five gaps on one queue are exactly 0, the fifth is 2200 ns.
  int ties = 0, others = 0;
  for (uint32_t lane = 0; lane < t.lanes.size(); ++lane) {
    const auto events = t.lane_events(lane);
    for (size_t i = 1; i < events.size(); ++i) {
      const int64_t gap = events[i].start_ns - events[i - 1].end_ns;
      if (gap == 0) ++ties;
      else if (gap == 2200) ++others;
      else FAIL("a gap of " << gap);
    }
  }
  CHECK((ties == 4 && others == 1));
  CHECK(imported.report.ties == 4);
  // Grid sizes are work-items: 1024 by groups of 64.
  const auto* detail = t.detail_of(t.events.front());
  REQUIRE(detail);
  CHECK((detail->grid[0] == 16 && detail->block[0] == 64));
}

TEST_CASE("rocprofv3 JSON: kernels, copies, calls and ranges with what belongs to them") {
  const auto imported = import_whole(file(process(
      R"("kernel_dispatch":[)" + dispatch(40, 3, 1000, 1500) + "," + dispatch(40, 3, 1500, 1600, 2, 5) + "," + dispatch(40, 4, 1700, 1600) + "," + dispatch(40, 4, 1700, 1800, 99) +
      R"(],"hip_api":[{"kind":2,"operation":1,"thread_id":7,"correlation_id":{"internal":1},"start_timestamp":900,"end_timestamp":950}],)"
      R"("hsa_api":[{"kind":0,"operation":1,"start_timestamp":1,"end_timestamp":2}],)"
      R"("marker_api":[{"kind":5,"operation":1,"thread_id":7,"correlation_id":{"internal":9},"start_timestamp":800,"end_timestamp":2000}],)"
      R"("memory_copy":[{"kind":3,"operation":1,"correlation_id":{"internal":2},"start_timestamp":1900,"end_timestamp":1950,"src_agent_id":{"handle":1},"dst_agent_id":{"handle":40},"bytes":64},)"
      R"({"kind":3,"operation":0,"correlation_id":{"internal":3},"start_timestamp":1900,"end_timestamp":1950,"src_agent_id":{"handle":1},"dst_agent_id":{"handle":1},"bytes":64}])")));
  const auto& t = *imported.trace;
  REQUIRE(t.events.size() == 4);
  REQUIRE(t.lanes.size() == 3);
  CHECK(t.lanes[0].label == "copies");
  CHECK((t.lanes[1].stream == 3 && t.lanes[1].label == "queue 3"));
  const auto& gemm = t.lane_events(1)[0];
  CHECK(t.name_of(gemm) == "gemm<\"x\">");
  CHECK(t.name_of(t.lane_events(1)[1]) == "k2");
  CHECK(t.name_of(t.lane_events(2)[0]) == "kernel 99 (no symbol in the file)");
  const auto* detail = t.detail_of(gemm);
  REQUIRE(detail);
  CHECK((detail->grid == std::array<int32_t, 3>{16, 1, 1} && detail->block == std::array<int32_t, 3>{64, 2, 1}));
  CHECK((detail->registers == 40 && detail->lds_bytes == 512 && detail->hsa_queue == 3));
  REQUIRE(gemm.call != trace::kNone);
  CHECK(t.strings[t.calls[gemm.call].name] == "hipLaunchKernel");
  REQUIRE(t.annotations.size() == 1);
  CHECK(t.strings[t.annotations[0].name] == "step 1");
  const auto& copy = t.lane_events(0)[0];
  CHECK((copy.kind == trace::EventKind::memcpy && t.detail_of(copy)->bytes == 64));
  CHECK(t.name_of(copy) == "Memcpy HOST_TO_DEVICE");
  const auto& skipped = imported.report.skipped;
  CHECK(skipped.at("negative duration") == 1);
  CHECK(skipped.at("hsa_api") == 1);
  CHECK(skipped.at("copies from host to host") == 1);
  CHECK(imported.report.read == 9);
}

TEST_CASE("rocprofv3 JSON: two processes on one GPU share the device, never a queue or a correlation") {
  const auto imported = import_whole(file(
      process(R"("kernel_dispatch":[)" + dispatch(40, 3, 1000, 1500) + R"(],"hip_api":[{"kind":2,"operation":1,"correlation_id":{"internal":1},"start_timestamp":900,"end_timestamp":950}])") + "," +
      process(R"("kernel_dispatch":[)" + dispatch(50, 3, 1200, 1700) + R"(],"hip_api":[{"kind":2,"operation":1,"correlation_id":{"internal":1},"start_timestamp":1100,"end_timestamp":1150}])", 12, 50)));
  const auto& t = *imported.trace;
  CHECK(trace::active_devices(t).size() == 1);
  REQUIRE(t.lanes.size() == 2);
  CHECK(t.lanes[1].label == "process 12, queue 3");
  REQUIRE(t.events.size() == 2);
  for (const auto& e : t.events) CHECK(t.calls[e.call].start_ns == e.start_ns - 100);
  CHECK(imported.report.overlaps == 0);
}

TEST_CASE("rocprofv3 JSON: a wait for a HIP event becomes a known dependency between queues") {
  const auto imported = import_whole(file(process(
      R"("kernel_dispatch":[)" + dispatch(40, 3, 1000, 1500) + "," + dispatch(40, 3, 5000, 6000) + "," + dispatch(40, 4, 1100, 1200) + "," + dispatch(40, 4, 1560, 1800) +
      R"(],"hip_event":[{"kind":4,"operation":2,"agent_id":{"handle":40},"queue_id":{"handle":4},"source_queue_id":{"handle":3},"hip_event_handle":5,"start_timestamp":1250,"end_timestamp":1550},)"
      R"({"kind":4,"operation":1,"agent_id":{"handle":40},"queue_id":{"handle":3},"hip_event_handle":5,"start_timestamp":1500,"end_timestamp":1510}])")));
  const auto& t = *imported.trace;
  REQUIRE(t.edges.size() == 1);
  CHECK(t.events[t.edges[0].from].end_ns - t.events[t.edges[0].to].start_ns == -60);
  CHECK(t.annotations.size() == 2);
  const auto r = trace::classify(t, trace::whole(t, 0));
  REQUIRE(r.bubbles.size() == 2);
  CHECK((r.bubbles[0].cause == trace::BubbleCause::fork && !r.bubbles[0].cause_is_guess));
}

TEST_CASE("rocprofv3 JSON: symbols behind their dispatches, one process without an array, unknown members") {
  std::string text = process(R"("kernel_dispatch":[)" + dispatch(40, 3, 1000, 1500) + "]");
  const size_t from = text.find(R"("kernel_symbols")"), to = text.find(R"("buffer_records":{"kernel)");
  const std::string symbols = text.substr(from, to - from);
  text.erase(from, to - from);
  text.insert(text.size() - 1, ", " + symbols.substr(0, symbols.size() - 1));
  // Behind a byte order mark, too.
  const auto imported = import_whole("\xef\xbb\xbf" R"({"later": [1, {"a": 2}], "rocprofiler-sdk-tool": )" + text + "}");
  CHECK(imported.trace->name_of(imported.trace->events.at(0)) == "gemm<\"x\">");
  CHECK(imported.report.warnings.empty());
}

TEST_CASE("rocprofv3 JSON: cut at any place, records before the cut are kept") {
  const std::string whole = file(process(R"("kernel_dispatch":[)" + dispatch(40, 3, 1000, 1500) + "," + dispatch(40, 3, 1500, 1600) + R"(],"memory_copy":[])"));
  const size_t records = whole.find(R"("kernel_dispatch")");
  for (size_t cut = whole.find('[') + 1; cut < whole.size(); cut += 7) {
    INFO("cut at " << cut);
    const auto imported = import_text(whole.substr(0, cut));
    REQUIRE(imported.ok());
    tests::check_counts(imported->report);
    CHECK(imported->report.warnings.size() == 1);
    if (cut < records) CHECK(imported->report.read == 0);
  }
  CHECK(import_whole(whole).report.read == 2);
}

TEST_CASE("rocprofv3 CSV: copies, calls, other columns, quotes, cut rows") {
  const auto copies = import_whole("\"Kind\",\"Direction\",\"Source_Agent_Id\",\"Destination_Agent_Id\",\"Correlation_Id\",\"Start_Timestamp\",\"End_Timestamp\"\n"
                                   "\"MEMORY_COPY\",\"HOST_TO_DEVICE\",0,1,7,100,200\n\"MEMORY_COPY\",\"DEVICE_TO_HOST\",2,0,7,300,400\n\"MEMORY_COPY\",\"HOST_TO_HOST\",0,0,7,300,400\n", "c.csv");
  CHECK(trace::active_devices(*copies.trace).size() == 2);
  CHECK(copies.report.skipped.at("copies from host to host") == 1);

  const auto calls = import_whole("Domain,Function,Process_Id,Thread_Id,Correlation_Id,Start_Timestamp,End_Timestamp\r\nHIP_API,hipMalloc,1,2,3,10,20\r\n", "a.csv");
  REQUIRE(calls.trace->calls.size() == 1);
  CHECK(tests::any_contains(calls.report.caveats, "no GPU activity"));

  const auto older = import_whole("Kind,Agent_Id,Queue_Id,Kernel_Id,Kernel_Name,Correlation_Id,Start_Timestamp,End_Timestamp\n"
                                  "KERNEL_DISPATCH,1,2,3,\"f(int, \"\"q\"\"\nx)\",4,100,150\nKERNEL_DISPATCH,1,2,3,g,4,100,abc\nKERNEL_DISPATCH,1,2,3,g,4,15", "k.csv");
  REQUIRE(older.trace->events.size() == 1);
  CHECK(older.trace->name_of(older.trace->events[0]) == "f(int, \"q\"\nx)");
  CHECK(older.report.skipped.at("incomplete row") == 1);
  CHECK(older.report.skipped.at("no time, or an unreadable one") == 1);
}

TEST_CASE("rocprofv3 CSV: headers in other capitals, semicolons, tabs; what divides no columns is an error") {
  const auto rows = [](char separator, bool small) {
    std::string text = small ? "kind,agent_id,queue_id,kernel_name,start_timestamp,end_timestamp\r\n" : "\xef\xbb\xbf\"Kind\",\"AGENT_ID\",\"Queue_ID\",\"Kernel_name\",\"START_Timestamp\",\"End_TimeStamp\"\r\n";
    text += "KERNEL_DISPATCH,\"Agent 4\",2,\"f<a;b>(\"\"x\"\")\",100,150\r\n\"KERNEL_DISPATCH\",\"Agent 4\",2,\"g\",\"150\",\"160\"\r\n";
    std::ranges::replace(text, ',', separator);
    return text;
  };
  for (const char separator : {',', ';', '\t'})
    for (const bool small : {false, true}) {
      INFO("separator " << static_cast<int>(separator) << ", small letters " << small);
      const auto imported = import_whole(rows(separator, small), "s.csv");
      const auto& t = *imported.trace;
      REQUIRE(t.events.size() == 2);
      CHECK(t.name_of(t.events[0]) == "f<a;b>(\"x\")");
      CHECK((t.devices[0].id == "4" && t.lanes[0].stream == 2 && t.events[1].start_ns - t.events[0].start_ns == 50));
      CHECK(imported.report.used == imported.report.read);
    }
  const auto pipes = import_text(rows('|', true), "p.csv");
  REQUIRE(!pipes.ok());
  CHECK(pipes.error().line().find("not as columns that commas, semicolons or tabs divide") != std::string::npos);
}

TEST_CASE("rocprofv3 CSV: a dispatch of a file of counters counts once; ranges of roctx are no calls") {
  const auto counters = import_whole("Correlation_Id,Dispatch_Id,Agent_Id,Queue_Id,Kernel_Name,Counter_Name,Counter_Value,Start_Timestamp,End_Timestamp\n"
                                     "1,1,4,1,f,SQ_WAVES,10,100,150\n1,1,4,1,f,GRBM_COUNT,9,100,150\n2,2,4,1,f,SQ_WAVES,10,200,250\n", "n.csv");
  CHECK(counters.trace->events.size() == 2);
  CHECK(counters.report.skipped.at("further counters of a dispatch") == 1);
  CHECK(tests::any_contains(counters.report.caveats, "hardware counters"));
  const auto ranges = import_whole("Domain,Function,Process_Id,Thread_Id,Correlation_Id,Start_Timestamp,End_Timestamp\nMARKER_CORE_API,step 1,1,2,3,10,20\n", "m.csv");
  CHECK(ranges.trace->calls.empty());
  REQUIRE(ranges.trace->annotations.size() == 1);
  CHECK(ranges.trace->strings[ranges.trace->annotations[0].name] == "step 1");
}

TEST_CASE("CSV: rows longer than what is read at once, quotes at every place") {
  const std::string name(700'000, 'k');
  std::string text = "Agent_Id,Queue_Id,Kernel_Name,Start_Timestamp,End_Timestamp\n\n1,2,\"" + name + "\"\"\n\",100,150\n\n1,2,\"\"\"\",200,210\n1,2,ab\"c\",300,310\n1,2,\"x\"y,400,410\n1,2,\"open,500,510";
  const auto imported = import_whole(text, "l.csv");
  const auto& t = *imported.trace;
  REQUIRE(t.events.size() == 4);
  CHECK(t.name_of(t.events[0]) == name + "\"\n");
  CHECK(t.name_of(t.events[1]) == "\"");
  CHECK(t.name_of(t.events[2]) == "ab\"c\"");
  CHECK(t.name_of(t.events[3]) == "xy");
  CHECK(imported.report.skipped.at("incomplete row") == 1);
  CHECK(tests::any_contains(imported.report.warnings, "inside a quoted field"));
}
