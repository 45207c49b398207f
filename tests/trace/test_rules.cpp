#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/support/shared_files.h"
#include "trace/builder.h"
#include "trace/formats.h"
#include "trace/kernel_rules.h"
#include "trace/waterfall.h"

using trace::Category;
using trace::classify_kernel;

namespace {

// A small file through nlohmann's doubles: rules need the order of kernels, not exact times.
trace::TracePtr load(const char* file) {
  std::ifstream in(tests::shared_file(std::string("traces/") + file));
  const auto json = nlohmann::json::parse(in);
  trace::TraceBuilder b;
  for (const auto& row : json.at("traceEvents")) {
    trace::Event e;
    e.name = b.intern(row.at("name").get<std::string>());
    e.lane = b.lane(b.device("0"), row.at("args").at("stream"));
    e.start_ns = std::llround(row.at("ts").get<double>() * 1000);
    e.end_ns = e.start_ns + std::llround(row.at("dur").get<double>() * 1000);
    b.add(e);
  }
  b.classify_kernels();
  return b.finish();
}

std::vector<std::string> ops_of_lane(const trace::Trace& t, uint32_t lane) {
  std::vector<std::string> ops;
  for (const auto& e : t.lane_events(lane)) ops.emplace_back(t.op_of(e));
  return ops;
}

trace::TracePtr of_names(const std::vector<std::string>& names) {
  trace::TraceBuilder b;
  int64_t at = 0;
  for (const std::string& name : names) {
    trace::Event e;
    e.name = b.intern(name);
    e.lane = b.lane(b.device("0"), 0);
    e.start_ns = at;
    e.end_ns = at += 10;
    b.add(e);
  }
  b.classify_kernels();
  return b.finish();
}

}  // namespace

TEST_CASE("rules: one decode layer, kernel by kernel") {
  const auto t = load("seed_layer_mi355x_single_rocm72.json");
  REQUIRE(t->lanes.size() == 1);
  CHECK(ops_of_lane(*t, 0) == std::vector<std::string>{"input_norm",     "x_scale_copy",
                                                       "qkv_a",          "q_kv_norm",
                                                       "x_scale_copy",   "q_b",
                                                       "q_lora_quant",   "wq_b",
                                                       "x_scale_copy",   "wk",
                                                       "k_norm",         "index_rope",
                                                       "hadamard_q",     "hadamard_k",
                                                       "index_q_quant",  "index_k_store",
                                                       "weights_proj",   "head_gates",
                                                       "mqa_logits",     "topk",
                                                       "absorb",         "rope_cat_store",
                                                       "concat",         "sparse_partial",
                                                       "sparse_combine", "v_bmm",
                                                       "attn_quant",     "x_scale_copy",
                                                       "o_proj",         "attn_all_reduce",
                                                       "post_norm",      "router",
                                                       "router_topk",    "append_shared",
                                                       "moe_sort",       "moe_quant",
                                                       "moe_fill",       "experts_gate_up",
                                                       "experts_silu",   "experts_quant",
                                                       "experts_down",   "moe_all_reduce"});
}

TEST_CASE("rules: the layer on two streams") {
  const auto t = load("seed_layer_mi355x_dual_rocm72.json");
  REQUIRE(t->lanes.size() == 2);
  CHECK(ops_of_lane(*t, 0) ==
        std::vector<std::string>{
            "kv_a_norm",     "q_lora_quant",  "wq_b",        "x_scale_copy", "wk",
            "k_norm",        "index_rope",    "hadamard_q",  "hadamard_k",   "index_q_quant",
            "index_k_store", "weights_proj",  "head_gates",  "mqa_logits",   "topk",
            "router",        "router_topk",   "moe_sort",    "moe_quant",    "experts_gate_up",
            "experts_silu",  "experts_quant", "experts_down"});
  CHECK(ops_of_lane(*t, 1) ==
        std::vector<std::string>{
            "input_norm",  "x_scale_copy", "qkv_a",          "q_a_norm",       "q_b_quant",
            "q_b",         "absorb",       "rope_cat_store", "sparse_partial", "sparse_combine",
            "v_bmm",       "attn_quant",   "x_scale_copy",   "o_proj",         "attn_all_reduce",
            "post_norm",   "shared_quant", "shared_gate_up", "shared_silu",    "shared_act_quant",
            "shared_down", "shared_add",   "moe_all_reduce"});
}

