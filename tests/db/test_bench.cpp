// A bench comes back from the store, and through a bundle, as it was saved.
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cmath>

#include "db/bundle.h"
#include "tests/db/store_check.h"
#include "tests/support/random_run.h"
#include "tests/support/temp_folder.h"

using namespace tests;

namespace {

trace::Bench random_bench(Random& random) {
  const auto number = [&] { return static_cast<double>(pick(random, 0, 1 << 30)) / 1024; };
  trace::Bench b;
  b.kind = pick(random, 0, 1) ? "step" : "kernels", b.cache = random_text(random), b.workers = static_cast<int>(pick(random, 0, 2));
  for (double* v : {&b.ceilings.read_gbps, &b.ceilings.copy_gbps, &b.ceilings.bf16_tflops, &b.ceilings.fp8_tflops, &b.ceilings.empty_node_us}) *v = number();
  for (int64_t i = pick(random, 0, 9); i > 0; --i) b.ceilings.reads.push_back({pick(random, 0, int64_t{1} << 40), number()});
  for (int64_t i = pick(random, 0, 40); i > 0; --i) {
    trace::BenchRow& r = b.rows.emplace_back();
    r.op = random_text(random), r.what = random_text(random), r.us = number(), r.launches = static_cast<int>(pick(random, 0, 300));
    r.bytes = pick(random, 0, int64_t{1} << 50), r.flops = pick(random, 0, int64_t{1} << 60), r.floor_us = number(), r.streams_weights = pick(random, 0, 1) == 1, r.floor_35_us = number();
  }
  return b;
}

trace::Run plain(int i) {
  trace::Run run;
  run.name = "bench " + std::to_string(i);
  run.created = "2026-11-29T13:00:0" + std::to_string(i) + "Z";
  run.host = "h200";
  return run;
}

}  // namespace

TEST_CASE("benches come back from the store and through a bundle as they were saved") {
  INFO("seed " << Catch::getSeed());
  Random random(Catch::getSeed());
  TempFolder folder;
  std::vector<trace::Bench> saved;
  const std::string file = folder / "benches.decodescope";
  {
    db::Store store = open_store(folder / "runs.db");
    std::vector<int64_t> ids;
    for (int i = 0; i < 6; ++i) {
      saved.push_back(random_bench(random));
      ids.push_back(must(store.save_bench(plain(i), saved.back())));
    }
    const int64_t other = must(store.save(random_run(random, 5)));
    CHECK_FALSE(must(store.bench(other)).has_value());
    CHECK_FALSE(store.bench(999).ok());
    CHECK(must(store.benches()).size() == 6);
    CHECK(must(store.benches()).at(ids[2]) == saved[2].kind);
    REQUIRE(db::export_bundle(store, ids, file).ok());
  }
  db::Store store = open_store(folder / "runs.db");
  db::Store empty = open_store(folder / "other.db");
  CHECK(must(db::import_bundle(file, empty)).runs.size() == 6);
  CHECK(must(db::import_bundle(file, store)).runs[3].existed);  // not a second time
  CHECK(must(store.benches()).size() == 6);
  for (int i = 0; i < 6; ++i) {
    CHECK(must(store.bench(i + 1)) == saved[static_cast<size_t>(i)]);
    CHECK(must(empty.bench(i + 1)) == saved[static_cast<size_t>(i)]);
  }
}

TEST_CASE("a bench goes with its run") {
  Random random(Catch::getSeed());
  TempFolder folder;
  db::Store store = open_store(folder / "runs.db");
  const int64_t id = must(store.save_bench(plain(1), random_bench(random)));
  REQUIRE(store.remove(id).ok());
  CHECK_FALSE(store.bench(id).ok());
  REQUIRE(store.undo_remove(id).ok());
  CHECK(must(store.bench(id)).has_value());
  REQUIRE(store.remove(id).ok());
  CHECK(must(store.purge(std::chrono::seconds(0))) == 1);
  CHECK(must(store.benches()).empty());
}
