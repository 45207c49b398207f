// The host through its messages alone, as a window or `serve` would drive it.
#include <chrono>
#include <deque>
#include <functional>

#include "engine/host.h"
#include "engine/mailbox.h"
#include "small_model.h"

using namespace engine;
using namespace engine::test;
namespace request = trace::request;
namespace reply = trace::reply;

namespace {

// Reads replies in their order until one satisfies `found`; fails after a minute. Each search goes
// on behind the reply that the last one found: several may have come in one poll.
struct Client {
  Host host{"test 1"};
  std::deque<trace::Reply> all;  // a deque: what was found stays where it is
  size_t next = 0;

  template <class T>
  const T* until(const std::function<bool(const T&)>& found = [](const T&) { return true; }) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (std::chrono::steady_clock::now() < deadline) {
      while (next < all.size()) {
        if (const T* r = std::get_if<T>(&all[next++]); r && found(*r)) return r;
      }
      host.wait(100);
      for (trace::Reply& r : host.poll()) all.push_back(std::move(r));
    }
    FAIL("no such reply within a minute");
    return nullptr;
  }
  const reply::State* phase(reply::Phase p) {
    return until<reply::State>(
        [p](const reply::State& s) { return s.phase == p && (s.spec || p == reply::Phase::idle); });
  }
};

}  // namespace

TEST_CASE("hello, and a peer of another protocol") {
  Client c;
  c.host.post(request::Hello{trace::kProtocol, "window 1"});
  const auto* welcome = c.until<reply::Welcome>();
  CHECK(welcome->version == "test 1");
  REQUIRE(welcome->backends.size() == 3);
  CHECK(welcome->backends[0].name == "cpu");
  CHECK(welcome->backends[0].usable);
  for (size_t i = 1; i < 3; ++i) {
    INFO(welcome->backends[i].name);
    CHECK((welcome->backends[i].usable || !welcome->backends[i].why.empty()));
  }
  c.host.post(request::Hello{99, "window 2"});
  const auto* refused = c.until<reply::Refused>();
  CHECK(refused->error.what.find("99") != std::string::npos);
  CHECK(refused->error.what.find(std::to_string(trace::kProtocol)) != std::string::npos);
}

TEST_CASE("a plan sketch is answered before anything is loaded, while a model runs, and in words where it cannot be") {
  Client c;
  auto spec = small_spec(2, 100);
  spec.toggles = with(spec.toggles, "cat_skip", "on");
  c.host.post(request::Sketch{spec, trace::ToggleKey::cat_skip});
  const auto first = c.until<reply::Sketched>()->sketch;
  REQUIRE(first);
  CHECK(first->problem.empty());
  CHECK(first->spec == spec);   // as asked: backend "auto" and all
  c.host.post(request::Start{spec});
  const auto running = *c.phase(reply::Phase::running)->spec;
  c.host.post(request::Sketch{running, trace::ToggleKey::cat_skip});
  const auto second = c.until<reply::Sketched>()->sketch;
  CHECK(second->a.launches == first->a.launches);
  CHECK(second->b.launches == first->b.launches);
  c.until<reply::StepDone>();   // and it goes on
  auto dense = running;
  dense.model = check_model("tiny-dense");
  dense.toggles = with(trace::ToggleSet::all_off(), "head_gates", "fused");
  c.host.post(request::Sketch{dense, trace::ToggleKey::head_gates});
  const auto third = c.until<reply::Sketched>()->sketch;
  INFO(third->problem);
  CHECK(third->problem.find("indexer") != std::string::npos);
}

TEST_CASE("a model runs live, its switches flip between steps") {
  Client c;
  auto spec = small_spec(2, 100);
  spec.backend = "auto";
  c.host.post(request::Start{spec});
  const auto* running = c.phase(reply::Phase::running);
  CHECK(running->spec->backend == "cpu");
  const auto* step = c.until<reply::StepDone>();
  const int before = step->kernels;
  CHECK(step->us > 0);
  const auto* timeline = c.until<reply::StepTrace>();
  CHECK(timeline->trace->events.size() == static_cast<size_t>(before));

  const auto on = with(spec.toggles, "cat_skip", "on");
  c.host.post(request::SetToggles{on});
  const auto* after =
      c.until<reply::StepDone>([&](const reply::StepDone& s) { return s.toggles == on; });
  CHECK(after->kernels == before - spec.model.layers);
  c.until<reply::StepTrace>([&](const reply::StepTrace& t) {
    return t.trace->events.size() == static_cast<size_t>(before - spec.model.layers);
  });

  c.host.post(request::SetToggles{with(with(on, "page_size", "1"), "index_layout", "preshuffle")});
  const auto* refused = c.until<reply::Refused>();
  CHECK(refused->error.what.find("multiple of 16") != std::string::npos);
  c.until<reply::StepDone>(
      [&](const reply::StepDone& s) { return s.toggles == on; });  // it runs on as it was

  c.host.post(request::Pause{});
  c.phase(reply::Phase::paused);
  c.host.wait(50);
  for (const trace::Reply& r : c.host.poll())
    CHECK_FALSE(std::holds_alternative<reply::StepDone>(r));
  c.host.post(request::SingleStep{});
  const int64_t index = c.until<reply::StepDone>()->index;
  c.host.post(request::SingleStep{});
  CHECK(c.until<reply::StepDone>()->index == index + 1);
  c.host.post(request::Resume{});
  c.phase(reply::Phase::running);
  c.host.post(request::Stop{});
  c.phase(reply::Phase::idle);
}

