// The published models at their real widths: two layers (one dense MLP, one of experts), 16 experts
// instead of hundreds and a sixteenth of the heads, so that every launch can be held to its double
// reference.
#include "tests/engine/small_model.h"

using namespace engine;
using namespace engine::test;

TEST_CASE("every launch of the published dimensions agrees with its reference") {
  for (const char* preset : {"glm-5", "glm-5.2", "deepseek-v3.2", "kimi-k2"}) {
    DYNAMIC_SECTION(preset) {
      trace::RunSpec spec;
      spec.model = trace::model_preset(preset).value();
      spec.model.layers = 2, spec.model.dense_layers = 1, spec.model.experts = 16;
      spec.workload.tp = 16, spec.workload.batch = 2, spec.workload.next_n = 1;
      spec.workload.context = 2500, spec.workload.max_context = 4096;
      spec.workload.seed = Catch::getSeed();
      INFO("seed " << Catch::getSeed());
      auto session = load(spec);
      check_ops(*session);
      CHECK(session->step().kernels > 40);
    }
  }
}
