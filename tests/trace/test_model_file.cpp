// config.json files of the published models give the presets; what the engine would compute otherwise is refused.
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/internal/catch_random_number_generator.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "tests/support/temp_folder.h"
#include "trace/model_file.h"

using namespace trace;
using nlohmann::json;

namespace {

const json kFp8 = {{"quant_method", "fp8"}, {"fmt", "e4m3"}, {"activation_scheme", "dynamic"}, {"weight_block_size", {128, 128}}};
const json kYarn = {{"type", "yarn"}, {"factor", 40}, {"original_max_position_embeddings", 4096}, {"beta_fast", 32}, {"beta_slow", 1}, {"mscale", 1.0}, {"mscale_all_dim", 1.0}};

// The keys that the published files carry and the engine reads.
json glm_5() {
  return {{"architectures", {"GlmMoeDsaForCausalLM"}}, {"model_type", "glm_moe_dsa"}, {"hidden_size", 6144}, {"num_hidden_layers", 78},
          {"first_k_dense_replace", 3}, {"num_attention_heads", 64}, {"q_lora_rank", 2048}, {"kv_lora_rank", 512}, {"qk_nope_head_dim", 192},
          {"qk_rope_head_dim", 64}, {"v_head_dim", 256}, {"index_n_heads", 32}, {"index_head_dim", 128}, {"index_topk", 2048},
          {"n_routed_experts", 256}, {"num_experts_per_tok", 8}, {"n_shared_experts", 1}, {"moe_intermediate_size", 2048},
          {"intermediate_size", 12288}, {"n_group", 1}, {"topk_group", 1}, {"routed_scaling_factor", 2.5}, {"norm_topk_prob", true},
          {"scoring_func", "sigmoid"}, {"topk_method", "noaux_tc"}, {"hidden_act", "silu"}, {"attention_bias", false}, {"vocab_size", 154880},
          {"rope_parameters", {{"rope_theta", 1000000}, {"rope_type", "default"}}}, {"rope_interleave", true}, {"indexer_rope_interleave", true},
          {"max_position_embeddings", 202752}, {"rms_norm_eps", 1e-5}, {"moe_layer_freq", 1}, {"quantization_config", kFp8}};
}

json glm_5_2() {
  json c = glm_5();
  c["rope_parameters"]["rope_theta"] = 8000000;
  c["max_position_embeddings"] = 1048576;
  c["index_topk_freq"] = 4, c["index_topk_offset"] = 3;
  json kinds = json::array();
  for (int i = 0; i < 78; ++i) kinds.push_back(i < 3 || i % 4 == 2 ? "full" : "shared");
  c["indexer_types"] = kinds;
  return c;
}

json deepseek_v3_2() {
  json c = glm_5();
  c.update({{"architectures", {"DeepseekV32ForCausalLM"}}, {"hidden_size", 7168}, {"num_hidden_layers", 61}, {"num_attention_heads", 128},
            {"q_lora_rank", 1536}, {"qk_nope_head_dim", 128}, {"v_head_dim", 128}, {"index_n_heads", 64}, {"intermediate_size", 18432},
            {"n_group", 8}, {"topk_group", 4}, {"vocab_size", 129280}, {"rope_theta", 10000}, {"rope_scaling", kYarn},
            {"max_position_embeddings", 163840}, {"rms_norm_eps", 1e-6}});
  for (const char* key : {"rope_parameters", "rope_interleave", "indexer_rope_interleave"}) c.erase(key);
  return c;
}

json kimi_k2() {
  json c = deepseek_v3_2();
  c.update({{"architectures", {"DeepseekV3ForCausalLM"}}, {"model_type", "kimi_k2"}, {"first_k_dense_replace", 1}, {"num_attention_heads", 64},
            {"n_routed_experts", 384}, {"n_group", 1}, {"topk_group", 1}, {"routed_scaling_factor", 2.827}, {"vocab_size", 163840},
            {"rope_theta", 50000}, {"max_position_embeddings", 131072}});
  c["rope_scaling"]["factor"] = 32, c["rope_scaling"]["beta_fast"] = 1.0;
  for (const char* key : {"index_n_heads", "index_head_dim", "index_topk"}) c.erase(key);
  return c;
}

ModelConfig parsed(const json& config) {
  auto model = parse_model_config(config.dump(), "model", "config.json");
  if (!model) FAIL(model.error().line());
  return *model;
}

std::string refusal(const json& config) {
  const auto model = parse_model_config(config.dump(), "model", "config.json");
  REQUIRE_FALSE(model.ok());
  CHECK(model.error().where == "config.json");
  return model.error().what;
}

// The preset in the formats of the published file.
ModelConfig preset(const char* name, WeightFormat format) {
  ModelConfig m = model_preset(name).value();
  m.name = "model";
  m.linears = m.absorb = m.experts_format = m.o_proj = format;
  return m;
}

}  // namespace

