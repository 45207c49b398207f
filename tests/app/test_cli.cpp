// The command line as a user meets it: exit codes, one clear line for bad input, JSON alone on stdout.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/engine/published.h"
#include "tests/support/child.h"
#include "tests/support/shared_files.h"
#include "tests/support/temp_folder.h"

using nlohmann::json;
using tests::run_child;

namespace {

const std::string kProgram = std::string(DS_BINARY_DIR) + "/decodescope-record";

std::string shared(const std::string& name) { return tests::shared_file(name).string(); }

tests::ChildResult decodescope(std::vector<std::string> args) {
  args.insert(args.begin(), kProgram);
  return run_child(args);
}

// One line, starting with "error: ", and nothing on stdout.
void check_refused(const tests::ChildResult& result, const std::string& containing) {
  INFO("stdout: " << result.out << "\nstderr: " << result.err);
  CHECK(result.exit_code == 2);
  CHECK(result.out.empty());
  CHECK(result.err.starts_with("error: "));
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  CHECK(result.err.find(containing) != std::string::npos);
}

json one_line_of_json(const tests::ChildResult& result) {
  INFO("stdout: " << result.out.substr(0, 2000) << "\nstderr: " << result.err);
  REQUIRE(std::count(result.out.begin(), result.out.end(), '\n') == 1);
  return json::parse(result.out);
}

}  // namespace

TEST_CASE("bad command lines are refused with one line and exit code 2") {
  tests::TempFolder folder;
  const std::string db = folder / "runs.db";
  check_refused(decodescope({"no-such-file.json"}), "decodescope-record has no window");
  check_refused(decodescope({"bubbles"}), "source");
  check_refused(decodescope({"bubbles", "missing.json", "--db", db}), "missing.json");
  check_refused(decodescope({"bubbles", folder.path(), "--db", db}), folder.path());
  check_refused(decodescope({"show", "17", "--db", db}), "17");
  check_refused(decodescope({"record", "--model", "gpt-9", "--db", db}), "gpt-9");
  check_refused(decodescope({"record", "--backend", "tpu", "--db", db}), "tpu");
  check_refused(decodescope({"record", "--set", "cat_skip=maybe", "--db", db}), "cat_skip");
  check_refused(decodescope({"record", "--set", "nonsense=1", "--db", db}), "nonsense");
  check_refused(decodescope({"record", "--batch", "-3", "--db", db}), "batch");
  check_refused(decodescope({"record", "--set", "page_size=1", "--set", "index_layout=preshuffle", "--db", db}), "preshuffle");
  check_refused(decodescope({"ab", "--db", db}), "--toggle");
  check_refused(decodescope({"ab", "--toggle", "warp_drive", "--db", db}), "warp_drive");
  check_refused(decodescope({"ab", "--toggle", "v_layout", "--model", "tiny", "--db", db}), "v_layout");
  check_refused(decodescope({"export", "1", "--to", folder / "x.decodescope", "--db", db}), "1");
  check_refused(decodescope({"runs", "--db", "/proc/no/such/place.db"}), "/proc/no/such");
}

TEST_CASE("a file that is no trace is refused, and importing several keeps the good ones") {
  tests::TempFolder folder;
  const std::string db = folder / "runs.db", alien = folder / "alien.json", empty = folder / "empty.json";
  std::ofstream(alien) << R"({"hello": "world"})";
  std::ofstream(empty) << "";
  check_refused(decodescope({"bubbles", alien, "--db", db}), "alien.json");
  check_refused(decodescope({"bubbles", empty, "--db", db}), "empty");
  const std::string good = shared("traces/seed_layer_mi355x_dual_rocm72.json");
  auto result = decodescope({"import", alien, good, "--db", db, "--json"});
  CHECK(result.exit_code == 2);
  CHECK(one_line_of_json(result)["runs"].size() == 1);
}

