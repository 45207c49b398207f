#include "app/engine_client.h"

namespace app {

namespace request = trace::request;
namespace reply = trace::reply;

Outcome EngineClient::record(const trace::RunSpec& spec) {
  m_host.post(request::Start{spec});
  m_host.post(request::Pause{});   // a recording needs no live steps before it
  m_host.post(request::Record{spec.workload.steps, spec.name});
  return wait("recording");
}

Outcome EngineClient::run_ab(const trace::AbSpec& spec) {
  m_host.post(request::RunAb{spec});
  return wait("A/B");
}

Outcome EngineClient::wait(const char* what) {
  install_interrupt();
  bool cancel_sent = false, done = false;
  Outcome outcome;
  while (!done) {
    if (interrupted() && !cancel_sent) {
      m_host.post(request::Cancel{});
      cancel_sent = true;
    }
    m_host.wait(100);
    for (const auto& message : m_host.poll()) {
      if (!done) outcome = handle(message, what, done);
    }
  }
  m_line.clear();
  return outcome;
}

Outcome EngineClient::handle(const trace::Reply& message, const char* what, bool& done) {
  Outcome outcome;
  if (const auto* state = std::get_if<reply::State>(&message)) {
    if (!state->detail.empty()) m_line.show(state->detail, state->fraction);
  } else if (const auto* progress = std::get_if<reply::AbProgress>(&message)) {
    const double total = std::max(1, progress->instances) * std::max(1, progress->quads);
    const double at = (progress->instance * std::max(1, progress->quads) + progress->quad) / total;
    const bool measuring = progress->instance < progress->instances;
    std::string text = measuring ? fmt::format("A/B, instance {} of {}", progress->instance + 1, progress->instances) : "A/B";
    if (!progress->detail.empty()) text += ": " + progress->detail;
    m_line.show(text, std::min(at, 1.0));
  } else if (const auto* recorded = std::get_if<reply::Recorded>(&message)) {
    outcome.run = recorded->run;
    done = true;
  } else if (const auto* ab = std::get_if<reply::AbDone>(&message)) {
    outcome.ab = ab->result;
    done = true;
  } else if (const auto* refused = std::get_if<reply::Refused>(&message)) {
    m_line.clear();
    outcome.exit_code = refuse(refused->error);
    done = true;
  } else if (const auto* failed = std::get_if<reply::Failed>(&message)) {
    m_line.clear();
    note("error: {}", failed->error.line());
    outcome.exit_code = kFailed;
    done = true;
  } else if (std::get_if<reply::Cancelled>(&message)) {
    m_line.clear();
    note("{} cancelled, nothing was stored", what);
    outcome.exit_code = kFailed;
    done = true;
  } else if (const auto* text = std::get_if<reply::Notice>(&message)) {
    m_line.clear();
    note("note: {}", text->text);
  }
  return outcome;
}

}  // namespace app
