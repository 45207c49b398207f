// Advice on published layers and other engines' traces, and on sequences written down here.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/shared_files.h"
#include "trace/advise.h"
#include "trace/builder.h"
#include "trace/formats.h"

using Catch::Matchers::ContainsSubstring;
using trace::SwitchState;
using trace::ToggleKey;

namespace {

trace::TracePtr open(const std::string& name) {
  const auto path = tests::shared_file("traces/" + name);
  auto imported = trace::import_file(path.string());
  if (!imported.ok()) FAIL(imported.error().line());
  return imported->trace;
}

trace::Advice advice_on(const trace::Trace& t) {
  const auto devices = trace::active_devices(t);
  return trace::advise(t, devices.empty() ? 0 : devices[0]);
}

const trace::SwitchAdvice& about(const trace::Advice& a, ToggleKey key) {
  return a.switches.at(static_cast<size_t>(key));
}

void check_state(const trace::Advice& a, ToggleKey key, SwitchState state,
                 const std::string& value) {
  const auto& s = about(a, key);
  INFO(trace::info(key).name << ": " << s.reason);
  CHECK(s.key == key);
  CHECK(trace::to_string(s.state) == trace::to_string(state));
  CHECK(s.value == value);
}

// What holds of any advice.
void check_sound(const trace::Advice& a) {
  REQUIRE(a.switches.size() == trace::kToggles);
  for (size_t i = 0; i < a.switches.size(); ++i) {
    const auto& s = a.switches[i];
    INFO(trace::info(s.key).name << ": " << s.reason << " / " << s.arithmetic);
    CHECK(s.key == static_cast<ToggleKey>(i));
    CHECK(!s.reason.empty());
    CHECK(s.worth_ns >= 0);
    if (s.state != SwitchState::off) {
      CHECK(s.worth_ns == 0);
      CHECK(s.arithmetic.empty());
    } else {
      CHECK(!s.arithmetic.empty());
    }
    CHECK((s.state == SwitchState::not_applicable) == s.value.empty());
    int64_t ns = 0;
    for (const auto& k : s.kernels) ns += k.ns;
    if (s.state == SwitchState::off && !s.kernels.empty() && s.key != ToggleKey::launch)
      CHECK(s.worth_ns <= ns);
  }
  CHECK(!trace::advice_text(a).empty());
}

trace::TracePtr of_names(const std::vector<std::string>& names, int repeats = 1,
                         bool graph = false) {
  trace::TraceBuilder b;
  int64_t at = 0;
  for (int r = 0; r < repeats; ++r)
    for (const std::string& name : names) {
      trace::Event e;
      e.name = b.intern(name);
      e.lane = b.lane(b.device("0"), 0);
      e.correlation = graph ? 1 : static_cast<int64_t>(b.event_count());
      e.start_ns = at;
      e.end_ns = at += 1000;
      at += 10;
      b.add(e);
    }
  b.classify_kernels();
  return b.finish();
}

const std::string kCopy =
    "void at::native::elementwise_kernel_manual_unroll<128, 4, direct_copy_kernel>";
const std::string kFill =
    "void at::native::vectorized_elementwise_kernel<4, at::native::FillFunctor<float> >";

}  // namespace

TEST_CASE("advise: the layer on one stream") {
  const auto t = open("seed_layer_mi355x_single_rocm72.json");
  const auto a = advice_on(*t);
  check_sound(a);
  CHECK(a.model.name == "glm-5");
  CHECK(a.model.family == trace::ModelFamily::dsa);
  CHECK(a.model.ranks == 8);
  CHECK(a.layers == 1);
  CHECK(a.window.wall_ns() == 287161);
  check_state(a, ToggleKey::cat_skip, SwitchState::off, "off");
  CHECK(about(a, ToggleKey::cat_skip).worth_ns == 5319);
  CHECK(about(a, ToggleKey::cat_skip).kernel_count() == 1);
  CHECK(about(a, ToggleKey::cat_skip).worth_step_ns == 78 * 5319);
  CHECK(about(a, ToggleKey::cat_skip).worth_pct_of_window > 1.85);
  CHECK(about(a, ToggleKey::cat_skip).worth_pct_of_window < 1.86);
  CHECK_THAT(about(a, ToggleKey::cat_skip).arithmetic,
             ContainsSubstring("5.319 us of 287.161 us = 1.85 %") &&
                 ContainsSubstring("414.882 us a step"));
  check_state(a, ToggleKey::x_scale, SwitchState::off, "copy");
  CHECK(about(a, ToggleKey::x_scale).kernel_count() == 4);
  CHECK(about(a, ToggleKey::x_scale).worth_ns == 16476);
  check_state(a, ToggleKey::v_layout, SwitchState::not_applicable, "");
  check_state(a, ToggleKey::head_gates, SwitchState::on, "fused");
  check_state(a, ToggleKey::rope_update, SwitchState::on, "guarded");
  check_state(a, ToggleKey::index_layout, SwitchState::on, "preshuffle");
  check_state(a, ToggleKey::page_size, SwitchState::on, "64");
  check_state(a, ToggleKey::logits_init, SwitchState::on, "empty");
  check_state(a, ToggleKey::streams, SwitchState::off, "single");
  check_state(a, ToggleKey::kv_dtype, SwitchState::on, "fp8");
  // The file says nothing about launches.
  check_state(a, ToggleKey::launch, SwitchState::not_applicable, "");
  CHECK_THAT(about(a, ToggleKey::launch).reason, ContainsSubstring("cannot be told"));
}