TEST_CASE("rules: no kernel of the published layers is without category and op") {
  for (const char* file :
       {"seed_layer_mi355x_single_rocm72.json", "seed_layer_mi355x_dual_rocm72.json",
        "seed_layer_b200_dual_cuda_graph.json"}) {
    const auto t = load(file);
    for (const auto& e : t->events) {
      INFO(file << ": " << t->name_of(e));
      CHECK(e.category != Category::other);
      CHECK(e.op != 0);
      CHECK(t->op_of(e) != "elementwise");
    }
  }
}

TEST_CASE("rules: the B200 layer on four streams") {
  const auto t = load("seed_layer_b200_dual_cuda_graph.json");
  REQUIRE(t->lanes.size() == 4);
  const auto without_parts = [&](uint32_t lane) {
    auto ops = ops_of_lane(*t, lane);
    std::erase_if(ops, [](const std::string& op) {
      return op.ends_with("_part") || op.ends_with("rope_cat");
    });
    return ops;
  };
  CHECK(without_parts(0) == std::vector<std::string>{
                                "moe_all_reduce", "input_norm", "input_quant", "qkv_a", "q_a_norm",
                                "weights_proj", "weights_proj_reduce", "head_gates", "q_lora_quant",
                                "wq_b", "hadamard_q", "index_q_quant", "head_gates", "head_gates",
                                "index_k_store", "mqa_logits", "topk"});
  CHECK(without_parts(1) ==
        std::vector<std::string>{
            "kv_a_norm",        "wk_quant",       "wk",           "k_norm",         "hadamard_k",
            "index_k_quant",    "absorb",         "kv_quant",     "kv_store",       "q_concat",
            "sparse_partial",   "sparse_combine", "v_bmm",        "attn_quant",     "o_proj",
            "attn_all_reduce",  "post_norm",      "shared_quant", "shared_gate_up", "shared_silu",
            "shared_act_quant", "shared_down",    "shared_add"});
  CHECK(ops_of_lane(*t, 2) == std::vector<std::string>{"q_b_quant", "q_b"});
  CHECK(ops_of_lane(*t, 3) == std::vector<std::string>{"router", "router_reduce", "router_cast",
                                                       "moe_quant", "router_cast", "router_cast",
                                                       "router_topk", "moe_sort", "experts_gate_up",
                                                       "experts_silu", "experts_down",
                                                       "moe_finalize"});
}

