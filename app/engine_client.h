// Drives an engine host from a command: posts requests, shows progress, turns Ctrl+C into Cancel.
// Not thread-safe; the host has its own thread.
#pragma once
#include <memory>

#include "app/output.h"
#include "app/source.h"
#include "engine/host.h"
#include "trace/messages.h"

namespace app {

struct Outcome {
  // Exactly one is set when `exit_code` is 0.
  trace::RunPtr run;
  std::shared_ptr<const trace::AbResult> ab;
  int exit_code = kDone;        // already printed when not 0
};

class EngineClient {
 public:
  // Loads the model and records `steps` (0 = the spec's).
  Outcome record(const trace::RunSpec&);
  Outcome run_ab(const trace::AbSpec&);

 private:
  // Until Recorded or AbDone, or a refusal, failure or cancel.
  Outcome wait(const char* what);
  Outcome handle(const trace::Reply&, const char* what, bool& done);

  engine::Host m_host{program_name()};
  ProgressLine m_line;
};

}  // namespace app
