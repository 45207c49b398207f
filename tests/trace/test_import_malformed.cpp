// Files that are cut, damaged or written wrongly: nothing whole is lost, nothing crashes,
// everything is counted.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <random>

#include "tests/support/packed.h"
#include "tests/support/temp_folder.h"
#include "trace/formats.h"
#include "trace/generate_kineto.h"

using Catch::Matchers::ContainsSubstring;

namespace {

trace::Result<trace::Imported> import_text(std::string_view text) {
  static const tests::TempFolder folder;
  return trace::import_file(tests::write_file(folder / "x.json", text));
}

std::string generated(int64_t events, uint64_t seed) {
  std::string text;
  trace::generate_kineto({events, seed}, [&](std::string_view part) { text += part; });
  return text;
}

void check_counts(const trace::ImportReport& report) {
  int64_t skipped = 0;
  for (const auto& [reason, count] : report.skipped) {
    CHECK(count > 0);
    skipped += count;
  }
  CHECK(report.read == report.used + skipped);
}

std::string kernel(const std::string& name, int at) {
  return "{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"" + name +
         "\", \"pid\": 0, \"tid\": 7, \"ts\": " + std::to_string(at) +
         ", \"dur\": 1, \"args\": {\"device\": 0, \"stream\": 7}}";
}

trace::Imported import_records(const std::string& records) {
  auto imported = import_text("{\"schemaVersion\": 1, \"traceEvents\": [\n" + records +
                              "\n], \"traceName\": \"x\"}");
  REQUIRE(imported.ok());
  check_counts(imported->report);
  return std::move(*imported);
}

std::vector<std::string> names(const trace::Imported& i) {
  std::vector<std::string> out;
  for (const auto& e : i.trace->events) out.emplace_back(i.trace->name_of(e));
  return out;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("import: cut at any place, the records before the cut are kept") {
  const std::string text = generated(60, 5);
  const size_t records = text.find("[", text.find("traceEvents"));
  const size_t close = text.rfind("\n  ],");
  for (size_t cut = 97; cut < text.size(); cut += 97) {
    INFO("cut at " << cut << " of " << text.size());
    const auto imported = import_text(text.substr(0, cut));
    if (cut <= records) {
      CHECK_FALSE(imported.ok());
      continue;
    }
    REQUIRE(imported.ok());
    check_counts(imported->report);
    // A record is whole when its closing line, which nothing else in the file looks like, is there.
    int64_t whole = 0;
    for (size_t at = text.find("\n  }", records);
         at != std::string::npos && at + 4 <= cut && at < close; at = text.find("\n  }", at + 1))
      ++whole;
    CHECK(imported->report.read == whole);
    CHECK_FALSE(imported->report.skipped.contains("malformed JSON"));
    for (const auto& w : imported->report.warnings) UNSCOPED_INFO(w);
    REQUIRE(imported->report.warnings.size() == 1);
    CHECK_THAT(imported->report.warnings[0], ContainsSubstring("byte " + std::to_string(cut)));
  }
}

TEST_CASE("import: damaged bytes neither crash nor hang, and cost few records") {
  const uint32_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::string whole = generated(400, 9);
  for (int round = 0; round < 150; ++round) {
    std::string text = whole;
    const int changes = 1 + static_cast<int>(random() % 8);
    for (int i = 0; i < changes; ++i) {
      const size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text[at] = "\"{}[],:\\"[random() % 8];
          break;
        case 2:
          text.erase(at, 1 + random() % 5);
          break;
        default:
          text.insert(at, 1, static_cast<char>(random()));
          break;
      }
    }
    INFO("round " << round);
    const auto imported = import_text(text);
    if (!imported.ok()) continue;  // the head of the file was hit
    check_counts(imported->report);
    for (const auto& e : imported->trace->events) CHECK(e.end_ns >= e.start_ns);
  }
}

TEST_CASE("import: one damaged byte costs one record at most") {
  const uint32_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::string whole = generated(300, 21);
  const size_t records = whole.find("[", whole.find("traceEvents")) + 10,
               end = whole.rfind("\n  }\n  ]") - 100;
  const auto expected = import_text(whole);
  for (int round = 0; round < 200; ++round) {
    std::string text = whole;
    const size_t at = records + random() % (end - records);
    text[at] = "\"{}[],:\\x\x01\xff"[random() % 11];
    INFO("round " << round << ": " << text.substr(at - 60, 120));
    const auto imported = import_text(text);
    REQUIRE(imported.ok());
    check_counts(imported->report);
    CHECK(imported->report.read >= expected->report.read - 2);
    CHECK(imported->report.used >= expected->report.used - 2);
    CHECK(imported->report.used <= expected->report.used + 1);
  }
}

TEST_CASE("import: unescaped quotes in names, as old Kineto writes them") {
  const auto even = import_records(kernel("a", 1) + ",\n" + kernel("op \"quoted\" text", 2) +
                                   ",\n" + kernel("c", 3));
  CHECK(names(even) == Names{"a", "op \"quoted\" text", "c"});
  CHECK(even.report.warnings == Names{"escaped stray quotes in 1 records"});
  const auto odd = import_records(kernel("a", 1) + ",\n" + kernel("5\" pipe", 2) + ",\n" +
                                  kernel("c", 3) + ",\n" + kernel("d", 4));
  CHECK(names(odd) == Names{"a", "5\" pipe", "c", "d"});
  const auto last = import_records(kernel("a", 1) + ",\n" + kernel("5\" pipe", 2));
  CHECK(names(last) == Names{"a", "5\" pipe"});
  std::string many = kernel("a", 1);
  for (int i = 2; i < 400; ++i) many += ",\n" + kernel(i % 7 ? "k" : "k\"" + std::to_string(i), i);
  CHECK(import_records(many).trace->events.size() == 399);
}

TEST_CASE("import: bytes that JSON forbids in names") {
  const auto i = import_records(kernel("a\xff"
                                       "b",
                                       1) +
                                ",\n" + kernel("line\nbreak\ttab", 2) + ",\n" +
                                kernel("caf\xc3\xa9", 3) + ",\n" + kernel("bad \\x escape", 4));
  CHECK(names(i) == Names{"a?b", "line break tab", "caf\xc3\xa9", "bad \\x escape"});
  CHECK(i.report.warnings == Names{"replaced 1 bytes that are no UTF-8"});
}

TEST_CASE("import: what cannot be repaired is counted, its neighbours are kept") {
  for (const char* broken : {"{\"ph\": \"X\" \"cat\": \"kernel\"}",
                             "{\"ph\": \"X\", \"cat\" \"kernel\", \"name\": \"b\"}", "{\"ph\"",
                             "{]", "{\"a\": {\"b\": 1}"}) {
    INFO(broken);
    const auto i = import_records(kernel("a", 1) + ",\n" + broken + ",\n" + kernel("c", 3) + ",\n" +
                                  kernel("d", 4));
    const auto got = names(i);
    CHECK(std::ranges::count(got, "a") + std::ranges::count(got, "c") +
              std::ranges::count(got, "d") >=
          2);
    CHECK(std::ranges::count(got, "d") == 1);
  }
  CHECK(names(import_records(kernel("a", 1) + "\n" + kernel("b", 2) + ",\n" + kernel("c", 3)))
            .size() >= 2);  // a missing comma
}

TEST_CASE("import: records longer than a window, and nested ones that look like records") {
  std::string list = "{\"ph\": \"X\", \"list\": [";
  for (int i = 0; i < 60'000; ++i)
    list += std::string(i ? "," : "") + "{\"name\": \"inner\", \"ph\": \"X\"}";
  list += "], \"cat\": \"cpu_op\"}";
  const std::string deep = std::string(3000, '[') + std::string(3000, ']');
  const auto i = import_records(
      kernel("a", 1) + ",\n" + list + ",\n" + kernel("b", 2) + ",\n" + list +
      ",\n{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"" + std::string(3 << 20, 'n') +
      "\", \"pid\": 0, \"tid\": 7, \"ts\": 3, \"dur\": 1, \"args\": {\"deep\": " + deep + "}},\n" +
      kernel("c", 4));
  REQUIRE(i.trace->events.size() == 4);
  CHECK(i.report.skipped == std::map<std::string, int64_t>{{"cpu_op", 2}});
  CHECK(i.trace->strings[i.trace->events[2].name].size() == 3 << 20);
}

TEST_CASE("import: a string without end stops at what was whole") {
  const auto imported = import_text("{\"traceEvents\": [" + kernel("a", 1) +
                                    ", {\"ph\": \"X\", \"name\": \"" + std::string(4 << 20, 'x'));
  REQUIRE(imported.ok());
  CHECK(imported->trace->events.size() == 1);
  REQUIRE(imported->report.warnings.size() == 1);
  CHECK_THAT(imported->report.warnings[0], ContainsSubstring("ends early"));
}
