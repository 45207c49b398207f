#include "trace/kernel_names.h"

#include <catch2/catch_test_macros.hpp>

TEST_CASE("the function's own name is found in signatures, mangled names and titles") {
  const auto bare = [](std::string_view name) { return trace::bare_kernel_name(name); };
  CHECK(bare("void at::native::(anonymous namespace)::CatArrayBatchedCopy<float, 4>(float*)") ==
        "CatArrayBatchedCopy");
  CHECK(bare("void ck::kernel_moe_gemm<ck::Gridwise<ck::Row, 1>, true>(ck::Argument)") ==
        "kernel_moe_gemm");
  CHECK(bare("(anonymous namespace)::topk_transform_decode_kernel((anonymous "
             "namespace)::FastTopKParams, int)") == "topk_transform_decode_kernel");
  CHECK(bare("_ZN5aiter26cross_device_reduce_1stageIDF16bLi8ELb0EEEvPNS_8RankDataE") ==
        "cross_device_reduce_1stage");
  CHECK(bare("_ZN7ck_tile6kentryILi1ENS_12Rmsnorm2dFwdE") == "kentry");
  CHECK(bare("aiter::bf16gemm_fp32bf16_tn_32x64_splitk_clean") ==
        "bf16gemm_fp32bf16_tn_32x64_splitk_clean");
  CHECK(bare("Outer<int>::inner<4>(int)") == "inner");
  CHECK(bare("main_kernel") == "main_kernel");
  CHECK(bare("Memcpy DtoD (Device -> Device)") == "Memcpy DtoD (Device -> Device)");
  CHECK(bare("Cijk_Alik_Bljk_BBS_BH_MT32x32x256") == "Cijk_Alik_Bljk_BBS_BH_MT32x32x256");
}

TEST_CASE("odd and broken names come back in some form, never empty for something") {
  for (const char* name : {"<", "(", "a<b", "a(b", "::", "void ", "_ZN", "_ZN99x", "_Z0", "f<<>",
                           ")))", "operator()(int)", " ", "é<x>"})
    CHECK(!trace::bare_kernel_name(name).empty());
  CHECK(trace::bare_kernel_name("").empty());
}
