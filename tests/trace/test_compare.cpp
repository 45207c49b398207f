#include "trace/compare.h"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include "tests/support/random_trace.h"

using Catch::Approx;
using trace::Category;

namespace {

struct Kernel {
  const char* name;
  int64_t start_ns, end_ns;
  const char* op = "";
  Category category = Category::other;
  int64_t stream = 7;
};

trace::TracePtr make(const std::vector<Kernel>& kernels,
                     trace::Collector collector = {.name = "kineto+roctracer", .version = "1"}) {
  trace::TraceBuilder builder;
  const uint32_t device = builder.device("0");
  builder.header().collector = std::move(collector);
  for (const Kernel& k : kernels)
    builder.add({.start_ns = k.start_ns,
                 .end_ns = k.end_ns,
                 .name = builder.intern(k.name),
                 .lane = builder.lane(device, k.stream),
                 .op = builder.op(k.op),
                 .category = k.category});
  return builder.finish(true);
}

trace::Comparison compare(const trace::Trace& a, const trace::Trace& b) {
  return trace::compare(a, trace::whole(a, 0), b, trace::whole(b, 0));
}

bool says(const trace::Comparison& c, std::string_view text) {
  return std::any_of(c.caveats.begin(), c.caveats.end(),
                     [&](const std::string& s) { return s.find(text) != s.npos; });
}

}  // namespace

TEST_CASE("kernels are matched by their exact name, with counts, sums and medians") {
  const auto a = make({{"gemm<1>", 0, 1000},
                       {"gemm<1>", 1000, 4000},
                       {"gemm<2>", 4000, 5000},
                       {"norm", 5000, 6000}});
  const auto b = make({{"gemm<1>", 0, 5000}, {"gemm<3>", 5000, 5500}, {"norm", 5500, 6600}});
  const auto c = compare(*a, *b);
  REQUIRE(c.matched.size() == 2);
  CHECK((c.matched[0].name == "gemm<1>" && c.matched[0].a_count == 2 &&
         c.matched[0].b_count == 1));  // largest change first
  CHECK((c.matched[0].a_ns == 4000 && c.matched[0].b_ns == 5000));
  CHECK((c.matched[0].a_median_us == Approx(2) && c.matched[0].b_median_us == Approx(5)));
  CHECK((c.matched[1].name == "norm" && c.matched[1].b_ns - c.matched[1].a_ns == 100));
  REQUIRE((c.only_a.size() == 1 && c.only_b.size() == 1));
  CHECK((c.only_a[0].name == "gemm<2>" && c.only_a[0].a_ns == 1000 && c.only_a[0].b_count == 0));
  CHECK(says(c, "only in A (1 kernel name, 1.000 us): `gemm` 1.000 us"));
  CHECK(says(c, "only in B (1 kernel name, 0.500 us)"));
}

TEST_CASE("windows clip what they cut, on both sides") {
  const auto a = make({{"k", 0, 1000}, {"k", 1000, 2000}});
  const auto c = trace::compare(*a, {.device = 0, .begin_ns = 500, .end_ns = 1500, .label = ""}, *a,
                                trace::whole(*a, 0));
  REQUIRE(c.matched.size() == 1);
  CHECK((c.matched[0].a_ns == 1000 && c.matched[0].b_ns == 2000));
  CHECK(c.waterfall.b_ns - c.waterfall.a_ns == 1000);
}

TEST_CASE("what else differs is told from what ran") {
  const auto a = make(
      {{"CatArrayBatchedCopy<1>", 0, 5319, "concat", Category::concat},
       {"_fused_append_shared_experts_kernel", 6000, 10399, "append_shared", Category::routing},
       {"copy", 11000, 12000, "x_scale_copy", Category::copy},
       {"copy", 12000, 13000, "x_scale_copy", Category::copy}});
  const auto b = make({{"copy", 0, 1000, "x_scale_copy", Category::copy},
                       {"cross_device_reduce", 1000, 2000, "all_reduce", Category::all_reduce, 9}});
  const auto c = compare(*a, *b);
  CHECK(says(c,
             "the sides also differ in cat_skip: A rebuilds q_all with a copy (1 of 5.319 us), B "
             "passes q_cat on as it is"));
  CHECK(says(c,
             "the sides also differ in shared-expert fusion: A appends the shared expert to the "
             "routed ones (1 of 4.399 us)"));
  CHECK(says(c, "x_scale also runs a different number of times: A 2, B 1"));
  CHECK(says(c, "the sides also differ in streams: 1 / 2 lanes"));
  CHECK(says(c, "concat `CatArrayBatchedCopy` 5.319 us"));
  CHECK(says(c, "all-reduce (0.000 / 1.000 us) includes waiting for peers"));
  CHECK(compare(*a, *a).caveats.empty());
}

TEST_CASE("different collectors and resolutions are warned about") {
  const std::vector<Kernel> kernels{{"k", 0, 1000}};
  const auto amd = make(kernels);
  const auto nvidia =
      make(kernels, {.name = "kineto+cupti", .version = "1", .clock = trace::ClockSource::cupti});
  const auto coarse =
      make(kernels, {.name = "kineto+roctracer", .version = "0", .resolution_ns = 1000});
  CHECK(says(compare(*amd, *nvidia), "collectors differ (kineto+roctracer / kineto+cupti)"));
  CHECK(says(compare(*amd, *nvidia), "below about 3 us do not compare"));
  CHECK(says(compare(*amd, *coarse),
             "time resolution differs (1 ns / 1000 ns): nothing below 2.000 us compares"));
  CHECK(says(compare(*amd, *coarse), "collector versions differ"));
}

TEST_CASE("a side without activity compares to nothing, without a crash") {
  const auto a = make({{"k", 0, 1000}}), none = make({});
  const auto c = compare(*a, *none);
  CHECK((c.waterfall.b_ns - c.waterfall.a_ns == -1000 && c.only_a.size() == 1 && c.only_b.empty() &&
         c.matched.empty()));
}
