// Plans: the launches of a layer as published, what each switch removes, forks and joins.
#include <map>

#include "small_model.h"

using namespace engine;
using namespace engine::test;

namespace {

std::map<std::string, int> launches(const DecodePlan& plan, int layer) {
  std::map<std::string, int> count;
  for (const PlannedOp& op : plan.ops) {
    if (op.layer == layer) ++count[std::string(op.key)];
  }
  return count;
}

std::map<std::string, int> removed(Session& session, const char* key, const char* value,
                                   int layer) {
  auto before = launches(session.plan(), layer);
  const auto set = with(session.arm().toggles, key, value);
  auto arm = make_arm(session.model(), set, caches_for(session.model(), set, session.arm().caches));
  REQUIRE(arm.ok());
  for (const auto& [name, n] : launches(arm->plan(), layer)) {
    before[name] -= n;
    CHECK(before[name] >= 0);  // nothing new
  }
  std::erase_if(before, [](const auto& item) { return item.second == 0; });
  return before;
}

}  // namespace

TEST_CASE("each switch removes the launches of the design's table in every layer") {
  auto session = load(small_spec(2, 100));
  using Map = std::map<std::string, int>;
  for (const int layer : {0, 1}) {
    CHECK(removed(*session, "cat_skip", "on", layer) == Map{{"concat", 1}});
    CHECK(removed(*session, "x_scale", "transposed", layer) == Map{{"x_scale_copy", 4}});
    CHECK(removed(*session, "logits_init", "empty", layer) == Map{{"logits_fill", 1}});
    CHECK(removed(*session, "rope_update", "guarded", layer) ==
          Map{{"rope_clone", 2}, {"rope_write_back", 2}});
    CHECK(removed(*session, "head_gates", "fused", layer) == Map{{"gates_cast", 1},
                                                                 {"gates_reduce", 1},
                                                                 {"gates_scale_heads", 1},
                                                                 {"gates_scale_q", 1}});
    for (const char* key : {"streams", "index_layout", "kv_dtype", "page_size"}) {
      const auto& row = trace::info(trace::toggle_key(key).value());
      CHECK(
          removed(*session, key, row.values[static_cast<size_t>(row.value_count - 1)].data(), layer)
              .empty());
      CHECK(row.removed_per_layer_tiny == 0);
    }
  }
  for (const trace::ToggleInfo& row : trace::toggle_table()) {
    if (trace::unavailable(row.key, session->spec().model, "cpu")) continue;
    int total = 0;
    for (const auto& [name, n] :
         removed(*session, row.name.data(),
                 row.values[static_cast<size_t>(row.value_count - 1)].data(), 1)) {
      total += n;
    }
    INFO(row.name);
    CHECK(total == row.removed_per_layer_tiny);
  }
}

TEST_CASE("row-major GEMMs turn the cost of x_scale around") {
  auto spec = small_spec(2, 100);
  spec.set["gemm_scales"] = "row";
  auto copy = load(spec);
  CHECK(launches(copy->plan(), 0).count("x_scale_copy") == 0);
  auto columns = small_spec(2, 100);
  columns.toggles = with(columns.toggles, "x_scale", "transposed");
  CHECK(launches(load(columns)->plan(), 0).count("x_scale_copy") == 0);
  spec.toggles = with(spec.toggles, "x_scale", "transposed");
  auto transposed = load(spec);
  CHECK(launches(transposed->plan(), 0)["x_scale_copy"] == 4);
}

TEST_CASE("dual streams fork before q_b and join before the sparse MLA") {
  auto spec = small_spec(2, 100);
  spec.toggles = with(spec.toggles, "streams", "dual");
  auto session = load(spec);
  const DecodePlan& plan = session->plan();
  CHECK(plan.streams == 2);
  int forks = 0, joins = 0;
  for (const PlannedOp& op : plan.ops) {
    for (const int wait : op.waits) {
      const PlannedOp& other = plan.ops[static_cast<size_t>(wait)];
      INFO(op.label << " after " << other.label);
      CHECK(other.stream != op.stream);
      CHECK(other.awaited);
      if (op.stream == 1) {
        ++forks;
        CHECK((other.key == "q_kv_norm" || other.key == "sparse_partial"));
      } else {
        ++joins;
        CHECK(op.key == "sparse_partial");
        CHECK(other.key == "topk");
      }
    }
    if (op.previous >= 0) CHECK(plan.ops[static_cast<size_t>(op.previous)].stream == op.stream);
    const bool of_indexer =
        op.category == trace::Category::indexer || op.key == "wq_b" || op.key == "wk";
    if (of_indexer) CHECK(op.stream == 1);
  }
  CHECK(forks == 2);
  CHECK(joins == 2);
}

TEST_CASE("layers that share indices run no indexer") {
  auto spec = small_spec(2, 100);
  spec.model.layers = 6, spec.model.index_topk_freq = 4, spec.model.index_topk_offset = 3;
  auto session = load(spec);
  std::vector<int> with_topk;
  for (const PlannedOp& op : session->plan().ops) {
    if (op.key == "topk") with_topk.push_back(op.layer);
  }
  CHECK(with_topk == std::vector{0, 1, 2});
  session->step();
}

TEST_CASE("placements move, values and order do not") {
  auto session = load(small_spec(2, 100));
  Model& model = session->model();
  auto a = make_arm(model, session->arm().toggles, session->arm().caches, {1, {}});
  auto b = make_arm(model, session->arm().toggles, session->arm().caches, {2, {}});
  REQUIRE((a.ok() && b.ok()));
  const auto offset = [](const Arm& arm) {
    return reinterpret_cast<uintptr_t>(arm.plan().logits) % (1 << 20);
  };
  CHECK(offset(*a) != offset(*b));
  CHECK(a->plan().text() == b->plan().text());
  CHECK(a->step.arena.bytes() == arena_bytes(model.setup.shape, session->arm().toggles));
}

TEST_CASE("DeepSeek's shapes at TP 8 read row-major scales, GLM's column-major ones") {
  using kernels::ScaleLayout;
  for (const auto& [n, k] : {std::pair{2112, 7168}, {3072, 1536}, {7168, 2048}})
    CHECK(preferred_scales(n, k) == ScaleLayout::row);
  for (const auto& [n, k] : {std::pair{2624, 6144}, {2048, 2048}, {6144, 2048}, {128, 6144}})
    CHECK(preferred_scales(n, k) == ScaleLayout::column);
}