TEST_CASE("the published files give the presets") {
  CHECK(parsed(glm_5()) == preset("glm-5", WeightFormat::fp8_block));
  CHECK(parsed(glm_5_2()) == preset("glm-5.2", WeightFormat::fp8_block));
  CHECK(parsed(deepseek_v3_2()) == preset("deepseek-v3.2", WeightFormat::fp8_block));
  CHECK(parsed(kimi_k2()) == preset("kimi-k2", WeightFormat::fp8_block));
  json plain = glm_5();
  plain.erase("quantization_config");
  CHECK(parsed(plain) == preset("glm-5", WeightFormat::bf16));
  CHECK_FALSE(parsed(plain).synthetic);
}

TEST_CASE("a wrapped language model, its quantisation inside or outside") {
  json text = kimi_k2();
  text["rope_scaling"]["factor"] = 64.0, text["rope_scaling"]["beta_fast"] = 32.0;
  text["max_position_embeddings"] = 262144, text["rms_norm_eps"] = 1e-5;
  const json quantised = text["quantization_config"];
  text.erase("quantization_config");
  json wrapped = {{"architectures", {"KimiK25ForConditionalGeneration"}}, {"text_config", text}};
  ModelConfig want = preset("kimi-k2", WeightFormat::bf16);
  want.rope_factor = 64, want.rope_beta_fast = 32, want.max_positions = 262144, want.rms_norm_eps = 1e-5;
  CHECK(parsed(wrapped) == want);
  wrapped["quantization_config"] = quantised;
  CHECK(parsed(wrapped).experts_format == WeightFormat::fp8_block);
  wrapped.erase("text_config");
  CHECK(refusal(wrapped).find("text_config") != std::string::npos);
}

TEST_CASE("Quark MXFP4: experts, what is excluded, and what is made at load") {
  json c = kimi_k2();
  c["quantization_config"] = {{"quant_method", "quark"}, {"exclude", {"*self_attn*", "lm_head", "*mlp.gate"}},
                              {"global_quant_config", {{"weight", {{"dtype", "fp4"}, {"scale_format", "e8m0"}, {"group_size", 32}}}}}};
  CHECK(parsed(c) == [] { ModelConfig m = model_preset("kimi-k2").value(); m.name = "model"; return m; }());
  c["quantization_config"]["exclude"] = {"lm_head"};
  CHECK(parsed(c).linears == WeightFormat::mxfp4);
  CHECK(parsed(c).o_proj == WeightFormat::mxfp4);
  json glm = glm_5();
  glm["quantization_config"] = c["quantization_config"];
  CHECK(parsed(glm).absorb == WeightFormat::bf16);
  c["quantization_config"]["global_quant_config"]["weight"]["dtype"] = "int4";
  CHECK(refusal(c).find("int4") != std::string::npos);
}