TEST_CASE("rules of one's own name kernels wherever a file is read, and the report says whose they are") {
  const tests::TempFolder folder;
  const std::string rules = folder / "mine.json", file = shared("traces/seed_layer_mi355x_single_rocm72.json");
  std::ofstream(rules) << R"({"names": [{"category": "attention", "op": "acme", "names": ["kernel_moe_gemm"]}]})";
  const auto report = one_line_of_json(decodescope({"import", file, "--rules", rules, "--db", folder / "r.db", "--json"}))["report"][0];
  CHECK(report["caveats"].dump().find(rules) != std::string::npos);
  const auto exported = decodescope({"export", file, "--rules", rules, "--to", folder / "k.csv"});
  CHECK(exported.exit_code == 0);
  std::ifstream csv(folder / "k.csv");
  const std::string text((std::istreambuf_iterator<char>(csv)), {});
  CHECK(text.find(",acme,attention,") != std::string::npos);
  // Those of the configuration, without being asked for; a bad one is refused with its place.
  std::filesystem::create_directories(folder / "config/decodescope");
  std::filesystem::copy_file(rules, folder / "config/decodescope/kernel_rules.json");
  const auto configured = run_child({"env", "XDG_CONFIG_HOME=" + std::string(folder / "config"), kProgram, "export", file, "--to", folder / "c.csv"});
  CHECK(configured.exit_code == 0);
  std::ifstream again(folder / "c.csv");
  CHECK(std::string((std::istreambuf_iterator<char>(again)), {}).find(",acme,attention,") != std::string::npos);
  std::ofstream(rules) << R"({"rules": []})";
  check_refused(decodescope({"bubbles", file, "--rules", rules}), "no such list: `rules`");
}

TEST_CASE("bubbles on the published dual-stream layer gives the published figures") {
  const std::string file = shared("traces/seed_layer_mi355x_dual_rocm72.json");
  const json out = one_line_of_json(decodescope({"bubbles", file, "--json"}));
  CHECK(out["wall_ns"] == 312241);
  CHECK(out["busy_ns"] == 293250);
  CHECK(out["idle_ns"] == 18991);
  CHECK(out["kinds"]["stall"]["count"] == 3);
  CHECK(out["kinds"]["stall"]["us"] == 17.325);
  CHECK(out["kinds"]["fence"]["us"] == 1.641);
  CHECK(out["causes"]["stall"] == json{{"join", {{"count", 3}, {"us", 17.325}}}});
  CHECK(out["causes"]["fence"] == json{{"fork", {{"count", 1}, {"us", 1.641}}}});
  CHECK(out["causes"]["contiguous"] == json{{"unknown", {{"count", 25}, {"us", 0.025}}}});
  CHECK(out["causes"]["dispatch"].empty());
  CHECK(out["path"]["owned_us"] == 287.682);
  CHECK(out["path"]["waits_us"] == 24.559);
  REQUIRE(out["stalls"].size() == 3);
  for (const auto& stall : out["stalls"]) CHECK(stall["cause"] == "join");
}

TEST_CASE("a file without GPU activity has zero figures and a null device") {
  const json out = one_line_of_json(decodescope({"bubbles", shared("traces/edge_kineto_cpu_only_0_kernels.json.gz"), "--json"}));
  CHECK(out["device"].is_null());
  CHECK(out["wall_ns"] == 0);
  CHECK(out["activities"] == 0);
  CHECK(!out["caveats"].empty());
}

TEST_CASE("compare sums exactly and says what else differs") {
  const json out = one_line_of_json(decodescope({"compare", shared("traces/seed_layer_mi355x_single_rocm72.json"),
                                                 shared("traces/seed_layer_mi355x_dual_rocm72.json"), "--json"}));
  int64_t sum = 0, second = 0;
  for (const auto& c : out["contributors"]) sum += c["ns"].get<int64_t>();
  for (const auto& c : out["second_view"]) second += c["ns"].get<int64_t>();
  CHECK(sum == 25080);
  CHECK(second == 25080);
  CHECK(out["wall_ns"]["delta"] == 25080);
  CHECK(out["only_a"].size() == 3);
  // One recording three times over is no interval.
  const std::string a = shared("traces/seed_layer_mi355x_single_rocm72.json");
  check_refused(decodescope({"compare", a + "," + a + "," + a, shared("traces/seed_layer_mi355x_dual_rocm72.json"), "--fail-if", "wall_pct > 2"}), "named twice on one side");
}

