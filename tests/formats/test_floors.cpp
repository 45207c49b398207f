// Floors: the identity in whole nanoseconds, the published per-kernel bytes, and every assumption said.
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/expected_figures.h"
#include "trace/floors.h"
#include "trace/serving.h"
#include "tests/support/temp_folder.h"

#include <fstream>

using Catch::Matchers::ContainsSubstring;

namespace {

trace::Run run_of(const std::string& file) {
  trace::Run run;
  run.name = file;
  run.trace = tests::import_published(file).trace;
  return run;
}

trace::FloorReport report_of(const trace::Run& run, trace::FloorRequest request) {
  request.batch = request.batch.value_or(4);
  request.context = request.context.value_or(8192);
  if (request.hardware.empty()) request.hardware = "MI355X";
  auto assumptions = trace::floor_assumptions(run, 0, request);
  if (!assumptions.ok()) FAIL(assumptions.error().line());
  return trace::floors(*run.trace, trace::whole(*run.trace, 0), *assumptions);
}

const trace::FloorRow& row_of(const trace::FloorReport& r, const std::string& op) {
  for (const auto& row : r.rows)
    if (row.op == op) return row;
  FAIL("no row of " + op);
  return r.rows.front();
}

}  // namespace

TEST_CASE("floors: wall = floor + above + unknown + idle - concurrency on every published layer") {
  for (const char* file : {"seed_layer_mi355x_single_rocm72.json", "seed_layer_mi355x_dual_rocm72.json", "seed_layer_b200_dual_cuda_graph.json"}) {
    const auto r = report_of(run_of(file), {.model = *trace::model_preset("glm-5"), .tp = 8});
    INFO(file);
    CHECK(r.floor_ns + r.above_ns + r.unknown_ns + r.idle_ns - r.concurrency_ns == r.wall_ns);
    int64_t floor = 0, ns = 0, count = 0;
    for (const auto& row : r.rows) floor += row.floor_ns, ns += row.ns, count += row.count;
    CHECK((floor == r.floor_ns && count == r.kernels));
    CHECK(ns == r.wall_ns - r.idle_ns + r.concurrency_ns);
    CHECK((r.floor_ns > 20'000 && r.beaten == 0));
  }
}

TEST_CASE("floors: the layer's kernels and their published bytes") {
  // GLM-5 at TP 8, M = 4, 8k: MB a kernel as computed from the configuration; experts uniform. What is read and
  // written besides weights and cache comes on top.
  const auto r = report_of(run_of("seed_layer_mi355x_single_rocm72.json"), {});
  CHECK((r.kernels == 42 && r.estimated == 42 && r.unknown_ns == 0));
  const auto mb = [&](const char* op) { return static_cast<double>(row_of(r, op).bytes) / 1e6; };
  CHECK(mb("qkv_a") == Catch::Approx(16.12).epsilon(0.01));
  CHECK(mb("q_b") == Catch::Approx(4.19).epsilon(0.01));
  CHECK(mb("wq_b") == Catch::Approx(8.39).epsilon(0.01));
  CHECK(mb("o_proj") == Catch::Approx(12.58).epsilon(0.01));
  CHECK(mb("router") == Catch::Approx(3.15).epsilon(0.02));
  CHECK(mb("experts_gate_up") + mb("experts_down") == Catch::Approx(148.78).epsilon(0.01));
  CHECK(row_of(r, "qkv_a").floor_ns == Catch::Approx(2020).epsilon(0.01));
  CHECK(row_of(r, "x_scale_copy").count == 4);
  // M x K / 128 scales, in and out: 48 + 16 + 48 + 16 groups for qkv_a, q_b, wk and o_proj.
  CHECK(row_of(r, "x_scale_copy").bytes == 4 * (48 + 16 + 48 + 16) * 8);
  CHECK(row_of(r, "attn_all_reduce").bound == trace::FloorBound::link);
  CHECK(r.rows.front().above_ns() >= r.rows[1].above_ns());
}

TEST_CASE("floors: assumptions are editable, and said with where they are from") {
  const trace::Run run = run_of("seed_layer_mi355x_single_rocm72.json");
  const auto base = report_of(run, {});
  const auto said = [](const trace::FloorReport& r, const std::string& what) {
    for (const auto& a : r.assumptions.list)
      if (a.what == what) return a.value + " | " + a.from;
    return std::string("nothing");
  };
  CHECK(said(base, "tp") == "8 | the all-reduces' names");
  CHECK(said(base, "batch") == "4 | given");
  CHECK(said(base, "kv cache") == "fp8 | what kernel names tell, see advise");
  CHECK_THAT(said(base, "memory"), ContainsSubstring("8000 GB/s | MI355X"));
  const auto slow = report_of(run, {.read_gbps = 4000});
  CHECK(row_of(slow, "qkv_a").floor_ns == Catch::Approx(2.0 * static_cast<double>(row_of(base, "qkv_a").floor_ns)).margin(1));
  CHECK(said(slow, "memory") == "4000 GB/s | given");
  const auto distinct = report_of(run, {.routing = trace::Routing{trace::Routing::Kind::distinct, 0}});
  CHECK(row_of(distinct, "experts_down").bytes > row_of(base, "experts_down").bytes);
  const auto few = report_of(run, {.routing = trace::Routing{trace::Routing::Kind::given, 8}});
  CHECK(row_of(few, "experts_down").bytes < row_of(base, "experts_down").bytes);
  CHECK(report_of(run, {.context = 65536}).floor_ns > base.floor_ns);
  // More than can be: kernels beat such a floor, and that is said.
  const auto wrong = report_of(run, {.batch = 256});
  CHECK(wrong.beaten > 0);
  CHECK_THAT(wrong.caveats[wrong.caveats.size() - 2], ContainsSubstring("less than their floor"));
  CHECK(wrong.floor_ns + wrong.above_ns + wrong.unknown_ns + wrong.idle_ns - wrong.concurrency_ns == wrong.wall_ns);
}

TEST_CASE("floors: what is not known is asked for") {
  trace::Run run = run_of("seed_layer_mi355x_single_rocm72.json");
  const auto line = [&](const trace::FloorRequest& request) { return trace::floor_assumptions(run, 0, request).error().line(); };
  CHECK_THAT(line({}), ContainsSubstring("give --batch N"));
  CHECK_THAT(line({.batch = 4}), ContainsSubstring("give --context L"));
  CHECK_THAT(line({.batch = 4, .context = 8192, .hardware = "TPU"}), ContainsSubstring("MI355X"));
  CHECK_THAT(line({.batch = 0, .context = 8192, .hardware = "B200"}), ContainsSubstring("one sequence"));
  CHECK_THAT(line({.batch = 4, .context = 8192, .tp = 7, .hardware = "B200"}), ContainsSubstring("not divisible"));
  CHECK_THAT(line({.batch = 4, .context = 8192, .hardware = "B200", .read_gbps = -1}), ContainsSubstring("positive"));
  run = run_of("kineto_mi300x_sglang_qwen3-8b_decode.json.gz");
  CHECK_THAT(line({}), ContainsSubstring("these fit: qwen3-4b, qwen3-8b") && ContainsSubstring("give --model P"));
  const auto qwen = *trace::open_gqa_model("qwen3-8b");
  CHECK_THAT(line({.gqa = qwen, .tp = 3}), ContainsSubstring("32 heads are not divisible by tp 3"));
  CHECK_THAT(line({.gqa = qwen, .kv = trace::KvFormat::fp8_scaled}), ContainsSubstring("latent attention"));
  // A step that reads prompts too is no decode step: its batch is not taken from its annotation.
  run = run_of("kineto_amd_vllm_piecewise_neg.json.gz");
  CHECK_THAT(line({.gqa = *trace::open_gqa_model("gpt-oss-20b"), .hardware = "MI300X"}), ContainsSubstring("read prompts too") && ContainsSubstring("give --batch"));
  CHECK(!trace::parse_routing("often").ok());
  CHECK(trace::parse_routing("12.5")->experts == 12.5);
}

TEST_CASE("floors: grouped-query attention, the Qwen3-8B decode of sglang") {
  const trace::Run run = run_of("kineto_mi300x_sglang_qwen3-8b_decode.json.gz");
  auto assumptions = trace::floor_assumptions(run, 0, {.gqa = *trace::open_gqa_model("qwen3-8b")});
  if (!assumptions.ok()) FAIL(assumptions.error().line());
  // From the engine's own annotation: 32 sequences that look at 32,785 tokens together.
  CHECK((assumptions->shape.batch == 32 && assumptions->shape.context == 1025));
  const auto r = trace::floors(*run.trace, trace::whole(*run.trace, 0), *assumptions);
  CHECK(r.floor_ns + r.above_ns + r.unknown_ns + r.idle_ns - r.concurrency_ns == r.wall_ns);
  const auto bytes = [&](const char* op) { return row_of(r, op).bytes / row_of(r, op).count; };
  // bf16 weights, inputs, outputs of 32 tokens; a token's keys and values are 2 x 8 x 128 x 2 bytes.
  CHECK(bytes("qkv") == 2 * (6144 * 4096 + 32 * 4096 + 32 * 6144));
  CHECK(bytes("o_proj") == 2 * (4096 * 4096 + 2 * 32 * 4096));
  CHECK(bytes("mlp_gate_up") == 2 * (24576 * 4096 + 32 * 4096 + 32 * 24576));
  CHECK(bytes("mlp_down") == 2 * (12288 * 4096 + 32 * 12288 + 32 * 4096));
  CHECK(bytes("attention") == 32 * 1025 * 4096 + 2 * 32 * 4096 * 2);
  CHECK(row_of(r, "attention").flops / 36 == int64_t{4} * 32 * 4096 * 1025);
  CHECK(bytes("q_copy") == 32 * 4096 * 4);
  CHECK(bytes("k_copy") == 32 * 1024 * 4);
  CHECK(row_of(r, "lm_head").count == 1);
  for (const char* op : {"qkv", "q_copy", "k_copy", "q_norm", "qk_norm", "rope", "kv_store", "attention", "attention_reduce", "o_proj", "post_norm", "mlp_gate_up", "mlp_silu", "mlp_down"}) {
    INFO(op);
    CHECK(row_of(r, op).count == 36);
  }
  CHECK(row_of(r, "input_norm").count == 35);   // the first layer has no residual to add: another kernel
  // Every kernel of the layers has a floor, and none beats it.
  CHECK(r.estimated >= 36 * 15 + 2);
  CHECK(r.beaten == 0);
  // More ranks, less to read.
  const auto half = trace::floor_assumptions(run, 0, {.gqa = *trace::open_gqa_model("qwen3-8b"), .tp = 2});
  REQUIRE(half.ok());
  CHECK(row_of(trace::floors(*run.trace, trace::whole(*run.trace, 0), *half), "qkv").bytes < row_of(r, "qkv").bytes * 6 / 10);
}

TEST_CASE("floors: grouped-query attention with experts, vLLM's decode of a gpt-oss") {
  const trace::Run run = run_of("kineto_amd_vllm_decode_fullgraph.json.gz");
  auto assumptions = trace::floor_assumptions(run, 0, {.gqa = *trace::open_gqa_model("gpt-oss-20b"), .hardware = "MI300X"});
  if (!assumptions.ok()) FAIL(assumptions.error().line());
  CHECK((assumptions->shape.batch == 32 && assumptions->shape.context == 1721));
  const auto r = trace::floors(*run.trace, trace::whole(*run.trace, 0), *assumptions);
  CHECK(r.floor_ns + r.above_ns + r.unknown_ns + r.idle_ns - r.concurrency_ns == r.wall_ns);
  // 32 experts of MXFP4, nearly all of them met by 32 tokens x 4: 17 bytes for 32 values.
  const int64_t weights = int64_t{2} * 2880 * 2880 / 32 * 17 * 32;
  const int64_t met = row_of(r, "experts_gate_up").bytes / 24;
  CHECK((met > weights * 95 / 100 && met < weights * 105 / 100));
  CHECK(row_of(r, "experts_down").count == 24);
  CHECK(row_of(r, "attention").count == 12);   // of each of two kernels
  CHECK_THAT(r.caveats[2], ContainsSubstring("their mean"));
  CHECK(r.beaten == 0);
}

TEST_CASE("models of grouped-query attention: presets, config.json, fields") {
  for (const trace::GqaModel& m : trace::gqa_presets()) {
    INFO(m.dims.name);
    CHECK(trace::validate(m, 1).ok());
    CHECK(trace::validate(m, 8).ok());
    CHECK(!m.dims.synthetic);
  }
  const std::string config = R"({"architectures": ["Qwen3MoeForCausalLM"], "hidden_size": 2048, "num_hidden_layers": 48, "num_attention_heads": 32, "num_key_value_heads": 4, "head_dim": 128,
    "intermediate_size": 6144, "moe_intermediate_size": 768, "num_experts": 128, "num_experts_per_tok": 8, "vocab_size": 151936})";
  auto read = trace::parse_gqa_config(config, "qwen3-30b-a3b", "config.json");
  REQUIRE(read.ok());
  CHECK(*read == *trace::open_gqa_model("qwen3-30b-a3b"));
  CHECK(trace::parse_gqa_config(R"({"architectures": ["GPT2LMHeadModel"]})", "x", "c").error().line().find("Qwen3ForCausalLM") != std::string::npos);
  CHECK(trace::parse_gqa_config(R"({"architectures": ["LlamaForCausalLM"], "hidden_size": 4096})", "x", "c").error().line().find("num_hidden_layers is missing") != std::string::npos);
  CHECK(!trace::parse_gqa_config("[1", "x", "c").ok());
  CHECK(!trace::open_gqa_model("gpt-9").ok());
  CHECK(trace::override_field(*read, "kv_heads", "8").ok());
  CHECK((read->kv_heads == 8 && read->dims.synthetic));
  CHECK(!trace::override_field(*read, "kv_heads", "-8").ok());
  CHECK(!trace::override_field(*read, "q_lora_rank", "8").ok());
  CHECK(!trace::validate(*read, 5).ok());
}