TEST_CASE("advise: the layer on two streams") {
  const auto t = open("seed_layer_mi355x_dual_rocm72.json");
  const auto a = advice_on(*t);
  check_sound(a);
  CHECK(a.model.name == "glm-5");
  check_state(a, ToggleKey::cat_skip, SwitchState::on, "on");
  check_state(a, ToggleKey::x_scale, SwitchState::off, "copy");
  CHECK(about(a, ToggleKey::x_scale).kernel_count() == 3);
  check_state(a, ToggleKey::streams, SwitchState::on, "dual");
  CHECK_THAT(about(a, ToggleKey::streams).reason, ContainsSubstring("18.966 us"));
}

TEST_CASE("advise: the B200 layer") {
  const auto a = advice_on(*open("seed_layer_b200_dual_cuda_graph.json"));
  check_sound(a);
  CHECK(a.model.name == "glm-5");
  check_state(a, ToggleKey::cat_skip, SwitchState::not_applicable, "");
  check_state(a, ToggleKey::x_scale, SwitchState::on, "transposed");
  check_state(a, ToggleKey::head_gates, SwitchState::off, "unfused");
  CHECK(about(a, ToggleKey::head_gates).worth_ns == 4032);
  check_state(a, ToggleKey::rope_update, SwitchState::off, "clone");
  CHECK(about(a, ToggleKey::rope_update).worth_ns == 4223);
  check_state(a, ToggleKey::page_size, SwitchState::on, "64");
  check_state(a, ToggleKey::logits_init, SwitchState::on, "empty");
  check_state(a, ToggleKey::kv_dtype, SwitchState::on, "fp8");
}

TEST_CASE("advise: a dense model with grouped queries has none of the switches") {
  const auto a = advice_on(*open("kineto_mi300x_sglang_qwen3-8b_decode.json.gz"));
  check_sound(a);
  CHECK(a.layers == 36);
  CHECK(a.model.name == "dense GQA");
  CHECK(!a.model.config);
  for (const auto& s : a.switches) CHECK(s.state == SwitchState::not_applicable);
  CHECK_THAT(trace::advice_text(a), ContainsSubstring("as in Qwen3"));
}

TEST_CASE("advise: any trace gets sound advice") {
  for (const char* file :
       {"edge_kineto_64bit_int_args.json.gz", "edge_kineto_cpu_only_0_kernels.json.gz",
        "edge_kineto_mi250_rocm62_min_args.json.gz", "kineto_amd_vllm_decode_fullgraph.json.gz",
        "kineto_amd_vllm_piecewise_neg.json.gz", "torch_h200_graph_2stream.json.gz"}) {
    INFO(file);
    check_sound(advice_on(*open(file)));
  }
  const auto torch = advice_on(*open("torch_h200_graph_2stream.json.gz"));
  CHECK(torch.layers == 8);
  CHECK(torch.steps == 3);
  check_state(torch, ToggleKey::launch, SwitchState::on, "graph");
  check_state(torch, ToggleKey::v_layout, SwitchState::off, "heads_major");
  CHECK(!about(torch, ToggleKey::v_layout).worth_step_ns);  // of no known model
}

TEST_CASE("advise: the index cache before and after its pages") {
  const auto before = advice_on(
      *of_names({kFill, "_gluon_deepgemm_fp8_paged_mqa_logits", "topk_transform_decode_kernel",
                 "_fused_qk_rope_cat_and_cache_mla_kernel", "main_kernel", "main_kernel"},
                3));
  check_sound(before);
  check_state(before, ToggleKey::index_layout, SwitchState::off, "row");
  check_state(before, ToggleKey::page_size, SwitchState::off, "1");
  check_state(before, ToggleKey::logits_init, SwitchState::off, "full");
  CHECK(about(before, ToggleKey::logits_init).worth_ns == 3000);
  CHECK(about(before, ToggleKey::index_layout).worth_ns == 3000);
  check_state(before, ToggleKey::launch, SwitchState::off, "eager");
}

