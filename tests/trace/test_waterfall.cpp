#include "trace/waterfall.h"

#include <catch2/catch_test_macros.hpp>

#include "tests/support/random_trace.h"

using trace::Category;
using trace::kShareUnits;

namespace {

struct Piece {
  int64_t stream, start_ns, end_ns;
  Category category;
};

trace::TracePtr make(const std::vector<Piece>& pieces) {
  trace::TraceBuilder builder;
  const uint32_t device = builder.device("0");
  for (const Piece& p : pieces)
    builder.add({.start_ns = p.start_ns,
                 .end_ns = p.end_ns,
                 .name = builder.intern("k"),
                 .lane = builder.lane(device, p.stream),
                 .category = p.category});
  return builder.finish(true);
}

trace::Shares shares_of(const trace::Trace& t) {
  return trace::equal_shares(t, trace::whole(t, 0));
}
trace::ShareSum share(const trace::Shares& s, Category c) {
  return s.category[static_cast<size_t>(c)];
}
trace::ShareSum units(int64_t ns) {
  return static_cast<trace::ShareSum>(ns) * kShareUnits;
}

int64_t ns_of(const std::vector<trace::Contributor>& list, std::string_view name) {
  for (const auto& c : list)
    if (c.name == name) return c.ns;
  return -999999;
}

}  // namespace

TEST_CASE("what runs at the same time shares it equally") {
  const auto t = make({{1, 0, 100, Category::gemm},
                       {2, 50, 150, Category::rope},
                       {3, 50, 100, Category::copy},
                       {1, 160, 170, Category::gemm}});
  const auto s = shares_of(*t);
  CHECK((share(s, Category::gemm) == units(50) + units(50) / 3 + units(10)));
  CHECK((share(s, Category::rope) == units(50) / 3 + units(50)));
  CHECK((share(s, Category::copy) == units(50) / 3));
  CHECK(s.idle_ns[static_cast<size_t>(trace::BubbleKind::dispatch)] == 10);
  CHECK((s.duration_ns[static_cast<size_t>(Category::gemm)] == 110 && s.wall_ns == 170));
}

TEST_CASE("seventeen at once do not divide: the remainder goes to what started first") {
  std::vector<Piece> pieces;
  for (int64_t i = 0; i < 17; ++i)
    pieces.push_back({i, 100 - i, 200, i == 16 ? Category::gemm : Category::other});
  const auto t = make(pieces);  // stream 16 starts first, at 84
  const auto s = shares_of(*t);
  trace::ShareSum sum = 0;
  for (const auto each : s.event_share) sum += each;
  CHECK((sum == units(s.wall_ns)));
  const trace::ShareSum piece = units(100) / 17, rest = units(100) - 17 * piece;
  CHECK(rest > 0);
  trace::ShareSum expected = piece + rest;  // of the last piece, and its part of the stairs before
  for (int64_t k = 1; k <= 16; ++k) expected += units(1) / k;
  CHECK((share(s, Category::gemm) == expected));
}

TEST_CASE("a waterfall rounds by largest remainder and keeps the sum") {
  // A: nothing but 3 ns of gemm. B: three categories share 4 ns by thirds.
  const auto a = make({{1, 0, 3, Category::gemm}});
  const auto b =
      make({{1, 0, 4, Category::gemm}, {2, 0, 4, Category::rope}, {3, 0, 4, Category::copy}});
  const auto w = trace::waterfall(shares_of(*a), shares_of(*b));
  CHECK((w.a_ns == 3 && w.b_ns == 4));
  REQUIRE(w.contributors.size() == 3);
  // Exactly -5/3, 4/3, 4/3: floors -2, 1, 1 leave one, and the largest remainder is that of -5/3
  // (1/3 each: the first).
  CHECK((ns_of(w.contributors, "GEMM") == -1 && ns_of(w.contributors, "copy") == 1 &&
         ns_of(w.contributors, "RoPE") == 1));
  for (const auto& c : w.contributors) CHECK(c.hidden_ns == 3);  // 4 ns long, 4/3 of them seen: 8/3
}

TEST_CASE("idle kinds are contributors, absent ones are left out, hidden time is none") {
  const auto a = make({{1, 0, 1000, Category::gemm}, {1, 1001, 2000, Category::gemm}});
  const auto b = make({{1, 0, 1000, Category::gemm},
                       {2, 0, 1000, Category::shared_expert},
                       {1, 4000, 5000, Category::gemm}});
  const auto sa = shares_of(*a), sb = shares_of(*b);
  const auto w = trace::waterfall(sa, sb);
  CHECK(ns_of(w.contributors, "idle: contiguous") == -1);
  CHECK(ns_of(w.contributors, "idle: stall") == 3000);
  CHECK(ns_of(w.contributors, "idle: fence") == -999999);
  CHECK(ns_of(w.contributors, "GEMM") == -499);
  CHECK(ns_of(w.contributors, "shared expert") == 500);
  int64_t sum = 0;
  for (const auto& c : w.contributors) sum += c.ns;
  CHECK(sum == 3000);

  const auto second = trace::second_view(sa, sb);
  CHECK(ns_of(second, "sum of durations") == 3000 - 1999);
  CHECK(ns_of(second, "concurrency") == -1000);
  CHECK(ns_of(second, "idle: stall") == 3000);
  CHECK(ns_of(second, "idle: contiguous") == -1);

  auto headline = w;
  trace::add_tracing(headline, 2600);  // the untraced passes differ by 400 ns less than the traced ones
  CHECK(ns_of(headline.contributors, "tracing") == -400);
  sum = 0;
  for (const auto& c : headline.contributors) sum += c.ns;
  CHECK(sum == 2600);
}
