// Scrubbing: what gives people and machines away goes and is shown; kernels and times stay.
#include <catch2/catch_test_macros.hpp>

#include "tests/support/expected_figures.h"
#include "trace/builder.h"
#include "trace/clip.h"
#include "trace/scrub.h"

namespace {
std::string scrubbed(const std::string& text) { return trace::Scrubber({"gpu-node-17.cluster.example"}, {"annsmith"}).text(text); }
}  // namespace

TEST_CASE("scrub: paths, hosts, users, addresses and command lines") {
  CHECK(scrubbed("/home/annsmith/job/trace.json.gz") == "trace.json.gz");
  CHECK(scrubbed("read /data/x/y.rpd, then /tmp/z/") == "read y.rpd, then z");
  CHECK(scrubbed("-I/home/bob/include x") == "-Iinclude x");
  CHECK(scrubbed("see file:///srv/a/b.html") == "see file://b.html");
  CHECK(scrubbed("C:\\Users\\ann\\t.json and ~/t.json") == "t.json and t.json");
  CHECK(scrubbed("ran on gpu-node-17, as annsmith") == "ran on host, as user");
  CHECK(scrubbed("gpu-node-17.cluster.example") == "host");
  CHECK(scrubbed("gpu-node-170 and annsmithson") == "gpu-node-170 and annsmithson");
  CHECK(scrubbed("ssh bob@10.1.2.3, or 192.168.0.12:80") == "ssh address, or address:80");
  CHECK(scrubbed("python3 /opt/sglang/launch_server.py --model x --api-key secret") == "python3 ...");
  CHECK(scrubbed("/usr/local/bin/bench -n 5 --token abc") == "bench ...");
}

TEST_CASE("scrub: what names nobody stays") {
  for (const char* text : {"void at::native::(anonymous namespace)::CatArrayBatchedCopy<at::native::(anonymous namespace)::OpaqueType<1u>, unsigned int, 3, 64, 64>(...)",
                           "Memcpy DtoH (Device -> Host)", "aten::mm / aten::bmm", "8k/1k, 4/8", "sglang 0.5.14", "ROCm 7.2.0", "1.2.3", "a/b", "and/or", "memcpy@plt", "wall = busy + idle", "hip 7.0.51831, roctracer 4.1"})
    CHECK(scrubbed(text) == text);
}

TEST_CASE("scrub: a run keeps its figures, loses its host, and learns names from its own paths") {
  trace::Run run;
  run.name = "bob's run";
  run.host = "secret-box";
  run.note = "on secret-box by carol";
  run.trace = tests::import_published("seed_layer_mi355x_single_rocm72.json").trace;
  run.report = trace::ImportReport{};
  run.report->file = "runs/of/carol/trace.json";
  run.report->warnings = {"/home/carol/x/trace.json ends early"};
  trace::Scrubber scrubber({}, {});
  const trace::Run clean = scrubber.run(run);
  CHECK(clean.host.empty());
  CHECK(clean.note == "on host by user");
  CHECK(clean.report->file == "trace.json");
  CHECK(clean.report->warnings[0] == "trace.json ends early");
  CHECK(clean.trace->events == run.trace->events);
  CHECK(clean.trace->strings == run.trace->strings);
  CHECK(clean.trace->source == "seed_layer_mi355x_single_rocm72.json");
  bool host = false, user = false;
  for (const auto& gone : scrubber.gone()) {
    host = host || (gone.kind == "host" && gone.was == "secret-box");
    user = user || (gone.kind == "user" && gone.was == "carol" && gone.became == "user");
  }
  CHECK((host && user));
  // Twice is once.
  CHECK(trace::Scrubber({}, {}).run(clean).note == clean.note);
}

TEST_CASE("import: durations that overflow the slices after them are clipped and said") {
  trace::TraceBuilder b;
  const uint32_t lane = b.lane(b.device("0"), 7);
  const auto add = [&](const char* name, int64_t start, int64_t end) { b.add({.start_ns = start, .end_ns = end, .name = b.intern(name), .lane = lane}); };
  for (int64_t i = 0; i < 20; ++i) add("gemm", i * 10'000, i * 10'000 + (i == 5 ? 1'600'000'000 : 4'000));
  add("long_beside_short", 300'000, 330'000);   // a branch of a graph drawn on one lane: no overflow
  add("a", 301'000, 305'000);
  add("b", 306'000, 312'000);
  add("once", 400'000, 400'000 + 250'000'000);  // a name without company: by its length alone
  add("a", 410'000, 415'000);
  add("b", 420'000, 425'000);
  auto t = *b.finish();
  const auto clipped = trace::clip_overflows(t);
  CHECK(clipped.count == 2);
  REQUIRE(clipped.lines.size() == 2);
  CHECK(clipped.lines[0].find("`gemm` at 50.000 us ran over the slices after it on stream 7: clipped from 1600000.000 to 10.000 us") == 0);
  CHECK(t.events[5].end_ns == 60'000);
  CHECK(std::ranges::count_if(t.events, [](const trace::Event& e) { return e.duration_ns() == 30'000; }) == 1);
  CHECK(trace::clip_overflows(t).count == 0);
}
