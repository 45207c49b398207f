// Session: one model running live with one set of switches, a step at a time; records runs.
// Thread rule: one thread (the host's). Progress and cancel are checked between steps.
#pragma once
#include <functional>

#include "engine/arm.h"
#include "engine/recorder.h"

namespace engine {

struct StepResult {
  int64_t index = 0;
  double us = 0;
  int kernels = 0;
};

class Session {
 public:
  // Throws std::bad_alloc. error: as prepare() and make_arm().
  static trace::Result<std::unique_ptr<Session>> load(const trace::RunSpec&,
                                                      const SharedWeights& reuse = {},
                                                      const Progress& = {});

  const trace::RunSpec& spec() const { return m_model->setup.spec; }  // effective
  const DecodePlan& plan() const { return m_arm.plan(); }
  Model& model() { return *m_model; }
  Arm& arm() { return m_arm; }

  // From the next step on; caches are converted where their format changes. error: nothing has
  // changed.
  trace::Status set_toggles(const trace::ToggleSet&);

  // One decode step, then the next position with the greedy tokens.
  StepResult step();
  // The same with stamps; the trace holds this step alone.
  StepResult traced_step(trace::TracePtr& trace);

  struct RecordOptions {
    int steps = 0;  // 0 = the spec's
    std::string name, program;
    std::function<void(double)> progress;  // fraction done
    std::function<bool()> cancelled;
  };
  // From the starting position: warm-up, an untraced pass for the headline, a traced pass for the
  // timeline. error: cancelled.
  trace::Result<trace::RunPtr> record(const RecordOptions&);

 private:
  Session(std::unique_ptr<Model> model, Arm arm)
      : m_model(std::move(model)), m_arm(std::move(arm)) {}

  std::unique_ptr<Model> m_model;
  Arm m_arm;
  int64_t m_index = 0;
};

// A run of the engine with everything but its measurements filled in.
trace::Run described_run(const Setup&, const trace::ToggleSet&, const std::string& name,
                         const std::string& program);
// Launches a step of the trace has, on average.
double kernels_per_step(const trace::Trace&);

}  // namespace engine