TEST_CASE("an interrupt while a file is read ends the command and leaves nothing behind") {
  const tests::TempFolder folder;
  {
    std::ofstream big(folder / "big.csv");
    big << "Kind,Agent_Id,Queue_Id,Kernel_Name,Start_Timestamp,End_Timestamp\n";
    for (int i = 0; i < 1'000'000; ++i) big << "KERNEL_DISPATCH,4,1,some_kernel_with_a_name_" << i % 40 << ',' << 1000 + 50 * i << ',' << 1040 + 50 * i << '\n';
  }
  const auto result = run_child({"sh", "-c", "\"$0\" export \"$1\" --to \"$2\" & until ls -l /proc/$!/fd 2>/dev/null | grep -q big.csv; do :; done; kill -TERM $!; wait $!", kProgram, folder / "big.csv", folder / "r.html"});
  CHECK(result.exit_code == 1);
  CHECK(result.err.find("cancelled") != std::string::npos);
  CHECK(std::distance(std::filesystem::directory_iterator(std::string(folder / ".")), {}) == 1);
}

TEST_CASE("a run goes through store, show, note, bundle, delete and undo") {
  tests::TempFolder folder;
  const std::string db = folder / "runs.db", bundle = folder / "x.decodescope";
  const std::string file = shared("traces/seed_layer_mi355x_dual_rocm72.json");
  const json imported = one_line_of_json(decodescope({"import", file, "--db", db, "--json"}));
  REQUIRE(imported["runs"].size() == 1);
  const std::string id = std::to_string(imported["runs"][0].get<int64_t>());
  CHECK(imported["report"][0]["read"] == 46);
  CHECK(one_line_of_json(decodescope({"runs", "--db", db, "--json"})).size() == 1);
  CHECK(decodescope({"note", id, "the published layer", "--db", db}).exit_code == 0);
  CHECK(one_line_of_json(decodescope({"show", id, "--db", db, "--json"}))["note"] == "the published layer");
  const json before = one_line_of_json(decodescope({"bubbles", id, "--db", db, "--json"}));
  CHECK(before["idle_ns"] == 18991);
  CHECK(decodescope({"export", id, "--to", bundle, "--db", db}).exit_code == 0);
  CHECK(decodescope({"delete", id, "--db", db}).exit_code == 0);
  CHECK(one_line_of_json(decodescope({"runs", "--db", db, "--json"})).empty());
  check_refused(decodescope({"show", id, "--db", db}), id);
  const json again = one_line_of_json(decodescope({"import", bundle, "--db", db, "--json"}));
  REQUIRE(again["runs"].size() == 1);
  const json after = one_line_of_json(decodescope({"bubbles", std::to_string(again["runs"][0].get<int64_t>()), "--db", db, "--json"}));
  CHECK(after["idle_ns"] == 18991);
  CHECK(after["stalls"] == before["stalls"]);
  // A bundle is also plain input, with no store in between.
  CHECK(one_line_of_json(decodescope({"bubbles", bundle, "--json"}))["idle_ns"] == 18991);
}

namespace {

// A rank of a job as Kineto writes it: `busy_us` of work, then an all-reduce that all ranks leave together; 30 times.
void write_rank(const std::string& path, double clock_us, double busy_us, double slowest_us) {
  json events = json::array();
  for (int i = 0; i < 30; ++i) {
    const double begin = clock_us + i * (slowest_us + 15);
    for (const auto& [name, ts, end] : {std::tuple{"gemm", begin, begin + busy_us}, std::tuple{"ncclDevKernel_AllReduce_Sum_bf16_RING_LL", begin + busy_us, begin + slowest_us + 12}})
      events.push_back({{"ph", "X"}, {"cat", "kernel"}, {"name", name}, {"pid", 0}, {"tid", 7}, {"ts", ts}, {"dur", end - ts}, {"args", {{"device", 0}, {"stream", 7}}}});
  }
  std::ofstream(path) << json{{"traceEvents", events}, {"cuda_runtime_version", 13000}};
}

}  // namespace