TEST_CASE("advise: a graph spares the waits for launches within steps, and the recorder's waits between steps are no part of the whole") {
  for (const bool ours : {false, true}) {
    trace::TraceBuilder b;
    b.header().collector.clock = trace::ClockSource::cupti;
    if (ours) b.header().source = trace::kRecordedLive;
    // Two steps of two kernels; every launch is late: 2000 ns within a step, 11000 between the steps.
    const int64_t starts[] = {0, 3000, 15000, 18000};
    for (int i = 0; i < 4; ++i) {
      b.add({.start_ns = starts[i], .end_ns = starts[i] + 1000, .correlation = i + 1, .lane = b.lane(b.device("0"), 0), .step = i / 2,
             .op = b.op(i % 2 ? "sparse_partial" : "mqa_logits")});
      b.add_call({.start_ns = starts[i] - 500, .end_ns = starts[i] - 400, .correlation = i + 1, .name = b.intern("cudaLaunchKernel")});
    }
    const auto t = b.finish(true);
    const auto advice = advice_on(*t);
    check_state(advice, ToggleKey::launch, SwitchState::off, "eager");
    CHECK(about(advice, ToggleKey::launch).worth_ns == 4000);
    CHECK_THAT(about(advice, ToggleKey::launch).arithmetic,
               ContainsSubstring(ours ? "2 gaps in which the device waited for its next launch; 4.000 us of 8.000 us in steps = 50.00 %" : "4.000 us of 19.000 us = 21.05 %"));
  }
}

TEST_CASE("advise: copies around the indexer's RoPE") {
  const std::string
      norm = "ck_tile::kentry<1, Layernorm2dFwd>",
      rope = "aiter::kn_entry_2c_sbhd_cached_indirect_inplace<aiter::OpCachedFwd, 1, true>",
      hadamard = "fast_hadamard_transform_kernel",
      logits = "_gluon_deepgemm_fp8_paged_mqa_logits_preshuffle";
  const auto clone = advice_on(*of_names(
      {norm, rope, kCopy, kCopy, kCopy, kCopy, hadamard, hadamard, "act_quant_kernel", logits}, 2,
      true));
  check_state(clone, ToggleKey::rope_update, SwitchState::off, "clone");
  CHECK(about(clone, ToggleKey::rope_update).worth_ns == 8000);
  CHECK(about(clone, ToggleKey::rope_update).kernel_count() == 8);
  check_state(clone, ToggleKey::launch, SwitchState::on, "graph");
  const auto guarded =
      advice_on(*of_names({norm, rope, hadamard, hadamard, "act_quant_kernel", logits}));
  check_state(guarded, ToggleKey::rope_update, SwitchState::on, "guarded");
}

TEST_CASE("advise: the v product of a dense MXFP4 model") {
  const std::string bmm = "_batched_gemm_a16wfp4_kernel", mla = "mla_decode_stage1";
  std::vector<std::string> names{"add_rmsnorm_quant_kernel<256, 32>",
                                 "deep_gemm::gemm_impl<(Major)0, (Major)0, 0u, 2112u, 7168u>",
                                 "rms_norm",
                                 "Cijk_q_b",
                                 bmm,
                                 "_fused_qk_rope_cat_and_cache_mla_kernel",
                                 mla,
                                 bmm};
  const auto on = advice_on(*of_names(names));
  check_sound(on);
  CHECK(on.model.name == "kimi-k2");
  check_state(on, ToggleKey::v_layout, SwitchState::on, "batch_major");
  CHECK_THAT(about(on, ToggleKey::head_gates).reason, ContainsSubstring("indexer"));
  names.push_back(kCopy);
  const auto off = advice_on(*of_names(names));
  check_state(off, ToggleKey::v_layout, SwitchState::off, "heads_major");
  CHECK(about(off, ToggleKey::v_layout).worth_ns == 1000);
  CHECK(about(off, ToggleKey::v_layout).worth_step_ns == 61000);
}

TEST_CASE("advise: an engine's run is as recorded") {
  const auto t = of_names({"_fused_qk_rope_cat_and_cache_mla_kernel",
                           "CatArrayBatchedCopy<OpaqueType<1u> >", "main_kernel", "main_kernel"});
  trace::AdviseOptions options;
  options.spec.emplace();
  options.spec->model = *trace::model_preset("tiny");
  options.spec->backend = "cpu";
  const auto off = trace::advise(*t, 0, options);
  CHECK(off.model.name == "tiny");
  check_state(off, ToggleKey::cat_skip, SwitchState::off, "off");
  CHECK(about(off, ToggleKey::cat_skip).worth_ns == 1000);
  CHECK(about(off, ToggleKey::cat_skip).worth_step_ns == 4000);
  REQUIRE(options.spec->toggles.set(ToggleKey::cat_skip, "on").ok());
  const auto on = trace::advise(*t, 0, options);
  check_state(on, ToggleKey::cat_skip, SwitchState::on, "on");
  CHECK(about(on, ToggleKey::cat_skip).kernels.empty());
  CHECK(about(on, ToggleKey::v_layout).state == SwitchState::not_applicable);
}
