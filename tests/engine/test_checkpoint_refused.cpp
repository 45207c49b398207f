// Checkpoints that are no such, or are damaged: what is missing or misshapen is refused by name.
#include <functional>

#include "engine/capture.h"
#include "engine/checkpoint.h"
#include "kernels/verify.h"
#include "checkpoint_models.h"
#include "published.h"
#include "small_model.h"
#include "tests/support/temp_folder.h"

using namespace engine;
using namespace engine::test;
using kernels::E4m3;

TEST_CASE("a tensor that is missing, misshapen, of another type or cut off is refused by name") {
  trace::RunSpec spec = spec_of(published_model("tiny"));
  const auto memory = generated(spec);
  const FileTensors good = Publisher(spec.model, *memory).tensors();
  const auto refusal = [&](const std::function<void(FileTensors&)>& change, int shards = 0,
                           const std::function<void(const std::string&)>& damage = {}) {
    tests::TempFolder folder;
    FileTensors tensors = good;
    change(tensors);
    write_checkpoint(folder.path(), tensors, shards);
    if (damage) damage(folder.path());
    trace::RunSpec bad = spec;
    bad.weights = folder.path();
    const auto setup = prepare(bad);
    REQUIRE_FALSE(setup.ok());
    CHECK(setup.error().where.starts_with(folder.path()));
    return setup.error().what;
  };
  const auto has = [](const std::string& text, std::string_view word) {
    INFO(text << " has " << word);
    CHECK(text.find(word) != std::string::npos);
  };
  const auto nothing = [](FileTensors&) {};
  const std::string q_b = "model.layers.1.self_attn.q_b_proj.weight";
  std::string text = refusal([&](FileTensors& t) { t.erase(q_b); });
  has(text, "tensor " + q_b + ": missing");
  has(text, "expected F8_E4M3 [512, 128]");
  has(refusal([&](FileTensors& t) { t.erase(q_b + "_scale_inv"); }),
      "tensor " + q_b + "_scale_inv: missing, expected F32 [4, 1]");
  has(refusal([&](FileTensors& t) {
        t[q_b].shape = {128, 512};
      }),
      "tensor " + q_b + ": expected F8_E4M3 [512, 128], found F8_E4M3 [128, 512]");
  text = refusal(
      [&](FileTensors& t) { t[q_b].dtype = "BF16", t[q_b].bytes.resize(2 * t[q_b].bytes.size()); });
  has(text, "expected F8_E4M3 [512, 128], found BF16 [512, 128]");
  has(text, "--set linears=bf16");
  has(refusal([&](FileTensors& t) { t[q_b].dtype = "F8_E5M2"; }), "found F8_E5M2 [512, 128]");
  has(refusal([&](FileTensors& t) { t[q_b].bytes.pop_back(); }), "does not take the 65535 bytes");
  has(refusal([&](FileTensors& t) {
        t["model.norm.weight"].shape = {16, 16};
      }),
      "tensor model.norm.weight: expected BF16 or F32 or F16 [256], found BF16 [16, 16]");
  has(refusal([&](FileTensors& t) { t.erase("model.layers.0.self_attn.indexer.wk.weight"); }),
      "model.layers.0.self_attn.indexer.wk.weight: missing");
  has(refusal([&](FileTensors& t) { t.erase("model.layers.1.mlp.experts.3.up_proj.weight"); }),
      "model.layers.1.mlp.experts.3.up_proj.weight: missing, expected F8_E4M3 [256, 256]");
  has(refusal([&](FileTensors& t) { t.erase("model.layers.1.self_attn.kv_b_proj.weight"); }),
      "kv_b_proj.weight: missing, expected F8_E4M3 or BF16");
  const auto cut = [](const std::string& name, int64_t by) {
    return [=](const std::string& folder) {
      const std::string file = folder + "/" + name;
      const auto size = static_cast<int64_t>(std::filesystem::file_size(file));
      std::filesystem::resize_file(file, static_cast<uintmax_t>(by < 0 ? -by : size - by));
    };
  };
  text = refusal(nothing, 0, cut("model.safetensors", 1));
  has(text, "is cut off: the file has ");
  has(text, "tensor model.norm.weight");
  has(refusal(nothing, 0, cut("model.safetensors", -5)), "ends before its header");
  has(refusal(nothing, 0, cut("model.safetensors", -100)), "ends within its header");
  has(refusal(nothing, 2,
              [](const std::string& f) { std::filesystem::remove(f + "/model-1.safetensors"); }),
      "the file is missing, empty or cannot be read, expected");
  has(refusal(nothing, 2,
              [](const std::string& f) {
                std::ofstream(f + "/model-1.safetensors") << "no header here";
              }),
      "its header would be too long");
  has(refusal(
          nothing, 2,
          [](const std::string& f) { std::ofstream(f + "/model.safetensors.index.json") << "{}"; }),
      "weight_map");
  has(refusal(nothing, 2,
              [](const std::string& f) {
                std::ofstream(f + "/model.safetensors.index.json")
                    << R"({"weight_map": {"a": "../b"}})";
              }),
      "no file beside itself");
  has(refusal(nothing, 2,
              [](const std::string& f) {
                std::filesystem::remove(f + "/model.safetensors.index.json");
              }),
      "several safetensors files");
}