TEST_CASE("rules: names of the engines, libraries and collectors we know") {
  struct Row {
    const char* name;
    Category category;
    const char* op;
  };
  const Row rows[] = {
      {"ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)",
       Category::all_reduce, "all_reduce"},
      {"ncclKernel_SendRecv_RING_SIMPLE_Sum_int8_t(ncclWorkElem)", Category::all_reduce,
       "collective"},
      {"ncclDevKernel_Generic_1(ncclDevKernelArgsStorage<4096ul>)", Category::all_reduce,
       "collective"},
      {"void vllm::cross_device_reduce_2stage<__hip_bfloat16, 8>(vllm::RankData*)",
       Category::all_reduce, "all_reduce"},
      {"void flashinfer::trtllm_allreduce_fusion::allreduce_fusion_kernel_oneshot_lamport<...>",
       Category::all_reduce, "all_reduce"},
      {"void deep_ep::internode_ll::dispatch<true, false, 7168>(void*, float*)",
       Category::all_reduce, "moe_dispatch"},
      {"void deep_gemm::sm90_fp8_paged_mqa_logits<1u, 64u, 128u, 64u>(unsigned int)",
       Category::indexer, "mqa_logits"},
      {"_gluon_deepgemm_fp8_paged_mqa_logits", Category::indexer, "mqa_logits"},
      {"void vllm::topKPerRowDecode<512, true>(float const*)", Category::indexer, "topk"},
      {"void vllm::indexer_k_quant_and_cache_kernel<__nv_bfloat16>(...)", Category::indexer,
       "index_k_store"},
      {"void fast_hadamard_transform_kernel<fast_hadamard_transform_kernel_traits<16, 7, "
       "c10::BFloat16> >",
       Category::indexer, "hadamard"},
      {"void sm90::fwd::sparse_attn_fwd_kernel<...>", Category::sparse_mla, "sparse_partial"},
      {"void flash_fwd_splitkv_mla_kernel<...>", Category::sparse_mla, "mla"},
      {"_ZN5aiter41mla_a8w8_qh16_qseqlen1_gqaratio16_psE", Category::sparse_mla, "mla"},
      {"kn_mla_reduce_v1_ps<MlaReduceKernelV1Traits<512, 16>>", Category::sparse_mla,
       "sparse_combine"},
      {"kernel_unified_attention_3d", Category::attention, "attention"},
      {"reduce_segments", Category::attention, "attention_reduce"},
      {"void paged_attention_ll4mi_QKV_mfma16_kernel<0, __hip_bfloat16>", Category::attention,
       "attention"},
      {"attn_fwd", Category::attention, "attention"},
      {"void pytorch_flash::flash_fwd_kernel<pytorch_flash::Flash_fwd_kernel_traits<64>>",
       Category::attention, "attention"},
      {"void flashinfer::BatchDecodeWithPagedKVCacheKernel<...>", Category::attention, "attention"},
      {"Cijk_Alik_Bljk_BBS_BH_Bias_HA_S_SAV_UserArgs_MT32x32x256", Category::gemm, "gemm"},
      {"nvjet_sm90_tst_64x8_64x16_4x1_v_bz_NNT", Category::gemm, "gemm"},
      {"sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64_cublas", Category::gemm,
       "gemm"},
      {"void cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_nn_align1>", Category::gemm, "gemm"},
      {"ampere_sgemm_128x128_tn", Category::gemm, "gemm"},
      {"void deep_gemm::sm90_fp8_gemm_1d2d_impl<7168u, 9999u, 128u, (deep_gemm::GemmType)0>",
       Category::gemm, "fp8_gemm"},
      {"void deep_gemm::sm90_fp8_gemm_1d2d_impl<4096u, 7168u, (deep_gemm::GemmType)2>",
       Category::routed_expert, "moe_gemm"},
      {"_w8a8_block_fp8_matmul", Category::gemm, "fp8_gemm"},
      {"_batched_gemm_a16wfp4_kernel", Category::gemm, "batched_gemm"},
      {"void wvSplitK_hf_sml_<__hip_bfloat16, 64, 2, 16>", Category::gemm, "small_gemm"},
      {"fused_moe_kernel", Category::routed_expert, "moe_gemm"},
      {"_matmul_ogs_NNT_bf16xbf16xmxfp4_16x128x256x1_swiglu", Category::routed_expert,
       "experts_gate_up"},
      {"_matmul_ogs_NNT_bf16xbf16xmxfp4_16x128x256x1", Category::routed_expert, "moe_gemm"},
      {"aiter::fmoe_bf16_blockscaleFp8_g1u1_vs_silu_1tg_32x256", Category::routed_expert,
       "moe_fused"},
      {"void vllm::moe::topkGatingSoftmax<...>", Category::routing, "router_topk"},
      {"void moe_align_block_size_kernel<int>(...)", Category::routing, "moe_sort"},
      {"void vllm::rotary_embedding_kernel<c10::BFloat16, true>(long const*)", Category::rope,
       "rope"},
      {"void vllm::reshape_and_cache_flash_kernel<__hip_bfloat16>", Category::copy, "kv_store"},
      {"void vllm::concat_and_cache_mla_kernel<__nv_bfloat16>", Category::copy, "kv_store"},
      {"_ZN7sgl_hip10activation18act_and_mul_kernelI14__hip_bfloat16", Category::activation,
       "silu_mul"},
      {"void at::native::vectorized_elementwise_kernel<4, at::native::(anonymous "
       "namespace)::silu_kernel(...)",
       Category::activation, "activation"},
      {"_ZN7ck_tile6kentryILi1ENS_12Rmsnorm2dFwdINS_27Rmsnorm2dFwdPipelineOnePass",
       Category::norm_quant, "rms_norm"},
      {"void at::native::(anonymous namespace)::vectorized_layer_norm_kernel<c10::BFloat16, float, "
       "true>",
       Category::norm_quant, "layer_norm"},
      {"void per_token_group_quant_8bit_kernel<__nv_bfloat16, __nv_fp8_e4m3>", Category::norm_quant,
       "group_quant"},
      {"void at::native::(anonymous namespace)::CatArrayBatchedCopy<at::native::OpaqueType<2u>, "
       "unsigned int, 4, 64, 64>",
       Category::concat, "cat"},
      {"__amd_rocclr_copyBuffer", Category::copy, "copy"},
      {"__amd_rocclr_fillBufferAligned", Category::fill, "fill"},
      {"void at::native::vectorized_elementwise_kernel<8, at::native::FillFunctor<c10::BFloat16> >",
       Category::fill, "fill"},
      {"void at::native::sbtopk::gatherTopK<float, unsigned int, 2, false>", Category::other,
       "torch_topk"},
      {"triton_poi_fused_mul_unsqueeze_0", Category::other, "elementwise"},
      {"main_kernel", Category::other, "tilelang_main"},
      {"some_other_main_kernel_of_nobody", Category::other, ""},
      {"", Category::other, ""},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    const auto c = classify_kernel(row.name);
    CHECK(trace::to_string(c.category) == trace::to_string(row.category));
    CHECK(c.op == row.op);
  }
}

