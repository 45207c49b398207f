#include "engine/host.h"

#include <chrono>
#include <exception>
#include <thread>

#include "engine/ab.h"
#include "engine/gpu_device.h"
#include "engine/gpu_step.h"
#include "engine/mailbox.h"
#include "engine/plan_sketch.h"
#include "engine/sensors.h"
#include "engine/session.h"

namespace engine {

using trace::Error;
using trace::Status;
namespace request = trace::request;
namespace reply = trace::reply;
using reply::Phase;

namespace {

constexpr int64_t kTraceEveryNs = 100'000'000;  // a step's timeline at most ten times a second

// The host's thread: handles requests one after the other and, while running, a live step between
// them.
class Worker {
 public:
  Worker(Mailbox& mail, std::string version) : m_mail(mail), m_version(std::move(version)) {}

  void run() {
    while (!m_ended) {
      const bool live = m_session && m_phase == Phase::running;
      std::optional<trace::Request> r = m_mail.take(!live);
      guarded([&] {
        if (r)
          std::visit([this](auto& message) { handle(message); }, *r);
        else
          live_step(false);
      });
    }
  }

 private:
  // What breaks off inside is reported; the host lives on.
  template <class Work>
  void guarded(Work work) {
    try {
      work();
    } catch (const std::bad_alloc&) {
      fail({"out of memory", std::string(m_doing)});
    } catch (const std::exception& e) {
      fail({e.what(), std::string(m_doing)});
    }
  }

  void fail(Error error) {
    m_mail.reply(reply::Failed{std::move(error)});
    // Whatever was half built is gone, and what lay on a device that is lost.
    const bool lost = m_session && m_session->plan().gpu && m_session->plan().gpu->device().lost();
    if (!m_session || lost || m_phase == Phase::running || m_phase == Phase::loading) {
      m_session.reset();
      enter(Phase::idle);
    } else {
      enter(m_resting);
    }
  }

  void refuse(Error error) { m_mail.reply(reply::Refused{std::move(error)}); }

  void enter(Phase phase, std::string detail = {}, double fraction = -1) {
    m_phase = phase;
    reply::State s{phase, std::move(detail), fraction, std::nullopt};
    if (m_session) s.spec = m_session->spec();
    m_mail.reply(std::move(s));
  }

  bool loaded(std::string_view request) {
    if (m_session) return true;
    refuse({"nothing is loaded", std::string(request)});
    return false;
  }

  Progress load_progress() {
    return [this, last = int64_t{0}](const std::string& what, double fraction) mutable {
      if (now_ns() - last < kTraceEveryNs / 4) return;
      last = now_ns();
      m_mail.reply(reply::State{Phase::loading, what, fraction, std::nullopt});
    };
  }

  void handle(const request::Hello& hello) {
    if (hello.protocol != trace::kProtocol) {
      return refuse({"another protocol: peer " + std::to_string(hello.protocol) + " (" +
                         hello.version + "), host " + std::to_string(trace::kProtocol) + " (" +
                         m_version + ")",
                     "hello"});
    }
    m_mail.reply(reply::Welcome{trace::kProtocol, m_version, backends()});
  }

  void handle(const request::Start& start) {
    m_doing = "loading";
    // Refused before anything is let go: what ran goes on.
    if (const trace::Result<Setup> setup = prepare(start.spec); !setup)
      return refuse(setup.error());
    const SharedWeights kept = m_session ? m_session->model().weights : SharedWeights{};
    m_session.reset();
    m_phase = Phase::loading;
    m_mail.reply(reply::State{Phase::loading, "loading " + start.spec.model.name, 0, std::nullopt});
    auto session = Session::load(start.spec, kept, load_progress());
    if (!session) {
      enter(Phase::idle);
      return refuse(session.error());
    }
    m_session = std::move(session).value();
    m_next_trace_ns = 0;
    enter(Phase::running);
  }

  void handle(const request::SetToggles& set) {
    m_doing = "changing switches";
    if (!loaded("set toggles")) return;
    if (const Status status = m_session->set_toggles(set.toggles); !status)
      return refuse(status.error());
    enter(m_phase);
  }

  void handle(const request::Pause&) {
    if (loaded("pause")) enter(Phase::paused);
  }
  void handle(const request::Resume&) {
    if (loaded("resume")) enter(Phase::running);
  }

  void handle(const request::SingleStep&) {
    if (!loaded("single step")) return;
    if (m_phase != Phase::paused) enter(Phase::paused);
    live_step(true);
  }