TEST_CASE("what the engine would compute otherwise is refused with its key") {
  const auto changed = [](const std::function<void(json&)>& change) {
    json c = glm_5();
    change(c);
    return refusal(c);
  };
  const auto has = [](const std::string& text, std::string_view word) { return text.find(word) != std::string::npos; };
  const std::string unknown = changed([](json& c) { c["architectures"] = {"LlamaForCausalLM"}; });
  CHECK(has(unknown, "LlamaForCausalLM"));
  for (const auto known : known_architectures()) CHECK(has(unknown, known));
  CHECK(has(changed([](json& c) { c.erase("architectures"); }), "no architecture"));
  for (const char* key : {"hidden_size", "q_lora_rank", "index_topk", "n_routed_experts", "rms_norm_eps", "first_k_dense_replace"})
    CHECK(has(changed([&](json& c) { c.erase(key); }), std::string(key) + " is missing"));
  CHECK(has(changed([](json& c) { c["q_lora_rank"] = nullptr; }), "q_lora_rank is missing"));
  CHECK(has(changed([](json& c) { c["hidden_size"] = "6144"; }), "hidden_size: expected a whole number"));
  CHECK(has(changed([](json& c) { c["hidden_size"] = 1e300; }), "hidden_size"));
  CHECK(has(changed([](json& c) { c["scoring_func"] = "softmax"; }), "scoring_func softmax"));
  CHECK(has(changed([](json& c) { c["topk_method"] = "greedy"; }), "topk_method greedy"));
  CHECK(has(changed([](json& c) { c["moe_layer_freq"] = 2; }), "moe_layer_freq 2"));
  CHECK(has(changed([](json& c) { c["attention_bias"] = true; }), "attention_bias"));
  CHECK(has(changed([](json& c) { c["rope_parameters"]["rope_type"] = "llama3"; }), "llama3"));
  CHECK(has(changed([](json& c) { c["rope_parameters"].erase("rope_theta"); }), "rope_theta is missing"));
  CHECK(has(changed([](json& c) { c["rope_scaling"] = {{"type", "yarn"}}; }), "factor is missing"));
  CHECK(has(changed([](json& c) { c["quantization_config"]["quant_method"] = "compressed-tensors"; }), "compressed-tensors"));
  CHECK(has(changed([](json& c) { c["quantization_config"]["weight_block_size"] = {64, 64}; }), "128x128"));
  CHECK(has(changed([](json& c) { c["quantization_config"].erase("weight_block_size"); }), "weight_block_size"));
  CHECK(has(changed([](json& c) { c["indexer_types"] = {"full", "shared"}; }), "layer 1 is shared"));
  CHECK(has(changed([](json& c) { c["mlp_layer_types"] = {"dense", "sparse", "dense"}; }), "mlp_layer_types"));
  CHECK(has(changed([](json& c) { c["mlp_layer_types"] = {"dense", "sparse"}; }), "disagree"));
  CHECK_FALSE(parse_model_config("{", "m", "config.json").ok());
  CHECK_FALSE(parse_model_config("[]", "m", "config.json").ok());
}

TEST_CASE("a preset, a file and a folder open by one name; a model of a file can be changed field by field") {
  tests::TempFolder folder;
  std::filesystem::create_directories(folder / "GLM-5-FP8");
  const std::string file = folder / "GLM-5-FP8/config.json";
  std::ofstream(file) << glm_5().dump(2);
  for (const std::string& path : {file, folder / "GLM-5-FP8", folder / "GLM-5-FP8/"}) {
    auto opened = open_model(path);
    REQUIRE(opened.ok());
    CHECK(opened->model.name == "GLM-5-FP8");
    CHECK(opened->model.hidden == 6144);
    CHECK(std::filesystem::equivalent(opened->folder, folder / "GLM-5-FP8"));
    CHECK_FALSE(opened->model.synthetic);
    CHECK(override_field(opened->model, "experts", "8").ok());
    CHECK(opened->model.synthetic);
  }
  CHECK(open_model("tiny")->folder.empty());
  CHECK(open_model("tinny").error().line().find("config.json") != std::string::npos);
  CHECK(open_model("tinny").error().line().find("glm-5.2") != std::string::npos);
  CHECK(open_model(folder / "nowhere").error().what == "no such file or folder");
  CHECK(open_model(folder.path()).error().what == "the folder holds no config.json");
}

TEST_CASE("sizes that no model has are refused before anything is counted") {
  for (const char* key : {"num_hidden_layers", "hidden_size", "vocab_size", "n_routed_experts", "num_attention_heads", "v_head_dim", "moe_intermediate_size"}) {
    json c = glm_5();
    c[key] = 2000000000;
    const Status status = validate(parsed(c), 1);
    INFO(key);
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().what.find("2000000000 is more than") != std::string::npos);
  }
  json c = glm_5();
  c["num_hidden_layers"] = -1;
  CHECK_FALSE(validate(parsed(c), 1).ok());
}

TEST_CASE("a config.json with any byte changed opens or is refused, never more") {
  const std::string text = glm_5_2().dump();
  Catch::SimplePcg32 random(Catch::getSeed());
  INFO("seed " << Catch::getSeed());
  for (int i = 0; i < 2000; ++i) {
    std::string changed = text;
    for (uint32_t n = 1 + random() % 3; n > 0; --n) changed[random() % changed.size()] = static_cast<char>("0129-.\"{}[]:,xe\0"[random() % 17]);
    const auto model = parse_model_config(changed, "model", "config.json");
    if (!model) CHECK_FALSE(model.error().what.empty());
    else (void)validate(*model, 8).ok();
  }
}