TEST_CASE("rules: places ask for evidence") {
  SECTION("two TileLang kernels beside nothing known stay unknown") {
    const auto t = of_names({"main_kernel", "main_kernel"});
    CHECK(t->op_of(t->events[0]) == "tilelang_main");
    CHECK(t->events[0].category == Category::other);
  }
  SECTION("a dense model's feed-forward is no shared expert") {
    const auto t = of_names({"Cijk_qkv", "rotary_embedding_kernel", "kernel_unified_attention_3d",
                             "Cijk_o", "rmsnorm", "Cijk_up", "silu_and_mul", "Cijk_down",
                             "vectorized_elementwise_kernel<add>"});
    CHECK(ops_of_lane(*t, 0) == std::vector<std::string>{"qkv", "rope", "attention", "o_proj",
                                                         "post_norm", "mlp_gate_up", "mlp_silu",
                                                         "mlp_down", "elementwise"});
  }
  SECTION("neighbours on another stream do not count") {
    trace::TraceBuilder b;
    for (int i = 0; i < 2; ++i) {
      trace::Event e;
      e.name = b.intern(i == 0 ? "_fused_qk_rope_cat_and_cache_mla_kernel" : "main_kernel");
      e.lane = b.lane(b.device("0"), i);
      e.start_ns = i * 10;
      e.end_ns = i * 10 + 5;
      b.add(e);
    }
    b.classify_kernels();
    const auto t = b.finish();
    CHECK(t->op_of(t->events[1]) == "tilelang_main");
  }
}

TEST_CASE("rules: what the feeder knows is kept and is evidence") {
  trace::TraceBuilder b;
  const auto add = [&](const char* name, const char* op, Category category, trace::EventKind kind) {
    trace::Event e;
    e.name = b.intern(name);
    e.op = b.op(op);
    e.category = category;
    e.kind = kind;
    e.lane = b.lane(b.device("0"), 0);
    e.start_ns = static_cast<int64_t>(b.event_count()) * 10;
    e.end_ns = e.start_ns + 5;
    b.add(e);
  };
  using enum trace::EventKind;
  add("mine", "rope_cat_store", Category::rope, kernel);
  add("main_kernel", "", Category::other, kernel);
  add("Memcpy DtoD", "", Category::other, memcpy);
  add("Memset", "", Category::other, memset);
  add("nvjet", "lm_head", Category::gemm, kernel);
  b.classify_kernels();
  const auto t = b.finish();
  CHECK(ops_of_lane(*t, 0) == std::vector<std::string>{"rope_cat_store", "sparse_partial", "memcpy",
                                                       "memset", "lm_head"});
  CHECK(t->events[2].category == Category::copy);
  CHECK(t->events[3].category == Category::fill);
}

TEST_CASE("rules: from one stream to two, category by category") {
  const auto shares = [](const char* file) {
    const auto imported = trace::import_file(tests::shared_file(std::string("traces/") + file));
    REQUIRE(imported.ok());
    return trace::equal_shares(*imported->trace, trace::whole(*imported->trace, 0));
  };
  const auto fall = trace::waterfall(shares("seed_layer_mi355x_single_rocm72.json"),
                                     shares("seed_layer_mi355x_dual_rocm72.json"));
  std::map<std::string, int64_t> ns;
  int64_t sum = 0, idle = 0;
  for (const auto& c : fall.contributors) {
    sum += c.ns;
    if (c.name.starts_with("idle"))
      idle += c.ns;
    else
      ns[c.name] += c.ns;
  }
  CHECK(sum == 25080);
  CHECK(idle == 18950);
  const auto of = [&](Category c) { return ns[std::string(trace::title_of(c))]; };
  CHECK(of(Category::gemm) == 12966);
  CHECK(of(Category::norm_quant) == 10037);
  CHECK(of(Category::all_reduce) == 8680);
  CHECK(of(Category::indexer) == 5480);
  CHECK(of(Category::sparse_mla) == 2080);
  CHECK(of(Category::routed_expert) == -11358);
  CHECK(of(Category::concat) == -5319);
  CHECK((of(Category::copy) == -3218 ||
         of(Category::copy) == -3219));  // -3218.5: rounded so that the sum holds
  CHECK(of(Category::other) == 0);
}