TEST_CASE("ranks of one job become one run on one clock, the straggler named") {
  tests::TempFolder folder;
  const std::string db = folder / "runs.db";
  std::vector<std::string> files;
  for (int rank = 0; rank < 3; ++rank) {
    files.push_back(folder / ("job_tp4_rank" + std::to_string(rank) + ".json"));
    write_rank(files.back(), 1e6 * (rank + 1), rank == 2 ? 60 : 50, 60);
  }
  const auto result = one_line_of_json(decodescope({"import", files[0], files[1], files[2], "--ranks", "--name", "job", "--db", db, "--json"}));
  REQUIRE(result["runs"].size() == 1);
  const json& report = result["report"][0];
  CHECK(report["straggler"] == 2);
  CHECK(report["ranks"][0]["skew_us"] == 300);
  CHECK(report["ranks"][0]["transfer_us"] == 360);
  CHECK(report["ranks"][2]["skew_us"] == 0);
  CHECK(report["ranks"][1]["offset_ns"] == 1'000'000'000);
  CHECK(report["ranks"][2]["others_waited_us"] == 300);
  const auto bubbles = one_line_of_json(decodescope({"bubbles", "1", "--db", db, "--json"}));
  CHECK(bubbles["devices"].size() == 3);
  const auto told = decodescope({"import", files[0], files[1], files[2], "--ranks", "--db", db});
  CHECK(told.out.find("straggler: rank 2; the others waited 300.000 us for it alone") != std::string::npos);
  check_refused(decodescope({"import", files[0], "--ranks", "--db", db}), "two ranks");
  check_refused(decodescope({"import", files[0], files[1], shared("traces/seed_layer_mi355x_dual_rocm72.json"), "--ranks", "--db", db}), "no kind of collective");
}

TEST_CASE("floors of a step that the engine recorded agree with what its kernels count themselves") {
  tests::TempFolder folder;
  const std::string db = folder / "runs.db";
  one_line_of_json(decodescope({"record", "--model", "tiny", "--batch", "2", "--context", "512", "--steps", "2", "--warmup", "1", "--seed", "5", "--backend", "cpu", "--db", db, "--json"}));
  const std::vector<std::string> ceilings = {"--read-gbps", "20", "--bf16-tflops", "0.1", "--routing", "distinct", "--json"};
  const auto floors = [&](const std::string& source, std::vector<std::string> more) {
    more.insert(more.begin(), {"floors", source, "--db", db});
    more.insert(more.end(), ceilings.begin(), ceilings.end());
    return one_line_of_json(decodescope(more));
  };
  const json counted = floors("1", {});
  CHECK(counted["wall_ns"] == counted["floor_ns"].get<int64_t>() + counted["above_ns"].get<int64_t>() + counted["unknown_ns"].get<int64_t>() + counted["idle_ns"].get<int64_t>() - counted["concurrency_ns"].get<int64_t>());
  CHECK(counted["estimated"] == counted["kernels"]);
  // The same kernels by the model's estimate alone: as a file that does not say what was counted.
  const std::string file = folder / "step.json";
  REQUIRE(decodescope({"export", "1", "--to", file, "--db", db}).exit_code == 0);
  std::ifstream in(file);
  json trace = json::parse(in);
  in.close();
  for (json& e : trace["traceEvents"])
    if (e.contains("args")) e["args"].erase("bytes"), e["args"].erase("flops");
  std::ofstream(file) << trace;
  const json estimated = floors(file, {"--model", "tiny", "--batch", "2", "--context", "512", "--max-context", "8192", "--tp", "1"});
  const auto bytes_of = [](const json& report, const std::string& op) {
    for (const json& row : report["rows"])
      if (row["op"] == op) return row["bytes"].is_null() ? -1.0 : row["bytes"].get<double>();
    return -1.0;
  };
  for (const char* op : {"qkv_a", "q_kv_norm", "q_b", "q_lora_quant", "wq_b", "wk", "k_norm", "index_rope", "hadamard_q", "hadamard_k", "index_q_quant", "index_k_store", "logits_fill", "absorb", "rope_cat_store", "concat", "sparse_combine",
                         "v_bmm", "attn_quant", "o_proj", "post_norm", "mlp_gate_up", "mlp_silu", "mlp_down", "router", "router_topk", "append_shared", "moe_sort", "moe_quant", "moe_fill", "experts_silu", "experts_quant",
                         "lm_head", "argmax", "embed", "x_scale_copy"}) {
    INFO(op);
    CHECK(bytes_of(counted, op) > 0);
    CHECK(bytes_of(estimated, op) == bytes_of(counted, op));
  }
  // Of lengths that are drawn between 0.8 and 1 of the context, within that.
  for (const char* op : {"mqa_logits", "topk", "sparse_partial"}) {
    INFO(op);
    CHECK((bytes_of(estimated, op) >= bytes_of(counted, op) * 0.99 && bytes_of(estimated, op) <= bytes_of(counted, op) * 1.27));
  }
  // The engine counts the shared expert once a token; it is one expert, read once: 5 of 6 here.
  for (const char* op : {"experts_gate_up", "experts_down"}) {
    INFO(op);
    CHECK((bytes_of(estimated, op) < bytes_of(counted, op) && bytes_of(estimated, op) > bytes_of(counted, op) * 0.8));
  }
  check_refused(decodescope({"floors", "1", "--db", db}), "--read-gbps");
  check_refused(decodescope({"floors", shared("traces/seed_layer_mi355x_single_rocm72.json")}), "--batch");
}

TEST_CASE("a bundle is scrubbed unless one says otherwise, and what goes is shown; a benchmark travels along") {
  tests::TempFolder folder;
  const std::string db = folder / "runs.db", other = folder / "other.db", bench = folder / "bench.jsonl";
  std::filesystem::create_directories(folder / "of_carol");
  const std::string file = folder / "of_carol/step.json";
  std::filesystem::copy_file(shared("traces/kineto_mi300x_sglang_qwen3-8b_decode.json.gz"), file);
  REQUIRE(decodescope({"import", file, "--note", "by dave@box7", "--db", db}).exit_code == 0);
  std::ofstream(bench) << R"({"median_tpot_ms": 24.45})" << "\n";
  const json attached = one_line_of_json(decodescope({"attach", "1", "--serving", bench, "--db", db, "--json"}));
  CHECK(attached["serving"]["host_prefill_scheduling_us"].get<double>() > 14'000);
  const json exported = one_line_of_json(decodescope({"export", "1", "--to", folder / "x.decodescope", "--db", db, "--json"}));
  std::set<std::string> kinds;
  for (const json& gone : exported["scrubbed"]) kinds.insert(gone["kind"].get<std::string>());
  CHECK((kinds.contains("path") && kinds.contains("address")));
  REQUIRE(decodescope({"import", folder / "x.decodescope", "--db", other}).exit_code == 0);
  const auto shown = decodescope({"show", "1", "--db", other, "--json"});
  CHECK(shown.out.find("of_carol") == std::string::npos);
  CHECK(shown.out.find("dave") == std::string::npos);
  const json run = one_line_of_json(shown);
  CHECK(run["host"] == "");
  CHECK(run["note"] == "by address");
  CHECK(run["report"]["file"] == "step.json");
  CHECK(run["serving"]["tpot_us"] == 24450);
  // Back at the sender's it is known again.
  CHECK(one_line_of_json(decodescope({"import", folder / "x.decodescope", "--db", db, "--json"}))["report"][0]["already_there"] == 1);
  const auto bubbles = [&](const std::string& store) { return one_line_of_json(decodescope({"bubbles", "1", "--db", store, "--json"})); };
  json here = bubbles(db), there = bubbles(other);
  CHECK(here["wall_ns"] == there["wall_ns"]);
  CHECK(here["stalls"] == there["stalls"]);
  REQUIRE(decodescope({"export", "1", "--to", folder / "whole.decodescope", "--no-scrub", "--db", db}).exit_code == 0);
  REQUIRE(decodescope({"import", folder / "whole.decodescope", "--db", other}).exit_code == 0);
  CHECK(one_line_of_json(decodescope({"show", "2", "--db", other, "--json"}))["report"]["file"] == file);
  check_refused(decodescope({"attach", "1", "--db", db}), "--serving");
  REQUIRE(decodescope({"attach", "1", "--remove", "--db", db}).exit_code == 0);
  CHECK(one_line_of_json(decodescope({"show", "1", "--db", db, "--json"}))["serving"].is_null());
}

TEST_CASE("every command has help with an example") {
  for (const char* command : {"start", "demo", "record", "ab", "runs", "show", "delete", "note", "compare", "bubbles", "import", "export",
                              "check", "bench", "doctor", "serve"}) {
    const auto result = decodescope({command, "--help"});
    INFO(command);
    CHECK(result.exit_code == 0);
    CHECK(result.out.find("Example") != std::string::npos);
  }
}

TEST_CASE("a model that no one publishes is labelled synthetic wherever it is named", "[slow]") {
  tests::TempFolder folder;
  const std::string db = folder / "runs.db";
  const std::vector<std::string> small = {"--model", "tiny", "--layers", "2", "--batch", "1", "--context", "40", "--db", db};
  const auto run = [&](std::vector<std::string> command) {
    command.insert(command.end(), small.begin(), small.end());
    const auto result = decodescope(command);
    INFO(result.err);
    CHECK(result.exit_code == 0);
    return result;
  };
  CHECK(run({"record", "--steps", "2", "--warmup", "0"}).out.find("tiny (synthetic)") != std::string::npos);
  CHECK(one_line_of_json(run({"record", "--steps", "2", "--warmup", "0", "--json"}))["synthetic"] == true);
  CHECK(run({"ab", "--toggle", "cat_skip"}).out.find("tiny (synthetic)") != std::string::npos);
  CHECK(run({"ab", "--toggle", "cat_skip", "--instances", "2", "--quads", "1"}).out.find("2 instances of quads ABBA (2 quads kept)") != std::string::npos);
  CHECK(decodescope({"runs", "--db", db}).out.find("tiny (synthetic)") != std::string::npos);
  CHECK(one_line_of_json(decodescope({"runs", "--db", db, "--json"}))[0]["synthetic"] == true);
  CHECK(decodescope({"show", "1", "--db", db}).out.find("synthetic") != std::string::npos);
}

TEST_CASE("check of one op checks that alone, and refuses one that there is not") {
  const auto one = one_line_of_json(decodescope({"check", "--backend", "cpu", "--quick", "--op", "topk", "--json"}));
  REQUIRE(one["ops"].size() == 1);
  CHECK((one["ops"][0]["op"] == "topk" && one["ops"][0]["cases"] == 6 && one["toggles"].empty() && one["ok"] == true));
  check_refused(decodescope({"check", "--op", "warp_drive"}), "warp_drive");
}

TEST_CASE("record --prefill starts from a real prefix and says so") {
  tests::TempFolder folder;
  const std::string db = folder / "runs.db";
  const json run = one_line_of_json(decodescope({"record", "--model", "tiny", "--layers", "2", "--batch", "1", "--context", "70", "--max-context", "256",
                                                 "--prefill", "--set", "cat_skip=on", "--steps", "2", "--warmup", "0", "--db", db, "--json"}));
  CHECK(run["kernels_per_step"] > 0);
  CHECK(one_line_of_json(decodescope({"show", "1", "--db", db, "--json"}))["spec"]["workload"]["prefill"] == true);
  CHECK(decodescope({"record", "--help"}).out.find("--prefill") != std::string::npos);
}

TEST_CASE("a folder with config.json and safetensors is a model with its weights; what is wrong with it is one line") {
  tests::TempFolder folder;
  const std::string db = folder / "runs.db", model_folder = folder / "Small-FP8";
  trace::ModelConfig model = trace::model_preset("tiny").value();
  model.hidden = 256, model.layers = 2, model.heads = 4, model.q_lora_rank = 128, model.kv_lora_rank = 128;
  model.index_heads = 4, model.index_topk = 64, model.experts = 4, model.moe_intermediate = model.dense_intermediate = 128, model.vocab = 256;
  const trace::Workload load;
  const engine::Weights weights(model, engine::shape_of(model, load), 3);
  auto tensors = engine::test::Publisher(model, weights).tensors();
  engine::test::write_checkpoint(model_folder, tensors, 2);
  std::ofstream(model_folder + "/config.json") << engine::test::config_json(model);
  const std::vector<std::string> record = {"record", "--model", model_folder, "--batch", "2", "--context", "100", "--steps", "3", "--warmup", "0", "--db", db, "--json"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), record.begin(), record.end());
    return decodescope(more);
  };
  const json run = one_line_of_json(decodescope(record));
  CHECK(run["model"] == "Small-FP8");
  const json shown = one_line_of_json(decodescope({"show", "1", "--db", db, "--json"}));
  CHECK(shown["spec"]["weights"] == std::filesystem::path(model_folder).lexically_normal().string());
  CHECK(shown["spec"]["model"]["synthetic"] == false);
  CHECK(with({"--weights", "synthetic"}).exit_code == 0);
  CHECK(with({"--layers", "1"}).exit_code == 0);
  CHECK(decodescope({"ab", "--toggle", "cat_skip", "--model", model_folder + "/config.json", "--batch", "2", "--context", "100", "--db", db}).exit_code == 0);
  check_refused(with({"--set", "linears=bf16"}), "found F8_E4M3");
  check_refused(with({"--set", "experts=8"}), "model.layers.1.mlp.gate.weight: expected");
  check_refused(with({"--weights", folder / "nowhere"}), "nowhere");
  check_refused(decodescope({"record", "--model", folder / "nowhere", "--db", db}), "no such file");
  tensors.erase("model.layers.1.self_attn.o_proj.weight");
  engine::test::write_checkpoint(model_folder, tensors, 2);
  check_refused(decodescope(record), "tensor model.layers.1.self_attn.o_proj.weight: missing, expected F8_E4M3 [256, 512]");
  std::ofstream(model_folder + "/config.json") << R"({"architectures": ["LlamaForCausalLM"]})";
  check_refused(decodescope(record), "known: GlmMoeDsaForCausalLM, DeepseekV32ForCausalLM");
}

TEST_CASE("a report that leaves the house tells no folders, unless asked to") {
  const tests::TempFolder folder;
  const std::string db = folder / "runs.db";
  REQUIRE(decodescope({"import", shared("traces/seed_layer_mi355x_single_rocm72.json"), "--note", "see /home/ann/secret/job.json", "--db", db}).exit_code == 0);
  const auto written = [&](const std::string& name, std::vector<std::string> more) {
    more.insert(more.begin(), {"export", "1", "--to", folder / name, "--db", db});
    const auto result = decodescope(more);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    CHECK((result.err.find("secret") != std::string::npos) == (more.back() != "--no-scrub"));   // what goes is shown
    std::ifstream in(folder / name);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  for (const char* name : {"r.html", "r.md"}) {
    const std::string scrubbed = written(name, {}), whole = written(name, {"--no-scrub"});
    CHECK(scrubbed.find("secret") == std::string::npos);
    CHECK(scrubbed.find("job.json") != std::string::npos);
    CHECK(whole.find("/home/ann/secret/job.json") != std::string::npos);
  }
}