TEST_CASE("serving: a benchmark's line beside a run, TPOT split") {
  tests::TempFolder folder;
  const std::string file = folder / "bench.jsonl";
  std::ofstream(file) << R"({"median_tpot_ms": 24.45, "max_concurrency": 4})" << "\n\n" << R"({"mean_tpot_ms": 12.5, "backend": "vllm"})" << "\n{\"x\": 1}\nnot json\n";
  const auto first = trace::read_serving(file, 1);
  REQUIRE(first.ok());
  CHECK((first->tpot_ms == 24.45 && first->lines == 4 && !first->tpot_is_mean && first->file == "bench.jsonl"));
  CHECK(trace::read_serving(file, 2)->tpot_is_mean);
  CHECK_THAT(trace::read_serving(file, 0).error().line(), ContainsSubstring("not a JSON object"));
  CHECK_THAT(trace::read_serving(file, 3).error().line(), ContainsSubstring("bench_serving"));
  CHECK_THAT(trace::read_serving(file, 9).error().line(), ContainsSubstring("no line 9"));
  CHECK_THAT(trace::read_serving(folder / "none", 0).error().line(), ContainsSubstring("cannot be read"));
  const auto back = trace::serving_from_json(trace::serving_json(*first));
  REQUIRE(back.ok());
  CHECK((back->tpot_ms == 24.45 && back->max_concurrency == 4 && back->line == 1));
  const trace::Run run = run_of("kineto_mi300x_sglang_qwen3-8b_decode.json.gz");
  const auto split = trace::split_tpot(run, *first);
  REQUIRE(split.ok());
  CHECK(split->step_us == Catch::Approx(9931).margin(1));
  CHECK(split->rest_us() == Catch::Approx(24450 - split->step_us));
  trace::Run engine;
  engine.step = {4000, 3900, 4100, 64};
  CHECK(trace::split_tpot(engine, *trace::read_serving(file, 2))->rest_us() == 8500);
  engine.step = {};
  CHECK(!trace::split_tpot(engine, *first).ok());
}