TEST_CASE("a rank that is none, or whose slice cuts a block of scales, is refused") {
  trace::RunSpec spec = spec_of(published_model("tiny"), 2);
  spec.set["rank"] = "1";
  CHECK(prepare(spec).error().where == "--set rank=1");  // synthetic
  trace::RunSpec whole = spec_of(published_model("tiny"));
  whole.model.qk_rope_head_dim = 16;  // 4 heads of 48 rows a rank
  const auto memory = generated(whole);
  tests::TempFolder folder;
  write_checkpoint(folder.path(), Publisher(whole.model, *memory).tensors(), 0);
  spec.model = whole.model, spec.weights = folder.path();
  CHECK(prepare(spec).error().what.find("begins inside a 128x128 block") != std::string::npos);
  spec.set["rank"] = "2";
  CHECK(prepare(spec).error().where == "--set rank=2");
  spec.set["rank"] = "0";
  CHECK(prepare(spec).ok());
  spec.weights = folder / "nowhere";
  CHECK(prepare(spec).error().what == "no such file or folder");
}

TEST_CASE("a file with any byte of its header changed opens or is refused, never more") {
  tests::TempFolder folder;
  FileTensors tensors;
  for (const char* name : {"a.weight", "b.weight", "c"}) {
    const std::vector<uint16_t> values(24, 0x3f80);
    tensors[name] = file_tensor("BF16", {4, 6}, values.data(), 24);
  }
  const std::string file = folder / "model.safetensors";
  write_safetensors(file, tensors);
  std::ifstream in(file, std::ios::binary);
  const std::string good((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  kernels::Random random(Catch::getSeed());
  INFO("seed " << Catch::getSeed());
  int opened = 0, read = 0;
  for (int i = 0; i < 1000; ++i) {
    std::string bad = good;
    const auto header = static_cast<int64_t>(bad.size()) - 144;
    for (int64_t n = random.pick({1, 2, 3}); n > 0; --n) {
      const int64_t at = random.chance(0.1) ? random.below(8) : random.below(header);
      bad[static_cast<size_t>(at)] = "0123456789-{}[],:\"e\xff"[random.below(20)];
    }
    if (random.chance(0.1))
      bad.resize(static_cast<size_t>(random.below(static_cast<int64_t>(bad.size()))));
    std::ofstream(file, std::ios::binary) << bad;
    auto files = TensorFiles::open(file);
    if (!files) {
      CHECK_FALSE(files.error().what.empty());
      continue;
    }
    ++opened;
    for (const auto& [name, tensor] : tensors) {
      const auto found = (*files)->find(name);
      if (!found) continue;
      int64_t sum = 0;
      for (int64_t b = 0; b < (*found)->bytes; ++b) sum += (*found)->data[b];
      read += sum >= 0;
    }
  }
  CHECK(opened > 10);
  CHECK(read > 10);
}
