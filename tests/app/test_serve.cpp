// `serve --stdio` as a child process: the messages of the window, a line each.
#include <catch2/catch_test_macros.hpp>

#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/check.h"
#include "tests/support/child.h"
#include "trace/messages_json.h"

namespace request = trace::request;
namespace reply = trace::reply;

namespace {

struct Conversation {
  int exit_code = -1;
  std::string err;
  std::vector<trace::Reply> replies;

  template <class T>
  std::vector<const T*> all() const {
    std::vector<const T*> found;
    for (const auto& r : replies) {
      if (const auto* one = std::get_if<T>(&r)) found.push_back(one);
    }
    return found;
  }
};

Conversation converse(const std::string& input) {
  const auto child = tests::run_child({std::string(DS_BINARY_DIR) + "/decodescope-record", "serve", "--stdio"}, {}, input);
  Conversation c;
  c.exit_code = child.exit_code;
  c.err = child.err;
  std::istringstream lines(child.out);
  for (std::string line; std::getline(lines, line);) {
    auto message = trace::read_reply(line);
    INFO(line.substr(0, 500));
    REQUIRE(message.ok());
    c.replies.push_back(std::move(message).value());
  }
  return c;
}

Conversation converse(const std::vector<trace::Request>& requests) {
  std::string input;
  for (const auto& r : requests) input += trace::write_message(r) + "\n";
  return converse(input);
}

trace::RunSpec small_spec() {
  trace::RunSpec spec;
  spec.model = engine::check_model();
  spec.workload.batch = 2;
  spec.workload.context = 100;
  spec.workload.max_context = 512;
  spec.toggles = trace::ToggleSet::all_off();
  return spec;
}

}  // namespace

TEST_CASE("a child process greets, runs, flips a switch and records") {
  const auto spec = small_spec();
  auto on = spec.toggles;
  on.set_index(trace::ToggleKey::cat_skip, 1);
  const auto c = converse({request::Hello{trace::kProtocol, "test"}, request::Start{spec}, request::Pause{}, request::SingleStep{},
                           request::SetToggles{on}, request::SingleStep{}, request::Record{4, "four steps"}});
  INFO(c.err);
  CHECK(c.exit_code == 0);
  REQUIRE(c.all<reply::Welcome>().size() == 1);
  CHECK(c.all<reply::Welcome>()[0]->backends.at(0).name == "cpu");
  CHECK(c.all<reply::Refused>().empty());
  const auto steps = c.all<reply::StepDone>();
  REQUIRE(steps.size() >= 2);
  CHECK(steps[steps.size() - 2]->toggles == spec.toggles);
  CHECK(steps.back()->toggles == on);
  CHECK(steps.back()->kernels == steps[steps.size() - 2]->kernels - spec.model.layers);
  const auto recorded = c.all<reply::Recorded>();
  REQUIRE(recorded.size() == 1);
  const trace::Run& run = *recorded[0]->run;
  CHECK(run.name == "four steps");
  CHECK(run.step_us.size() == 4);
  REQUIRE(run.trace);
  CHECK(run.trace->events.size() == 4 * static_cast<size_t>(steps.back()->kernels));
}

TEST_CASE("an A/B that was asked for is finished although the input has ended") {
  trace::AbSpec ab;
  ab.base = small_spec();
  const auto arms = trace::parse_arms("cat_skip", ab.base.toggles).value();
  ab.keys = arms.keys;
  ab.a = arms.a;
  ab.b = arms.b;
  ab.instances = 2;
  ab.quads = 2;
  const auto c = converse({request::RunAb{ab}});
  INFO(c.err);
  CHECK(c.exit_code == 0);
  REQUIRE(c.all<reply::AbDone>().size() == 1);
  const auto& result = *c.all<reply::AbDone>()[0]->result;
  CHECK(result.equivalence.ok);
  CHECK(result.equivalence.compared > 0);
  REQUIRE(result.removed.size() == 1);
  CHECK(result.removed[0].per_step == ab.base.model.layers);
}

TEST_CASE("lines that are no requests are refused and the talk goes on") {
  const auto c = converse("this is no JSON\n{\"type\": \"dance\"}\n\n{}\n" + trace::write_message(trace::Request(request::Pause{})) + "\n" +
                          trace::write_message(trace::Request(request::Hello{trace::kProtocol, "test"})) + "\n");
  CHECK(c.exit_code == 0);
  CHECK(c.all<reply::Refused>().size() == 4);
  CHECK(c.all<reply::Welcome>().size() == 1);
}

TEST_CASE("a peer of another protocol is refused with both versions") {
  const auto c = converse({request::Hello{99, "window 7.0"}, request::Start{small_spec()}});
  REQUIRE(c.replies.size() == 1);
  REQUIRE(c.all<reply::Refused>().size() == 1);
  const std::string text = c.all<reply::Refused>()[0]->error.line();
  CHECK(text.find("99") != std::string::npos);
  CHECK(text.find("protocol " + std::to_string(trace::kProtocol)) != std::string::npos);
}

TEST_CASE("goodbye ends it in the middle of a live run") {
  const auto c = converse({request::Start{small_spec()}, request::Bye{}});
  CHECK(c.exit_code == 0);
}
