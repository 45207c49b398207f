#include "trace/messages_json.h"

#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/support/random_run.h"
#include "trace/columns.h"
#include "trace/run_json.h"
#include "trace/trace_json.h"

using namespace tests;
using trace::Reply;
using trace::Request;
namespace reply = trace::reply;
namespace request = trace::request;

namespace {

template <class Message>
Message sent(const Message& message) {
  const std::string line = trace::write_message(message);
  CHECK(line.find('\n') == std::string::npos);
  if constexpr (std::same_as<Message, Request>) {
    auto back = trace::read_request(line);
    INFO((back.ok() ? line.substr(0, 500) : back.error().line()));
    REQUIRE(back.ok());
    REQUIRE(back->index() == message.index());
    CHECK(trace::write_message(*back) == line);
    return *back;
  } else {
    auto back = trace::read_reply(line);
    INFO((back.ok() ? line.substr(0, 500) : back.error().line()));
    REQUIRE(back.ok());
    REQUIRE(back->index() == message.index());
    CHECK(trace::write_message(*back) == line);
    return *back;
  }
}

template <class M>
M request_sent(const M& message) {
  return std::get<M>(sent(Request(message)));
}
template <class M>
M reply_sent(const M& message) {
  return std::get<M>(sent(Reply(message)));
}

std::string request_line(std::string_view line) {
  const auto read = trace::read_request(line);
  return read.ok() ? "" : read.error().line();
}

std::string reply_line(std::string_view line) {
  const auto read = trace::read_reply(line);
  return read.ok() ? "" : read.error().line();
}

}  // namespace

TEST_CASE("requests travel unchanged") {
  INFO("seed " << Catch::getSeed());
  Random random(Catch::getSeed());
  request_sent(request::Pause{});
  request_sent(request::Resume{});
  request_sent(request::SingleStep{});
  request_sent(request::Cancel{});
  request_sent(request::Stop{});
  request_sent(request::Bye{});
  const auto hello = request_sent(request::Hello{.protocol = 7, .version = "0.1.0 (abc)"});
  CHECK((hello.protocol == 7 && hello.version == "0.1.0 (abc)"));
  CHECK(request_sent(request::Hello{}).protocol == trace::kProtocol);
  for (int i = 0; i < 30; ++i) {
    const auto spec = random_value<trace::RunSpec>(random);
    CHECK(trace::write_json(request_sent(request::Start{spec}).spec) == trace::write_json(spec));
    const auto toggles = random_value<trace::ToggleSet>(random);
    CHECK(request_sent(request::SetToggles{toggles}).toggles == toggles);
    const auto ab = random_value<trace::AbSpec>(random);
    CHECK(trace::write_json(request_sent(request::RunAb{ab}).spec) == trace::write_json(ab));
  }
  const auto asked = request_sent(request::Sketch{{.name = "of this"}, trace::ToggleKey::x_scale});
  CHECK((asked.spec == trace::RunSpec{.name = "of this"} && asked.key == trace::ToggleKey::x_scale));
  const auto record = request_sent(request::Record{.steps = 64, .name = "a\nname"});
  CHECK((record.steps == 64 && record.name == "a\nname"));
}

