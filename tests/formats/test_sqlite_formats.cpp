// RPD and Nsight Systems: the published files to the nanosecond, older and newer schemas, several
// processes, and files that lie.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/expected_figures.h"
#include "tests/support/packed.h"
#include "tests/support/sqlite_maker.h"
#include "tests/support/temp_folder.h"

using Catch::Matchers::ContainsSubstring;

namespace {

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

trace::Imported import_whole(const std::string& path) {
  auto imported = trace::import_file(path);
  if (!imported.ok()) FAIL(imported.error().line());
  tests::check_counts(imported->report);
  return std::move(*imported);
}

constexpr const char* kRpd = "edge_rpd_matmul_29kernels.rpd";
constexpr const char* kNsys = "nsys_a100_cloverleaf_2024.5.sqlite.gz";

void make_nsys_tables(tests::SqliteMaker& db) {
  db.table("StringIds", "id INTEGER PRIMARY KEY, value TEXT");
  db.table("CUPTI_ACTIVITY_KIND_KERNEL",
           "start INT, end INT, deviceId INT, contextId INT, streamId INT, correlationId INT, globalPid INT, demangledName INT, shortName INT, gridX INT, gridY INT, "
           "gridZ INT, blockX INT, blockY INT, blockZ INT");
  db.run("INSERT INTO StringIds VALUES (1, 'gemm<\"a\">'), (2, 'gemm'), (3, 'cudaLaunchKernel_v7000')");
}

int64_t global_pid(int64_t pid) { return pid << 24 | int64_t{1} << 48; }

}  // namespace

TEST_CASE("RPD: the published file to the nanosecond, plain and packed") {
  const auto imported = tests::import_published(kRpd);
  tests::check_figures(*imported.trace, tests::expected_of(kRpd));
  tests::check_counts(imported.report);
  CHECK(imported.report.format == "RPD SQLite");
  CHECK(imported.report.version == "schema 2");
  CHECK(imported.report.skipped.at("samples of clocks and power") == 62);
  const auto& t = *imported.trace;
  // Every op has its call; hipExtModuleLaunchKernel says work-items, hipLaunchKernel blocks.
  int linked = 0;
  for (const auto& e : t.events) linked += e.call != trace::kNone;
  CHECK(linked == 85);
  int seen = 0;
  for (const auto& e : t.events) {
    const auto* d = t.detail_of(e);
    if (t.name_of(e).starts_with("Cijk")) {
      REQUIRE(d);
      CHECK((d->grid == std::array<int32_t, 3>{13, 1563, 1} && d->block[0] == 256));
      ++seen;
    } else if (t.name_of(e) == "CopyHostToDevice" && d && d->bytes == 160'000'000) {
      ++seen;
    }
  }
  CHECK(seen == 2);

  const tests::TempFolder folder;
  const std::string bytes = slurp(tests::shared_file(std::string("traces/") + kRpd).string());
  for (const auto& [name, packed] : {std::pair{"x.gz", tests::gzipped(bytes)}, {"x.zst", tests::zstd_compressed(bytes)}}) {
    const auto again = import_whole(tests::write_file(folder / name, packed));
    CHECK(again.trace->events == t.events);
    CHECK_THAT(again.report.format, ContainsSubstring(name == std::string("x.gz") ? "RPD SQLite, gzip" : "RPD SQLite, zstd"));
  }
}

TEST_CASE("RPD: schema 1 keeps what an op was beside the op; schema 3 long texts apart; markers are ranges") {
  const tests::TempFolder folder;
  tests::SqliteMaker one(folder / "one.rpd");
  one.table("rocpd_string", "id INTEGER PRIMARY KEY, string TEXT");
  one.run("INSERT INTO rocpd_string VALUES (1, ''), (2, 'k'), (3, 'Task'), (4, 'CopyDeviceToDevice'), (5, 'hipLaunchKernel'), (6, 'UserMarker'), (7, 'step 3')");
  one.table("rocpd_op", "id INTEGER PRIMARY KEY, gpuId INT, queueId INT, sequenceId INT, completionSignal TEXT, start INT, end INT, description_id INT, opType_id INT");
  one.run("INSERT INTO rocpd_op VALUES (1, 0, 1, 0, '', 1000, 1500, 2, 3), (2, 0, 1, 0, '', 1500, 1700, 1, 4), (3, 0, 1, 0, '', 'x', 1700, 1, 4)");
  one.table("rocpd_kernelop", "op_ptr_id INTEGER PRIMARY KEY, gridX INT, gridY INT, gridz INT, workgroupX INT, workgroupY INT, workgroupZ INT, groupSegmentSize INT");
  one.run("INSERT INTO rocpd_kernelop VALUES (1, 1000, 1, 1, 64, 1, 1, 16)");
  one.table("rocpd_copyop", "op_ptr_id INTEGER PRIMARY KEY, size INT");
  one.run("INSERT INTO rocpd_copyop VALUES (2, 77)");
  one.table("rocpd_api", "id INTEGER PRIMARY KEY, pid INT, tid INT, start INT, end INT, apiName_id INT, args_id INT");
  one.run("INSERT INTO rocpd_api VALUES (9, 1, 2, 900, 950, 5, 1), (10, 1, 2, 800, 2000, 6, 7)");
  one.table("rocpd_api_ops", "id INTEGER PRIMARY KEY, api_id INT, op_id INT");
  one.run("INSERT INTO rocpd_api_ops VALUES (1, 9, 1), (2, 9, 2)");
  const auto imported = import_whole(one.close());
  const auto& t = *imported.trace;
  REQUIRE(t.events.size() == 2);
  CHECK((t.detail_of(t.events[0])->grid[0] == 16 && t.detail_of(t.events[0])->lds_bytes == 16));
  CHECK((t.events[1].kind == trace::EventKind::memcpy && t.detail_of(t.events[1])->bytes == 77 && t.name_of(t.events[1]) == "CopyDeviceToDevice"));
  CHECK(t.events[0].call == t.events[1].call);
  REQUIRE(t.annotations.size() == 1);
  CHECK(t.strings[t.annotations[0].name] == "step 3");
  CHECK(imported.report.skipped.at("no time, or an unreadable one") == 1);
}

