// Files made to break a reader: a clear error or a counted skip, bounded memory, never a crash. Each import runs in a
// child process with its address space limited, so that "bounded" is the kernel's word and not ours.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "tests/support/expected_figures.h"
#include "tests/support/packed.h"
#include "tests/support/sqlite_maker.h"
#include "tests/support/temp_folder.h"

using Catch::Matchers::ContainsSubstring;

namespace {

constexpr int64_t kMiB = 1 << 20;

// What became of an import in a child that may not take more memory than this: "ok: ...", "error: ...", or how it died.
std::string import_bounded(const std::string& path, int64_t limit_mib, const trace::ImportOptions& options = {}) {
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(pipe_ends[0]);
    // Beyond what this process already takes.
    int64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const auto limit = static_cast<rlim_t>(limit_mib * kMiB + pages * ::sysconf(_SC_PAGESIZE));
    const rlimit memory{limit, limit};
    ::setrlimit(RLIMIT_AS, &memory);
    std::string said;
    try {
      const auto imported = trace::import_file(path, options);
      if (imported.ok()) {
        said = "ok: " + std::to_string(imported->trace->events.size()) + " events, " + std::to_string(imported->report.read) + " read";
        for (const auto& [reason, count] : imported->report.skipped) said += "; " + reason.substr(0, 60) + " " + std::to_string(count);
        for (const auto& warning : imported->report.warnings) said += "; warning: " + warning;
      } else {
        said = "error: " + imported.error().line();
      }
    } catch (const std::exception& e) {
      said = std::string("exception: ") + e.what();
    }
    [[maybe_unused]] const ssize_t written = ::write(pipe_ends[1], said.data(), std::min<size_t>(said.size(), 4000));
    ::_exit(0);
  }
  ::close(pipe_ends[1]);
  std::string said;
  char block[4096];
  for (ssize_t n; (n = ::read(pipe_ends[0], block, sizeof block)) > 0;) said.append(block, static_cast<size_t>(n));
  ::close(pipe_ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? said : "died of signal " + std::to_string(WTERMSIG(status));
}

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string repeat(std::string_view text, size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::string kernel(const std::string& name, const std::string& ts = "100", const std::string& dur = "1", const std::string& stream = "7") {
  return R"({"ph":"X","cat":"kernel","name":")" + name + R"(","pid":0,"tid":)" + stream + R"(,"ts":)" + ts + R"(,"dur":)" + dur + R"(,"args":{"device":0,"stream":)" + stream + "}}";
}

}  // namespace

TEST_CASE("hostile: every published file cut at every KB") {
  const tests::TempFolder folder;
  for (const char* file : {"edge_kineto_mi250_rocm62_min_args.json.gz", "kineto_amd_vllm_decode_fullgraph.json.gz", "edge_rpd_matmul_29kernels.rpd", "edge_rocprofv3_kernel_trace_docs.csv",
                           "nsys_a100_cloverleaf_2024.5.sqlite.gz", "seed_layer_mi355x_single_rocm72.json"}) {
    const std::string bytes = slurp(tests::shared_file(std::string("traces/") + file).string());
    // Large ones in larger steps: 600 cuts a file.
    const size_t step = std::max<size_t>(1024, bytes.size() / 600 / 1024 * 1024);
    for (size_t cut = step; cut < bytes.size(); cut += step) {
      INFO(file << " cut at " << cut);
      const auto imported = trace::import_file(tests::write_file(folder / "cut", std::string_view(bytes).substr(0, cut)));
      if (!imported.ok()) {
        CHECK_FALSE(imported.error().what.empty());
        continue;
      }
      tests::check_counts(imported->report);
      if (std::string_view(file).find(".csv") == std::string_view::npos) CHECK_FALSE(imported->report.warnings.empty());
    }
  }
}

TEST_CASE("hostile: bombs stop at the cap") {
  const tests::TempFolder folder;
  trace::ImportOptions options;
  options.max_bytes = 256 * kMiB;
  std::string spaces(512 * kMiB, ' ');
  spaces.replace(0, 17, R"({"traceEvents": [)");
  for (const auto& [name, packed] : {std::pair{"x.gz", tests::gzipped(spaces)}, {"x.zst", tests::zstd_compressed(spaces)}}) {
    const std::string said = import_bounded(tests::write_file(folder / name, packed), 900, options);
    CHECK_THAT(said, ContainsSubstring("the file has more than 268435456 bytes"));
  }
  const std::string text = import_bounded(tests::write_file(folder / "s.gz", tests::gzipped(R"({"traceEvents":[{"name":")" + std::string(300 * kMiB, 'a'))), 1200, options);
  CHECK_THAT(text, ContainsSubstring("a record is longer than 64 MiB"));
  // A CSV that is one row; a rocprofv3 file that is one string.
  const std::string row = import_bounded(tests::write_file(folder / "c.gz", tests::gzipped("Kernel_Name,Start_Timestamp,End_Timestamp\n\"" + std::string(300 * kMiB, 'a'))), 900, options);
  CHECK_THAT(row, ContainsSubstring("longer than 16 MiB"));
  const std::string member = import_bounded(tests::write_file(folder / "r.gz", tests::gzipped(R"({"rocprofiler-sdk-tool":[{"metadata":")" + std::string(300 * kMiB, 'a'))), 900, options);
  CHECK_THAT(member, ContainsSubstring("more than 268435456 bytes"));
}

TEST_CASE("hostile: more events than there is memory for are cut, and said to be") {
  const tests::TempFolder folder;
  std::string records;
  for (int i = 0; i < 200'000; ++i) records += (i ? "," : "") + kernel("k" + std::to_string(i % 9), std::to_string(100 + i), "0.5");
  trace::ImportOptions options;
  options.max_memory_bytes = 4 * kMiB;
  const std::string path = tests::write_file(folder / "m.json", "{\"traceEvents\":[" + records + "]}");
  const auto cut = trace::import_file(path, options);
  REQUIRE(cut.ok());
  tests::check_counts(cut->report);
  CHECK(cut->trace->events.size() > 30'000);
  CHECK(cut->trace->events.size() < 60'000);
  CHECK(tests::any_contains(cut->report.warnings, "more than 4 MiB of events"));
  CHECK(cut->report.skipped.at("beyond --max-memory") + static_cast<int64_t>(cut->trace->events.size()) == 200'000);
}

TEST_CASE("hostile: a million streams, processes' worth of names, deep nesting") {
  const tests::TempFolder folder;
  std::ofstream out(folder / "streams.json");
  out << "{\"traceEvents\":[";
  for (int i = 0; i < 1'000'000; ++i) out << (i ? "," : "") << kernel("k", std::to_string(100 + i), "0.5", std::to_string(i));
  out << "]}";
  out.close();
  CHECK_THAT(import_bounded(folder / "streams.json", 3000), ContainsSubstring("ok: 1000000 events"));

  std::ofstream names(folder / "names.json");
  names << "{\"traceEvents\":[";
  for (int i = 0; i < 400'000; ++i) names << (i ? "," : "") << kernel(std::to_string(i) + std::string(200, 'n'), std::to_string(100 + i), "0.5");
  names << "]}";
  names.close();
  CHECK_THAT(import_bounded(folder / "names.json", 3000), ContainsSubstring("ok: 400000 events"));
  // Not enough for them: an error, no end of the process.
  CHECK_THAT(import_bounded(folder / "names.json", 100), ContainsSubstring("error: out of memory"));

  for (const auto& [open, close] : {std::pair{"[", "]"}, {"{\"a\":", "}"}}) {
    const std::string deep = repeat(open, 1'000'000) + "1" + repeat(close, 1'000'000);
    CHECK_THAT(import_bounded(tests::write_file(folder / "d.json", "{\"traceEvents\":[" + kernel("k") + ",{\"ph\":\"X\",\"cat\":\"kernel\",\"args\":" + deep + "}," + kernel("k", "200") + "]}"), 2000),
               ContainsSubstring("ok: 2 events"));
    CHECK_THAT(import_bounded(tests::write_file(folder / "m.json", "{\"deviceProperties\":" + deep + ",\"traceEvents\":[" + kernel("k") + "]}"), 2000), ContainsSubstring("ok: 1 events"));
    const std::string said = import_bounded(tests::write_file(folder / "r.json", "{\"rocprofiler-sdk-tool\":[{\"metadata\":" + deep + ",\"agents\":" + deep + ",\"strings\":" + deep + ",\"kernel_symbols\":[" + deep +
                                                                                        "],\"buffer_records\":{\"kernel_dispatch\":[" + deep + "]}}]}"), 2000);
    CHECK_THAT(said, ContainsSubstring("ok: 0 events"));
  }
  CHECK_THAT(import_bounded(tests::write_file(folder / "open.json", "{\"traceEvents\":" + repeat("[", 5'000'000)), 2000), ContainsSubstring(": "));
}

TEST_CASE("hostile: times that are none") {
  const tests::TempFolder folder;
  std::string records;
  for (const char* ts : {"NaN", "-1", "1e400", "-1e400", "Infinity", "\"abc\"", "null", "true", "[]", "{}", "99999999999999999999999999999", "0.0000000000000000000000001", "1e-999999999", "1e999999999"})
    for (const char* dur : {"1", "-1", "NaN", "1e300", "null", "9223372036854775807"}) records += kernel("k", ts, dur) + ",";
  const std::string said = import_bounded(tests::write_file(folder / "t.json", "{\"traceEvents\":[" + records + kernel("k") + "]}"), 1000);
  CHECK_THAT(said, ContainsSubstring("ok: "));
  CHECK_THAT(said, ContainsSubstring("negative duration"));
  CHECK_THAT(said, ContainsSubstring("unreadable time"));
  std::string csv = "Kernel_Name,Queue_Id,Start_Timestamp,End_Timestamp\n";
  for (const char* a : {"NaN", "-1", "9223372036854775807", "-9223372036854775808", "18446744073709551615", "", "1e5", "\"\"", "0x10"})
    for (const char* b : {"1", "-5", "9223372036854775807", "18446744073709551616", "x"}) csv += std::string("k,1,") + a + "," + b + "\n";
  CHECK_THAT(import_bounded(tests::write_file(folder / "t.csv", csv), 1000), ContainsSubstring("ok: "));
}

TEST_CASE("hostile: SQLite schemas that lie") {
  const tests::TempFolder folder;
  tests::SqliteMaker db(folder / "x.db");
  db.table("StringIds", "id INTEGER PRIMARY KEY, value TEXT");
  db.run("CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start, end, deviceId, streamId, shortName, demangledName AS (zeroblob(1000000000)))");
  db.run("INSERT INTO StringIds VALUES (1, zeroblob(30000000)), (2, 'k')");
  db.run("INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (1, 2, 0, 7, 1), (3, 4, 0, 7, 2)");
  CHECK_THAT(import_bounded(db.close(), 1000), ContainsSubstring(": "));
  // A file whose header is right and whose pages are noise.
  std::string bytes = slurp(tests::shared_file("traces/edge_rpd_matmul_29kernels.rpd").string());
  for (size_t i = 4096; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 2654435761u >> 13);
  CHECK_THAT(import_bounded(tests::write_file(folder / "n.rpd", bytes), 1000), ContainsSubstring(": "));
}