TEST_CASE("replies travel unchanged") {
  INFO("seed " << Catch::getSeed());
  Random random(Catch::getSeed());
  const auto welcome = reply_sent(reply::Welcome{
      .version = "0.1.0", .backends = {{.name = "cpu", .built = true, .usable = true, .device = "2 cores"},
                                       {.name = "hip", .built = true, .why = "no GPU"}}});
  REQUIRE(welcome.backends.size() == 2);
  CHECK((welcome.backends[1].name == "hip" && welcome.backends[1].built && !welcome.backends[1].usable));
  CHECK(welcome.protocol == trace::kProtocol);
  const auto state = reply_sent(reply::State{reply::Phase::loading, "layer 3 of 4", 0.75, std::nullopt});
  CHECK((state.phase == reply::Phase::loading && state.fraction == 0.75 && !state.spec));
  CHECK(reply_sent(reply::State{.spec = trace::RunSpec{}}).spec.has_value());
  const auto step = reply_sent(reply::StepDone{.index = int64_t{1} << 40, .us = 1234.5678, .kernels = 51});
  CHECK((step.index == int64_t{1} << 40 && step.us == 1234.5678 && step.kernels == 51));
  CHECK_FALSE(step.sensors);
  const trace::SensorReading reading{1980.0, std::nullopt, 312.5, 41.0, 4};
  CHECK(reply_sent(reply::StepDone{.sensors = reading}).sensors == reading);
  const auto progress = reply_sent(
      reply::AbProgress{1, 3, 4, 8, "quad 4", random_value<trace::AbEstimate>(random)});
  CHECK((progress.instance == 1 && progress.quads == 8 && progress.detail == "quad 4"));
  const auto refused = reply_sent(reply::Refused{{"no such preset", "--model"}});
  CHECK(refused.error.line() == "no such preset, --model");
  CHECK(reply_sent(reply::Failed{{"NaN", "layer 2"}}).error.where == "layer 2");
  CHECK(reply_sent(reply::Cancelled{"the A/B"}).what == "the A/B");
  CHECK(reply_sent(reply::Coming{int64_t{1} << 33}).bytes == int64_t{1} << 33);
  trace::PlanSketch sketch{.key = trace::ToggleKey::streams, .layer = 2, .layers = 4, .layers_changed = 3};
  sketch.a = {.value = "single",
              .launches = {{.label = "wk", .kernel = "gemm_fp8", .category = trace::Category::gemm, .reads = {"norm"}, .writes = {"k_raw"}, .form = "reads scales by row", .bytes = 77}},
              .buffers = {{"norm", "bf16", 640, false}, {"kv_cache", "e4m3", 576, true}}, .step_launches = 91, .host_launches = 1};
  sketch.b = sketch.a;
  sketch.b.launches[0].stream = 1, sketch.b.launches[0].waits = {0, 3};
  sketch.checks = {{"layout tags", "all refuse", true}};
  CHECK(*reply_sent(reply::Sketched{std::make_shared<const trace::PlanSketch>(sketch)}).sketch == sketch);
  CHECK(reply_sent(reply::Sketched{}).sketch == nullptr);
  CHECK(reply_sent(reply::Notice{"µs \"quoted\""}).text == "µs \"quoted\"");
}

TEST_CASE("traces, runs and A/Bs travel unchanged") {
  INFO("seed " << Catch::getSeed());
  Random random(Catch::getSeed());
  for (int i = 0; i < 15; ++i) {
    const auto t = std::make_shared<const trace::Trace>(random_full_trace(random, i * i));
    const auto step = reply_sent(reply::StepTrace{5, t});
    REQUIRE(step.trace);
    CHECK(difference(*step.trace, *t) == "");
    CHECK(*step.trace == *t);
    auto run = random_run(random, i * 5);
    run.id = 4;
    run.ab_id = 2;
    run.ab_arm = 'b';
    const auto recorded = reply_sent(reply::Recorded{std::make_shared<const trace::Run>(run)});
    CHECK(difference(*recorded.run, run) == "");
    CHECK((recorded.run->id == 4 && recorded.run->ab_id == 2 && recorded.run->ab_arm == 'b'));
    const auto ab = random_ab(random, i * 5);
    const auto done = reply_sent(reply::AbDone{std::make_shared<const trace::AbResult>(ab)});
    CHECK(difference(*done.result, ab) == "");
  }
}

TEST_CASE("what is absent stays absent") {
  CHECK(reply_sent(reply::StepTrace{1, nullptr}).trace == nullptr);
  CHECK(reply_sent(reply::Recorded{}).run == nullptr);
  CHECK(reply_sent(reply::AbDone{}).result == nullptr);
  const auto bare = reply_sent(reply::Recorded{std::make_shared<const trace::Run>()});
  REQUIRE(bare.run);
  CHECK(bare.run->trace == nullptr);
}

TEST_CASE("lines that are no message are told what is wrong") {
  CHECK(request_line("") == "not JSON at byte 1, message");
  CHECK(request_line("hello") == "not JSON at byte 1, message");
  CHECK(request_line("{\"type\": \"pause\"") == "not JSON at byte 17, message");
  CHECK(request_line("{\"type\": \"pause\"} {}") == "not JSON at byte 19, message");
  CHECK(request_line("[1]") == "expected an object, found an array, message");
  CHECK(request_line("{}") == "has no \"type\", message");
  CHECK(request_line("{\"type\": 3}") == "has no \"type\", message");
  CHECK(request_line("{\"type\": \"welcome\"}") ==
        "no such type: \"welcome\", known are hello, start, set_toggles, pause, resume, single_step, record, run_ab, sketch, "
        "cancel, stop, bye, message");
  CHECK(reply_line("{\"type\": \"hello\"}").starts_with("no such type: \"hello\", known are welcome, state, "));
  CHECK(request_line("{\"type\": \"record\", \"steps\": \"many\"}") ==
        "steps: expected a whole number, found a string, message record");
  CHECK(request_line("{\"type\": \"start\", \"spec\": {\"workload\": {\"batch\": []}}}") ==
        "spec.workload.batch: expected a whole number, found an array, message start");
  CHECK(reply_line("{\"type\": \"state\", \"phase\": \"dreaming\"}") ==
        "phase: \"dreaming\" is none of idle, loading, running, paused, recording, ab, message state");
  CHECK(reply_line("{\"type\": \"step_trace\", \"trace\": 5}") ==
        "trace: expected a trace, found a number, message step_trace");
  CHECK(reply_line("{\"type\": \"recorded\", \"run\": []}") ==
        "run: expected an object, found an array, message recorded");
  CHECK(request_line("{\"type\": \"pause\", \"from\": \"the future\"}") == "");
}