TEST_CASE("Nsight Systems: the published export to the nanosecond") {
  const auto imported = tests::import_published(kNsys);
  tests::check_figures(*imported.trace, tests::expected_of(kNsys));
  tests::check_counts(imported.report);
  const auto& t = *imported.trace;
  CHECK(imported.report.format == "Nsight Systems SQLite, gzip");
  CHECK(imported.report.version == "2024.5.1.113, schema 3.13.2");
  CHECK(t.devices[trace::active_devices(t).at(0)].name == "NVIDIA A100-SXM4-80GB");
  CHECK(tests::any_contains(imported.report.caveats, "driver version"));
  int linked = 0;
  for (const auto& e : t.events) linked += e.call != trace::kNone;
  CHECK(linked == 1591);
}

TEST_CASE("Nsight Systems: two processes, renumbered devices, graphs traced whole, ranges") {
  const tests::TempFolder folder;
  tests::SqliteMaker db(folder / "n.sqlite");
  make_nsys_tables(db);
  const auto n = [](int64_t i) { return std::to_string(i); };
  for (const int64_t pid : {10, 11})
    db.row("CUPTI_ACTIVITY_KIND_KERNEL", {n(1000 + pid), n(1500 + pid), "0", "1", "7", "5", n(global_pid(pid)), "1", "2", "4", "1", "1", "128", "1", "1"});
  db.table("CUPTI_ACTIVITY_KIND_RUNTIME", "start INT, end INT, globalTid INT, correlationId INT, nameId INT");
  for (const int64_t pid : {10, 11}) db.row("CUPTI_ACTIVITY_KIND_RUNTIME", {n(900 + pid), n(950 + pid), n(global_pid(pid) | 3), "5", "3"});
  db.table("TARGET_INFO_GPU", "id INT, name TEXT");
  db.run("INSERT INTO TARGET_INFO_GPU VALUES (2, 'H200 two'), (3, 'H200 three')");
  db.table("TARGET_INFO_CUDA_DEVICE", "gpuId INT, cudaId INT, pid INT");
  db.run("INSERT INTO TARGET_INFO_CUDA_DEVICE VALUES (3, 0, 10), (2, 0, 11)");
  db.table("CUPTI_ACTIVITY_KIND_GRAPH_TRACE", "start INT, end INT, deviceId INT, contextId INT, streamId INT, correlationId INT, globalPid INT, graphId INT, graphExecId INT");
  db.row("CUPTI_ACTIVITY_KIND_GRAPH_TRACE", {"3000", "4000", "0", "1", "7", "6", n(global_pid(10)), "12", "1"});
  db.table("NVTX_EVENTS", "start INT, end INT, eventType INT, text TEXT, textId INT, globalTid INT");
  db.run("INSERT INTO NVTX_EVENTS VALUES (100, 200, 59, 'decode', NULL, 3), (100, NULL, 59, 'open', NULL, 3), (100, NULL, 34, 'mark', NULL, 3), (100, 150, 60, NULL, 2, 3)");
  const auto imported = import_whole(db.close());
  const auto& t = *imported.trace;
  REQUIRE(trace::active_devices(t).size() == 2);
  REQUIRE(t.events.size() == 3);
  for (const auto& e : t.events) {
    const auto& device = t.devices[t.device_of(e)];
    CHECK(device.name == (device.id == "3" ? "H200 three" : "H200 two"));
    if (e.duration_ns() == 500) {
      REQUIRE(e.call != trace::kNone);
      CHECK(t.calls[e.call].start_ns == e.start_ns - 100);
    } else {
      CHECK(t.name_of(e) == "CUDA graph 12 (whole launch)");
    }
  }
  CHECK(tests::any_contains(imported.report.caveats, "--cuda-graph-trace=node"));
  CHECK(t.annotations.size() == 2);
  CHECK(imported.report.skipped.at("NVTX ranges without an end") == 1);
  CHECK(imported.report.skipped.at("NVTX events that are no ranges") == 1);
}

