// Steps of the small model that `check` uses.
#pragma once
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>

#include "engine/check.h"
#include "engine/session.h"

namespace engine::test {

inline trace::RunSpec small_spec(int batch, int context, int next_n = 1,
                                 std::string_view preset = "tiny") {
  trace::RunSpec spec;
  spec.model = check_model(preset);
  spec.workload.batch = batch, spec.workload.context = context, spec.workload.next_n = next_n;
  spec.workload.max_context = 512;
  spec.workload.steps = 8, spec.workload.warmup = 1;
  spec.workload.seed = Catch::getSeed();
  spec.toggles = trace::ToggleSet::all_off();
  return spec;
}

inline trace::ToggleSet with(trace::ToggleSet set, std::string_view key, std::string_view value) {
  set.set(trace::toggle_key(key).value(), value).value();
  return set;
}

inline std::unique_ptr<Session> load(const trace::RunSpec& spec) {
  auto session = Session::load(spec);
  if (!session) FAIL(session.error().line());
  return std::move(session).value();
}

// Runs the plan's ops one by one, each judged.
inline void check_ops(Session& session) {
  session.arm().step.arena.poison();
  for (const PlannedOp& op : session.plan().ops) {
    INFO(op.label);
    const std::vector<kernels::Expected> want = kernels::reference::run(op.args);
    std::vector<kernels::Tensor> out = kernels::outputs(op.args);
    for (kernels::Tensor& t : out) kernels::poison(t);
    kernels::cpu_backend()(op.args, {});
    REQUIRE(out.size() == want.size());
    for (size_t i = 0; i < out.size(); ++i) {
      const kernels::Judgement j = kernels::judge(out[i], want[i]);
      INFO(j.text);
      CHECK(j.ok());
    }
  }
  CHECK(session.arm().step.arena.overrun().empty());
}

}  // namespace engine::test
