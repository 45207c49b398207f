#include <catch2/catch_test_macros.hpp>
#include <limits>

#include "ui/vm/format.h"
#include "ui/vm/names.h"

TEST_CASE("microseconds round half away from zero, in integers") {
  CHECK(ui::us_text(287161) == "287.16");
  CHECK(ui::us_text(287165) == "287.17");
  CHECK(ui::us_text(5, 2) == "0.01");
  CHECK(ui::us_text(4, 2) == "0.00");
  CHECK(ui::us_text(-8540) == "−8.54");
  CHECK(ui::us_text(999999, 0) == "1000");
  CHECK(ui::us_text(1775387052) == "1\u2009775\u2009387.05");   // long figures are read in groups
  CHECK(ui::number_text(110096.24, 1) == "110\u2009096.2");
  CHECK(ui::number_text(9999.4, 0) == "9999");
  CHECK(ui::number_text(9999.6, 0) == "10\u2009000");
  CHECK(ui::signed_text(-12345.6, 1) == "−12\u2009345.6");
  CHECK(ui::signed_us_text(25080) == "+25.08");
  CHECK(ui::signed_us_text(-3) == "0.00");  // no sign on what rounds to nothing
  CHECK(ui::us_text(std::numeric_limits<int64_t>::min(), 0) == "−9\u2009223\u2009372\u2009036\u2009854\u2009776");
}

TEST_CASE("durations choose their unit and keep three decimals at most") {
  CHECK(ui::duration_text(672) == "672 ns");
  CHECK(ui::duration_text(5319) == "5.319 µs");
  CHECK(ui::duration_text(6412000) == "6.412 ms");
  CHECK(ui::duration_text(1500000000) == "1.5 s");
  CHECK(ui::duration_text(-135) == "−135 ns");
  CHECK(ui::duration_text(0) == "0 ns");
}

TEST_CASE("counts, sizes, shares") {
  CHECK(ui::count_text(2886) == "2\u2009886");
  CHECK(ui::count_text(-1000000) == "−1\u2009000\u2009000");
  CHECK(ui::bytes_text(36900) == "36.9 kB");
  CHECK(ui::bytes_text(-1) == "–");
  CHECK(ui::bytes_text(999) == "999 B");
  CHECK(ui::bytes_text(999600) == "1 MB");
  CHECK(ui::signed_percent_text(-1.44) == "−1.4 %");
  CHECK(ui::signed_percent_text(0.4) == "+0.4 %");
  CHECK(ui::signed_percent_text(std::numeric_limits<double>::quiet_NaN()) == "–");
}

TEST_CASE("kernel names keep what tells them apart") {
  CHECK(ui::unqualified("void at::native::CatArrayBatchedCopy<OpaqueType<1u>, 4>(float*, int)") ==
        "CatArrayBatchedCopy<OpaqueType<1u>, 4>(float*, int)");
  CHECK(ui::unqualified("triton_red_fused_add_0") == "triton_red_fused_add_0");
  CHECK(ui::unqualified("_ZN5aiter4gemmE") == "gemm");
  CHECK(ui::unqualified("").empty());
  CHECK(ui::clipped("all-reduce", 20) == "all-reduce");
  CHECK(ui::clipped("all-reduce", 5) == "all-…");
  CHECK(ui::clipped("all-reduce", 3).empty());
  CHECK(ui::clipped("µµµµµµ", 5) == "µµµµ…");
  CHECK(ui::middle_clipped("abcdefghijklmnop", 10) == "abcdef…nop");
}

TEST_CASE("symbols are shown as a compiler prints them, anything else as it is") {
  CHECK(ui::demangled("_ZN5aiter4copyEv") == "aiter::copy()");
  CHECK(ui::demangled("_ZN5aiter4cop") == "_ZN5aiter4cop");   // cut off by a collector
  CHECK(ui::demangled("gemm_fp8<16, 16>") == "gemm_fp8<16, 16>");
}

TEST_CASE("keys with underscores are shown as words") {
  CHECK(ui::words_of("graph_edge") == "graph edge");
  CHECK(ui::words_of("join") == "join");
  CHECK(ui::words_of("") == "");
}

TEST_CASE("microseconds of plain texts are written with their sign, words stay") {
  CHECK(ui::with_micro("at most 46 x 3.119 = 143.474 us (of us all)") == "at most 46 x 3.119 = 143.474 µs (of us all)");
  CHECK(ui::with_micro("5 us") == "5 µs");
  CHECK(ui::with_micro("5 users") == "5 users");
}