TEST_CASE("Nsight Systems: missing columns, texts where numbers belong, views and triggers in the schema") {
  const tests::TempFolder folder;
  tests::SqliteMaker db(folder / "n.sqlite");
  db.table("StringIds", "id INTEGER PRIMARY KEY, value TEXT");
  db.run("INSERT INTO StringIds VALUES (1, 'k')");
  db.table("CUPTI_ACTIVITY_KIND_KERNEL", "start, end, deviceId, streamId, shortName");
  db.run("INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (1, 2, 0, 7, 1), ('one', 2, 0, 7, 1), (1.5, 2, 0, 7, 1), (NULL, 2, 0, 7, 1), (5, 4, 0, 7, 1), (9223372036854775807, 1, 0, 7, 1), "
         "(x'00', 2, 0, 7, 1), (2, 9223372036854775807, 0, 7, 1)");
  db.run("CREATE VIEW NVTX_EVENTS AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS start, x AS end, 59 AS eventType FROM c");
  db.run("CREATE VIEW CUPTI_ACTIVITY_KIND_MEMCPY AS SELECT 1 AS start");
  const auto imported = import_whole(db.close());
  CHECK(imported.trace->events.size() == 1);
  CHECK(imported.trace->annotations.empty());
  CHECK(imported.report.read == 8);
}

TEST_CASE("SQLite: cut at every KB, what is whole is kept or the reason is said") {
  const tests::TempFolder folder;
  const std::string bytes = slurp(tests::shared_file(std::string("traces/") + kRpd).string());
  size_t kept = 0;
  for (size_t cut = 1024; cut < bytes.size(); cut += 1024) {
    INFO("cut at " << cut);
    const auto imported = trace::import_file(tests::write_file(folder / "cut.rpd", std::string_view(bytes).substr(0, cut)));
    if (!imported.ok()) continue;
    tests::check_counts(imported->report);
    CHECK_FALSE(imported->report.warnings.empty());
    ++kept;
  }
  CHECK(kept > 0);
  // A packed one that ends early is told as such.
  const auto imported = trace::import_file(tests::write_file(folder / "cut.gz", tests::gzipped(bytes).substr(0, 9000)));
  if (imported.ok()) CHECK(tests::any_contains(imported->report.warnings, "gzip data ends early"));
}

TEST_CASE("SQLite: unpacking stops at the cap, other databases are refused by name") {
  const tests::TempFolder folder;
  std::string zeros = slurp(tests::shared_file(std::string("traces/") + kRpd).string());
  zeros.resize(64 << 20);
  trace::ImportOptions options;
  options.max_bytes = 1 << 20;
  const auto bomb = trace::import_file(tests::write_file(folder / "bomb.gz", tests::gzipped(zeros)), options);
  REQUIRE_FALSE(bomb.ok());
  CHECK_THAT(bomb.error().what, ContainsSubstring("more than 1048576 bytes"));

  tests::SqliteMaker other(folder / "other.db");
  other.table("notes", "id INTEGER");
  const auto refused = trace::import_file(other.close());
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().what, ContainsSubstring("none of the tables of rocpd, RPD or Nsight Systems"));
}

// Found by the fuzzer: 3.7 KB that gave rows without end.
TEST_CASE("SQLite: pages that lead back to themselves end in words") {
  const auto imported = trace::import_file(std::string(DS_SOURCE_DIR) + "/tests/formats/found/rpd_pages_in_a_circle.rpd");
  if (imported.ok()) CHECK(tests::any_contains(imported->report.warnings, "cannot be read on"));
  else CHECK_THAT(imported.error().what, ContainsSubstring("cannot be read on"));
}

TEST_CASE("SQLite: a table WITHOUT ROWID, and times that are REAL or text, are read like any other") {
  const tests::TempFolder folder;
  tests::SqliteMaker db(folder / "x.sqlite");
  db.table("StringIds", "id INTEGER PRIMARY KEY, value TEXT");
  db.run("INSERT INTO StringIds VALUES (1, 'k')");
  db.run("CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start, end, deviceId INTEGER, streamId INTEGER, shortName INTEGER, PRIMARY KEY (start)) WITHOUT ROWID");
  db.run("INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (10, 20, 0, 7, 1), (20.0, '30', 0, 7, 1), (30.5, 40, 0, 7, 1), ('x', 50, 0, 7, 1)");
  const auto imported = trace::import_file(db.close());
  if (!imported.ok()) FAIL(imported.error().line());
  tests::check_counts(imported->report);
  CHECK(imported->trace->events.size() == 2);
  CHECK(imported->report.skipped.at("no time, or an unreadable one") == 2);
  CHECK(imported->report.warnings.empty());
}