TEST_CASE("a recording is a run with headline and timeline") {
  Client c;
  const auto spec = small_spec(2, 100);
  c.host.post(request::Start{spec});
  c.phase(reply::Phase::running);
  c.host.post(request::Pause{});
  c.host.post(request::Record{5, "five steps"});
  const auto run = c.until<reply::Recorded>()->run;
  CHECK(run->name == "five steps");
  CHECK(run->step_us.size() == 5);
  CHECK(run->step.n == 5);
  CHECK(run->traced_step_us > 0);
  CHECK(run->origin == trace::Origin::engine);
  CHECK(run->standing == "measured here");
  CHECK(run->program == "test 1");
  CHECK(run->backend == "cpu");
  CHECK_FALSE(run->device.empty());
  REQUIRE(run->trace);
  CHECK(run->trace->annotations.size() == 5);
  CHECK(run->trace->collector.clock == trace::ClockSource::host);
  CHECK(run->trace->events.size() == 5 * static_cast<size_t>(run->kernels_per_step));
  for (const trace::Event& e : run->trace->events) {
    CHECK(e.end_ns >= e.start_ns);
    CHECK(run->trace->op_of(e) == run->trace->name_of(e));
    CHECK(run->trace->detail_of(e)->bytes > 0);
  }
  CHECK(run->trace->edges.size() ==
        run->trace->events.size() - 5);  // one queue: each op behind the one before
  c.phase(reply::Phase::paused);
}

TEST_CASE("an A/B through messages, and one that is cancelled") {
  Client c;
  trace::AbSpec ab;
  ab.base = small_spec(2, 100);
  const auto arms = trace::parse_arms("cat_skip", trace::ToggleSet()).value();
  ab.keys = arms.keys, ab.a = arms.a, ab.b = arms.b, ab.instances = 2, ab.quads = 2;
  c.host.post(request::RunAb{ab});
  c.until<reply::AbProgress>();
  const auto result = c.until<reply::AbDone>()->result;
  CHECK(result->equivalence.ok);
  CHECK(result->instances.size() == 3);

  ab.instances = 1000, ab.quads = 1000;
  c.host.post(request::Start{ab.base});
  c.phase(reply::Phase::running);
  c.host.post(request::RunAb{ab});
  c.until<reply::AbProgress>();
  c.host.post(request::Cancel{});
  CHECK(c.until<reply::Cancelled>()->what == "A/B");
  c.phase(reply::Phase::running);  // the live run goes on
  c.until<reply::StepDone>();

  // Cancelled before it has begun: nothing runs.
  c.host.post(request::RunAb{ab});
  c.host.post(request::Cancel{});
  c.until<reply::Cancelled>();
}

TEST_CASE("refusals before anything ran") {
  Client c;
  for (const trace::Request& r : std::initializer_list<trace::Request>{
           request::Pause{}, request::Resume{}, request::SingleStep{}, request::Record{1, ""},
           request::SetToggles{trace::ToggleSet()}}) {
    c.host.post(r);
    CHECK(c.until<reply::Refused>()->error.what == "nothing is loaded");
  }
  auto spec = small_spec(2, 100);
  spec.backend = "no-such";
  c.host.post(request::Start{spec});
  CHECK(c.until<reply::Refused>()->error.what.starts_with("no such backend"));
  c.host.post(request::Cancel{});  // of nothing: no reply, no harm
  c.host.post(request::Hello{});
  c.until<reply::Welcome>();
}

TEST_CASE("a refused start leaves what ran running") {
  Client c;
  auto spec = small_spec(2, 100);
  c.host.post(request::Start{spec});
  c.phase(reply::Phase::running);
  spec.workload.context = 100000;
  c.host.post(request::Start{spec});
  c.until<reply::Refused>();
  c.until<reply::StepDone>();
}

TEST_CASE("the host ends in the middle of anything") {
  for (int i = 0; i < 3; ++i) {
    Host host;
    host.post(request::Start{small_spec(2, 100)});
    if (i > 0) host.wait(20);
    if (i > 1) host.post(request::Record{1000000, ""});
  }
}

TEST_CASE("unread replies stay bounded and the newest timeline wins") {
  Mailbox mail;
  for (int i = 0; i < 10000; ++i) {
    mail.reply(reply::StepDone{i, 1, {}, 1});
    if (i % 100 == 0) mail.reply(reply::StepTrace{i, nullptr});
  }
  const auto all = mail.poll();
  CHECK(all.size() < 2100);
  int traces = 0;
  int64_t last = -1;
  for (const trace::Reply& r : all) {
    if (const auto* t = std::get_if<reply::StepTrace>(&r)) {
      ++traces;
      CHECK(t->index == 9900);
    }
    if (const auto* s = std::get_if<reply::StepDone>(&r)) {
      CHECK(s->index > last);
      last = s->index;
    }
  }
  CHECK(traces == 1);
  CHECK(last == 9999);
  CHECK(mail.poll().empty());
  CHECK_FALSE(mail.interrupted());
  mail.post(request::Cancel{});
  CHECK(mail.interrupted());
  mail.take(false);
  CHECK_FALSE(mail.interrupted());
}
