#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "kernels/simd.h"
#include "kernels/verify.h"

using namespace kernels;

namespace {

// e4m3 by the definition of the format, not by bit tricks.
double e4m3_value(int code) {
  const int exponent = code >> 3 & 15, mantissa = code & 7;
  if (exponent == 15 && mantissa == 7) return NAN;
  const double magnitude =
      exponent == 0 ? mantissa * 0x1p-9 : (1 + mantissa / 8.0) * std::ldexp(1.0, exponent - 7);
  return code & 0x80 ? -magnitude : magnitude;
}

uint32_t bits(float f) {
  return std::bit_cast<uint32_t>(f);
}

}  // namespace

TEST_CASE("all 256 e4m3 codes decode and encode") {
  for (int code = 0; code < 256; ++code) {
    INFO("code " << code);
    const E4m3 c{static_cast<uint8_t>(code)};
    const double want = e4m3_value(code);
    if (std::isnan(want)) {
      CHECK(std::isnan(to_float(c)));
      CHECK((to_e4m3(to_float(c)).bits & 0x7f) == 0x7f);
      continue;
    }
    CHECK(double{to_float(c)} == want);
    CHECK(double{to_float_finite(c)} == want);
    CHECK(std::signbit(to_float(c)) == std::signbit(want));
    CHECK(to_e4m3(to_float(c)).bits == code);
  }
}

TEST_CASE("e4m3 rounds to the nearest, ties to even, and saturates") {
  for (int code = 0; code < 0x7e; ++code) {
    const double low = e4m3_value(code), high = e4m3_value(code + 1), middle = (low + high) / 2;
    INFO("between codes " << code << " and " << code + 1);
    CHECK(to_e4m3(static_cast<float>(middle)).bits == (code % 2 == 0 ? code : code + 1));
    CHECK(to_e4m3(std::nextafterf(static_cast<float>(middle), 0)).bits == code);
    CHECK(to_e4m3(std::nextafterf(static_cast<float>(middle), 1000)).bits == code + 1);
    CHECK(to_e4m3(-static_cast<float>(middle)).bits == (0x80 | (code % 2 == 0 ? code : code + 1)));
  }
  for (const float big : {448.0f, 449.0f, 464.0f, 480.0f, 1e30f, INFINITY}) {
    CHECK(to_e4m3(big).bits == 0x7e);
    CHECK(to_e4m3(-big).bits == 0xfe);
  }
  CHECK(to_e4m3(0.0f).bits == 0);
  CHECK(to_e4m3(-0.0f).bits == 0x80);
  CHECK(to_e4m3(1e-30f).bits == 0);
}

