#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include "trace/model.h"

using namespace trace;
using Catch::Approx;

TEST_CASE("presets hold together and have the published figures") {
  for (const ModelConfig& m : model_presets()) {
    INFO(m.name);
    CHECK(validate(m, 1).ok());
    CHECK(m.latent_dim() == 576);
  }
  const ModelConfig glm = model_preset("glm-5").value();
  CHECK(validate(glm, 8).ok());
  CHECK(glm.softmax_scale() == Approx(0.0625));
  CHECK(model_preset("deepseek-v3.2").value().softmax_scale() == Approx(0.1352338).epsilon(1e-6));
  CHECK(model_preset("kimi-k2").value().softmax_scale() == Approx(0.1308608).epsilon(1e-6));
  ModelConfig alias = model_preset("glm-5.1").value();
  CHECK(alias.name == "glm-5.1");
  alias.name = "glm-5";
  CHECK(alias == glm);
  const auto unknown = model_preset("glm-6");
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().line().find("deepseek-v3.2") != std::string::npos);
}

TEST_CASE("glm-5.2 runs its indexer in 21 of 78 layers") {
  const ModelConfig m = model_preset("glm-5.2").value();
  std::vector<int> layers;
  for (int i = 0; i < m.layers; ++i) {
    if (m.runs_indexer(i)) layers.push_back(i);
  }
  REQUIRE(layers.size() == 21);
  CHECK(std::vector(layers.begin(), layers.begin() + 5) == std::vector{0, 1, 2, 6, 10});
  CHECK(layers.back() == 74);
  const ModelConfig every = model_preset("glm-5").value();
  for (int i = 0; i < every.layers; ++i) CHECK(every.runs_indexer(i));
  CHECK_FALSE(model_preset("kimi-k2").value().runs_indexer(0));
}

TEST_CASE("fields are overridden by name") {
  ModelConfig m = model_preset("glm-5").value();
  CHECK(override_field(m, "layers", "2").ok());
  CHECK(m.layers == 2);
  CHECK_FALSE(m.synthetic);
  CHECK(override_field(m, "rope_theta", "5e5").ok());
  CHECK(m.rope_theta == 5e5);
  CHECK(m.synthetic);
  CHECK(override_field(m, "o_proj", "bf16").ok());
  CHECK(m.o_proj == WeightFormat::bf16);
  CHECK(override_field(m, "rope_interleave", "false").ok());
  CHECK_FALSE(m.rope_interleave);
  for (auto [key, value] : {std::pair{"layer", "2"},
                            {"layers", "two"},
                            {"layers", "2.5"},
                            {"layers", "-1"},
                            {"layers", ""},
                            {"rope_theta", "nan"},
                            {"o_proj", "int3"},
                            {"norm_topk_prob", "2"}}) {
    INFO(key << "=" << value);
    const ModelConfig before = m;
    CHECK_FALSE(override_field(m, key, value).ok());
    CHECK(m == before);
  }
}

TEST_CASE("shapes that cannot work are refused with the field") {
  const ModelConfig tiny = model_preset("tiny").value();
  auto refused = [&](const char* key, const char* value, int tp = 1) {
    ModelConfig m = tiny;
    override_field(m, key, value).value();
    const Status status = validate(m, tp);
    INFO(key << "=" << value << " tp=" << tp);
    REQUIRE_FALSE(status.ok());
    INFO(status.error().line());
    CHECK(status.error().where == "model tiny");
  };
  refused("hidden", "1000");
  refused("heads", "0");
  refused("heads", "3", 2);
  refused("index_head_dim", "64");
  refused("index_topk", "100");
  refused("experts_per_token", "9");
  refused("expert_groups", "3");
  refused("expert_groups", "8");
  refused("topk_groups", "2");
  refused("moe_intermediate", "100");
  refused("rope_factor", "40");
  refused("layers", "0");
  refused("vocab", "4096", 3);
  refused("vocab", "4096", 0);
  refused("vocab", "4096", -1);
}