TEST_CASE("columns hold every integer") {
  INFO("seed " << Catch::getSeed());
  Random random(Catch::getSeed());
  constexpr int64_t kLow = std::numeric_limits<int64_t>::min(), kHigh = std::numeric_limits<int64_t>::max();
  std::vector<std::vector<int64_t>> samples{
      {}, {0}, {5, 5, 5}, {kLow}, {kLow, kHigh, kLow, kHigh}, {0, -1, 1, kHigh, 0}};
  for (int i = 0; i < 20; ++i) {
    auto& sample = samples.emplace_back(static_cast<size_t>(pick(random, 0, 300)));
    for (int64_t& v : sample) v = static_cast<int64_t>(random()) >> pick(random, 0, 63);
  }
  for (const auto& sample : samples) {
    const auto encoded = nlohmann::json::parse(trace::encode_column(sample).dump());
    const auto back = trace::decode_column(encoded, sample.size());
    REQUIRE(back.ok());
    CHECK(*back == sample);
    if (sample.size() > 1 && encoded.is_string()) {
      CHECK_FALSE(trace::decode_column(encoded, sample.size() - 1).ok());
      CHECK_FALSE(trace::decode_column(encoded, sample.size() + 1).ok());
    }
  }
  for (const char* bad : {"\"\"", "\"AAAA\"", "\"@@@@\"", "1.5", "null", "18446744073709551615", "[1]"})
    CHECK_FALSE(trace::decode_column(nlohmann::json::parse(bad), 3).ok());
}

TEST_CASE("damaged traces in messages are refused, never crash") {
  INFO("seed " << Catch::getSeed());
  Random random(Catch::getSeed());
  const auto sound = trace::write_trace_json(random_full_trace(random, 40));
  const auto line = [](const nlohmann::json& json) {
    const auto read = trace::read_trace_json(json, "here");
    return read.ok() ? std::string() : read.error().line();
  };
  CHECK(line(sound) == "");
  const auto with = [&](const char* pointer, const nlohmann::json& value) {
    auto json = sound;
    json[nlohmann::json::json_pointer(pointer)] = value;
    return line(json);
  };
  CHECK(with("/events/name", 5000).find("no such string") != std::string::npos);
  CHECK(with("/events/name", -1).find("no such string") != std::string::npos);
  CHECK(with("/events/op", 70000) == "events.op: row 0 is out of range, here");
  CHECK(with("/events/kind", 300) == "events.kind: row 0 is out of range, here");
  CHECK(with("/events/kind", 3) == "event 0: no such kind, here");
  CHECK(with("/events/start_ns", "x") == "events.start_ns: not a column of 40 rows, here");
  CHECK(with("/events/rows", 1'000'000'000) == "events.rows: out of range, here");
  CHECK(with("/events/rows", -1) == "events.rows: out of range, here");
  CHECK(with("/events/rows", "all") == "events.rows: expected a whole number, found a string, here");
  CHECK(with("/events", 7) == "events: expected a table, here");
  CHECK(with("/strings/lengths", 1 << 30) == "strings: longer than their bytes, here");
  CHECK(with("/strings/lengths", 0) == "strings: shorter than their bytes, here");
  CHECK(with("/strings/bytes", 0) == "strings: bytes are damaged, here");
  CHECK(with("/collector/clock", "sundial").starts_with("collector.clock: \"sundial\" is none of "));
  CHECK(with("/lanes/0/count", 4000) != "");
  CHECK(line(nlohmann::json::object()) == "");   // an empty trace
  CHECK(line(5) == "expected a trace, found a number, here");

  const auto small = std::make_shared<const trace::Trace>(random_full_trace(random, 25));
  const std::string message = trace::write_message(Reply(reply::StepTrace{1, small}));
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = message;
    for (int64_t k = pick(random, 1, 4); k > 0; --k)
      damaged[static_cast<size_t>(pick(random, 0, static_cast<int64_t>(damaged.size()) - 1))] =
          static_cast<char>(pick(random, 32, 126));
    if (i % 10 == 0) damaged.resize(static_cast<size_t>(pick(random, 0, static_cast<int64_t>(damaged.size()))));
    refused += !trace::read_reply(damaged).ok();
  }
  CHECK(refused > 1000);
}
