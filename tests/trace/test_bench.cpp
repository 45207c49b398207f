// Two benches side by side: rows of one launch meet, whatever their order; what has no partner says so.
#include <catch2/catch_test_macros.hpp>

#include "trace/bench.h"

using trace::Bench;
using trace::BenchRow;

namespace {

BenchRow row(const char* op, const char* what, double us) {
  BenchRow r;
  r.op = op, r.what = what, r.us = us, r.floor_us = us / 2;
  return r;
}

}  // namespace

TEST_CASE("rows of two benches meet by op and launch, then by op") {
  Bench a, b;
  a.rows = {row("q_b", "gemm M=4", 10), row("topk", "flat", 3), row("topk", "flat", 4), row("o_proj", "M=4", 5), row("fill", "", 1)};
  b.rows = {row("o_proj", "M=16", 8), row("topk", "flat", 6), row("q_b", "gemm M=4", 5), row("topk", "flat", 2), row("cast", "", 7)};
  const auto pairs = trace::pair_rows(a, b);
  REQUIRE(pairs.size() == 6);
  CHECK((pairs[0].same_launch() && pairs[0].ratio() == 0.5));
  CHECK((pairs[1].b == &b.rows[1] && pairs[2].b == &b.rows[3]));  // in order
  CHECK((pairs[2].ratio() == 0.5));
  CHECK((pairs[3].b == &b.rows[0] && !pairs[3].same_launch()));
  CHECK((pairs[4].b == nullptr && pairs[4].ratio() == 0 && pairs[4].row().op == "fill"));
  CHECK((pairs[5].a == nullptr && pairs[5].row().op == "cast"));
}

TEST_CASE("a bench against itself has no difference; an empty one has nothing to say") {
  Bench a;
  a.rows = {row("x", "1", 2), row("x", "2", 3), row("x", "1", 4)};
  for (const auto& pair : trace::pair_rows(a, a)) CHECK((pair.a == pair.b && pair.ratio() == 1));
  CHECK(trace::pair_rows({}, {}).empty());
  CHECK(Bench{}.products_of_floor() == 0);
  CHECK(Bench{}.products_of_read() == 0);
}
