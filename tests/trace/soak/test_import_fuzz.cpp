// Damage of every kind to real and generated files, for as long as a soak may take: no crash, no
// hang, all counted.
#include <catch2/catch_test_macros.hpp>

#include <filesystem>
#include <random>

#include "tests/support/packed.h"
#include "tests/support/temp_folder.h"
#include "trace/byte_source.h"
#include "trace/formats.h"
#include "trace/generate_kineto.h"
#include "trace/trace_check.h"

namespace {

std::string text_of(const std::string& path) {
  const auto source = trace::ByteSource::open(path);
  std::string text(4 << 20, '\0');
  text.resize((*source)->read(text));
  return text;
}

void damage(std::string& text, std::mt19937_64& random) {
  for (uint64_t i = 1 + random() % 12; i > 0 && !text.empty(); --i) {
    const size_t at = random() % text.size(),
                 length = random() % std::min<size_t>(text.size() - at, 400);
    switch (random() % 6) {
      case 0:
        text[at] = static_cast<char>(random());
        break;
      case 1:
        text[at] = "\"{}[],:\\"[random() % 8];
        break;
      case 2:
        text.erase(at, length);
        break;
      case 3:
        text.insert(at, text.substr(random() % text.size(), length));
        break;
      case 4:
        text.resize(at);
        break;
      default:
        text.insert(at, length, "[{\"\\ "[random() % 5]);
        break;
    }
  }
}

}  // namespace

TEST_CASE("import: damage without end") {
  const uint32_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const tests::TempFolder folder;
  std::vector<std::string> texts(1);
  trace::generate_kineto({.events = 3000, .seed = seed},
                         [&](std::string_view part) { texts[0] += part; });
  const std::filesystem::path shared = std::filesystem::path(DS_SHARED_DIR) / "traces";
  if (std::filesystem::exists(shared))
    for (const char* name :
         {"seed_layer_b200_dual_cuda_graph.json", "kineto_mi300x_sglang_qwen3-8b_decode.json.gz",
          "torch_h200_graph_2stream.json.gz"})
      texts.push_back(text_of(shared / name));
  for (int round = 0; round < 6000; ++round) {
    std::string text = texts[random() % texts.size()];
    damage(text, random);
    std::string bytes = random() % 4 ? text : tests::gzipped(text);
    if (random() % 8 == 0) damage(bytes, random);
    INFO("round " << round);
    const auto imported = trace::import_file(tests::write_file(folder / "x", bytes));
    if (!imported.ok()) {
      CHECK_FALSE(imported.error().what.empty());
      continue;
    }
    int64_t skipped = 0;
    for (const auto& [reason, count] : imported->report.skipped) skipped += count;
    CHECK(imported->report.read == imported->report.used + skipped);
    const auto sound = trace::check_trace(*imported->trace);
    CHECK(sound.ok());
  }
}