  void handle(const request::Record& record) {
    m_doing = "recording";
    if (!loaded("record")) return;
    if (record.steps < 0)
      return refuse({"steps must not be negative", "record " + std::to_string(record.steps)});
    rest();
    enter(Phase::recording, "recording", 0);
    Session::RecordOptions options;
    options.steps = record.steps, options.name = record.name, options.program = m_version;
    options.cancelled = [this] { return m_mail.interrupted(); };
    options.progress = [this, last = now_ns()](double fraction) mutable {
      if (now_ns() - last < kTraceEveryNs) return;
      last = now_ns();
      m_mail.reply(reply::State{Phase::recording, "recording", fraction, m_session->spec()});
    };
    const auto run = m_session->record(options);
    if (run)
      m_mail.reply(reply::Recorded{*run});
    else if (run.error().what == "cancelled")
      m_mail.reply(reply::Cancelled{"recording"});
    else
      refuse(run.error());
    enter(m_resting);
  }

  void handle(const request::RunAb& ab) {
    m_doing = "A/B";
    if (const trace::Result<Setup> setup = prepare_ab(ab.spec); !setup)
      return refuse(setup.error());
    rest();
    m_phase = Phase::ab;
    m_mail.reply(reply::State{Phase::ab, "loading " + ab.spec.base.model.name, -1, std::nullopt});
    AbHooks hooks;
    hooks.program = m_version;
    if (m_session) hooks.reuse = m_session->model().weights;
    hooks.cancelled = [this] { return m_mail.interrupted(); };
    hooks.progress = [this](const reply::AbProgress& p) { m_mail.reply(p); };
    auto result = run_ab(ab.spec, hooks);
    if (result) {
      m_mail.reply(reply::AbDone{std::make_shared<trace::AbResult>(std::move(result).value())});
    } else if (result.error().what == "cancelled") {
      m_mail.reply(reply::Cancelled{"A/B"});
    } else {
      refuse(result.error());
    }
    enter(m_resting);
  }

  void handle(const request::Sketch& sketch) {
    m_doing = "planning";
    m_mail.reply(reply::Sketched{std::make_shared<trace::PlanSketch>(
        plan_sketch(sketch.spec, sketch.key, m_session ? &m_session->model() : nullptr))});
  }

  // What it would break off has ended already: nothing is under way between requests.
  void handle(const request::Cancel&) {}

  void handle(const request::Stop&) {
    m_session.reset();
    enter(Phase::idle);
  }

  void handle(const request::Bye&) { m_ended = true; }

  // The phase to return to behind a recording or an A/B.
  void rest() { m_resting = m_session ? m_phase : Phase::idle; }

  void live_step(bool always_trace) {
    m_doing = "live step";
    const int64_t now = now_ns();
    trace::TracePtr trace;
    StepResult step;
    if (always_trace || now >= m_next_trace_ns) {
      step = m_session->traced_step(trace);
      m_next_trace_ns = now + kTraceEveryNs;
    } else {
      step = m_session->step();
    }
    reply::StepDone done{step.index, step.us, m_session->arm().toggles, step.kernels, {}};
    if (trace) done.sensors = read_sensors(m_session->spec().backend);
    m_mail.reply(std::move(done));
    if (trace) m_mail.reply(reply::StepTrace{step.index, trace});
    // A batch of 0 has nothing to do: it must not spin.
    if (step.kernels == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }

  Mailbox& m_mail;
  std::string m_version;
  std::unique_ptr<Session> m_session;
  Phase m_phase = Phase::idle, m_resting = Phase::idle;
  std::string_view m_doing = "";
  int64_t m_next_trace_ns = 0;
  bool m_ended = false;
};

}  // namespace

struct Host::State {
  Mailbox mail;
  std::thread thread;
};

Host::Host(std::string version) : m_state(std::make_unique<State>()) {
  m_state->thread =
      std::thread([mail = &m_state->mail, v = std::move(version)] { Worker(*mail, v).run(); });
}

Host::~Host() {
  m_state->mail.post(request::Bye{});
  m_state->thread.join();
}

void Host::post(trace::Request request) {
  m_state->mail.post(std::move(request));
}
std::vector<trace::Reply> Host::poll() {
  return m_state->mail.poll();
}
bool Host::wait(int ms) {
  return m_state->mail.wait(ms);
}

std::vector<trace::BackendInfo> backends() {
  std::vector<trace::BackendInfo> all{
      {"cpu", true, true, "plain C++, the oracle of the others", device_name()}};
  for (const char* gpu : {"cuda", "hip"}) {
    const kernels::gpu::BackendState s = gpu_state(gpu);
    all.push_back({gpu, s.built, s.usable, s.why, s.device});
  }
  return all;
}

}  // namespace engine