TEST_CASE("all 16 e2m1 codes decode and encode, ties to even, saturating") {
  static constexpr double kValues[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  for (uint32_t code = 0; code < 16; ++code) {
    INFO("code " << code);
    const double want = kValues[code & 7] * (code & 8 ? -1 : 1);
    CHECK(double{e2m1_to_float(code)} == want);
    CHECK(std::signbit(e2m1_to_float(code)) == ((code & 8) != 0));
    CHECK(to_e2m1(static_cast<float>(want)) == code);
    CHECK(e2m1_to_float(code | 0xf0u) == e2m1_to_float(code));  // the other nibble is no matter
  }
  for (uint8_t code = 0; code < 7; ++code) {
    const auto middle = static_cast<float>((kValues[code] + kValues[code + 1]) / 2);
    INFO("between codes " << int{code} << " and " << code + 1);
    CHECK(to_e2m1(middle) == (code % 2 == 0 ? code : code + 1));
    CHECK(to_e2m1(std::nextafterf(middle, 0)) == code);
    CHECK(to_e2m1(std::nextafterf(middle, 10)) == code + 1);
    CHECK(to_e2m1(-middle) == (8 | (code % 2 == 0 ? code : code + 1)));
  }
  for (const float big : {6.0f, 6.5f, 7.0f, 1e30f, INFINITY}) {
    CHECK(to_e2m1(big) == 7);
    CHECK(to_e2m1(-big) == 15);
  }
}

TEST_CASE("all e8m0 scales, and the scale of a group at every boundary") {
  for (int code = 0; code < 255; ++code) {
    CHECK(double{e8m0_to_float(static_cast<uint8_t>(code))} == std::ldexp(1.0, code - 127));
    CHECK(double{mx_inverse(static_cast<uint8_t>(code))} == std::ldexp(1.0, 127 - code));
  }
  CHECK(std::isnan(e8m0_to_float(255)));
  CHECK(std::isnan(mx_inverse(255)));
  for (int e = -120; e < 120; ++e) {
    // The exponent of amax - 2; from 1.75 x 2^e up the exponent of the next power of two.
    const float one = std::ldexp(1.0f, e), high = std::ldexp(1.75f, e);
    CHECK(mx_scale(one) == e + 125);
    CHECK(mx_scale(std::nextafterf(high, 0)) == e + 125);
    CHECK(mx_scale(high) == e + 126);
    CHECK(mx_scale(-high) == e + 126);
  }
  CHECK(mx_scale(0) == 0);
  CHECK(mx_scale(1e-38f) == 0);
  CHECK(mx_scale(INFINITY) == 255);
  CHECK(mx_scale(NAN) == 255);
}

TEST_CASE("bf16 rounds to the nearest, ties to even, and keeps NaN") {
  Random random(Catch::getSeed());
  for (int i = 0; i < 20000; ++i) {
    const auto u = static_cast<uint32_t>(random.next());
    const float f = std::bit_cast<float>(u);
    const Bf16 b = to_bf16(f);
    INFO("bits " << u);
    if (std::isnan(f)) {
      CHECK(std::isnan(to_float(b)));
      continue;
    }
    const uint32_t down = u & 0xffff0000u;
    const uint32_t rest = u & 0xffffu;
    const uint32_t up = down + 0x10000u;
    const uint32_t want = rest > 0x8000u || (rest == 0x8000u && (down & 0x10000u)) ? up : down;
    CHECK(bits(to_float(b)) == want);
  }
  CHECK(to_float(to_bf16(INFINITY)) == INFINITY);
}

TEST_CASE("index scales are powers of two, exactly at their boundaries") {
  for (int e = -20; e < 9; ++e) {
    const float power = std::ldexp(1.0f, e);
    CHECK(power_of_two_above(power) == power);
    CHECK(power_of_two_above(std::nextafterf(power, 1e9f)) == 2 * power);
    CHECK(power_of_two_above(std::nextafterf(power, 0)) == power);
  }
  // 448 x 2^e divides to exactly 2^e; a multiplication by 1/448 would land one binade off for some
  // of these.
  for (int e = -10; e < 10; ++e)
    CHECK(index_scale(448.0f * std::ldexp(1.0f, e)) == std::ldexp(1.0f, e));
  CHECK(index_scale(0) == power_of_two_above(1e-4f / 448));
  CHECK(activation_scale(0) == 1e-10f / 448);
  CHECK(activation_scale(448) == 1);
}

TEST_CASE("the fast exponential is good to a few units in the last place") {
  Random random(Catch::getSeed());
  double worst = 0;
  for (int i = 0; i < 100000; ++i) {
    const auto x = static_cast<float>(random.uniform() * 250 - 125);
    const double want = std::exp2(double{x});
    worst = std::max(worst, std::fabs(cpu::fast_exp2(x) - want) / want);
  }
  CHECK(worst < 4e-7);
  CHECK(cpu::fast_exp2(0) == 1);
  CHECK(cpu::fast_exp2(-INFINITY) == 0);
  CHECK(cpu::fast_exp2(-1e9f) == 0);
  CHECK(std::isnan(cpu::fast_exp2(NAN)));
  for (int n = -126; n <= 127; ++n)
    CHECK(cpu::fast_exp2(static_cast<float>(n)) == std::ldexp(1.0f, n));
}

TEST_CASE("parts share a launch without gap or overlap") {
  for (const int64_t n : {0, 1, 2, 15, 16, 17, 100}) {
    for (int count = 1; count <= 5; ++count) {
      for (const int64_t grain : {1, 16}) {
        int64_t at = 0;
        for (int i = 0; i < count; ++i) {
          const auto [begin, end] = Part{i, count}.of(n, grain);
          CHECK(begin == at);
          CHECK(end >= begin);
          CHECK((end == n || end % grain == 0));
          at = end;
        }
        CHECK(at == n);
      }
    }
  }
}
