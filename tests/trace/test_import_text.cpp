// The parts of the JSON importer that work on text: times, places to cut, repairs.
#include <catch2/catch_test_macros.hpp>
#include <random>

#include "trace/decimal_time.h"
#include "trace/json_text.h"

using trace::kNowhere;
using trace::microseconds_to_ns;

TEST_CASE("import: decimal times are exact") {
  CHECK(microseconds_to_ns("4203669603771.648") == 4203669603771648);
  CHECK(microseconds_to_ns("1661203463029566") == 1661203463029566000);
  CHECK(microseconds_to_ns("\"213757592882\"") == 213757592882000);
  CHECK(microseconds_to_ns("  5.5 \n") == 5500);
  CHECK(microseconds_to_ns("0") == 0);
  CHECK(microseconds_to_ns("-0.112") == -112);
  CHECK(microseconds_to_ns("0.001") == 1);
  CHECK(microseconds_to_ns("1.5e3") == 1500000);
  CHECK(microseconds_to_ns("1.5E+3") == 1500000);
  CHECK(microseconds_to_ns("1500e-3") == 1500);
  CHECK(microseconds_to_ns("4.203669603771648e12") == 4203669603771648);
  CHECK(microseconds_to_ns("4203669603771.64800000000000000001") == 4203669603771648);
  CHECK(microseconds_to_ns("0.0004") == 0);
  CHECK(microseconds_to_ns("0.0005") == 1);
  CHECK(microseconds_to_ns("-0.0005") == -1);
  CHECK(microseconds_to_ns("0.00049999999999999999999999999999999") == 0);
  CHECK(microseconds_to_ns("1e-30") == 0);
  CHECK(microseconds_to_ns("0e999999") == 0);
  CHECK(microseconds_to_ns("4611686018427387.904") == trace::kMaxTimeNs);
}

TEST_CASE("import: what is no time is none") {
  for (const char* text : {"",
                           "\"\"",
                           "NaN",
                           "-",
                           "--1",
                           "+1",
                           "1.2.3",
                           "1e",
                           "1e5x",
                           "Infinity",
                           "null",
                           "true",
                           "0x10",
                           "1 2",
                           ".",
                           "1,5",
                           "4611686018427387.905",
                           "1e300",
                           "99999999999999999999999",
                           "1e99999999999"}) {
    INFO(text);
    CHECK_FALSE(microseconds_to_ns(text).has_value());
  }
}

TEST_CASE("import: decimal times go back and forth") {
  const uint32_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20000; ++i) {
    const auto ns = static_cast<int64_t>(random() >> (2 + random() % 60));
    char text[64];
    std::snprintf(text, sizeof text, "%lld.%03lld", static_cast<long long>(ns / 1000),
                  static_cast<long long>(ns % 1000));
    INFO(text);
    CHECK(microseconds_to_ns(text) == ns);
  }
}

TEST_CASE("import: integers") {
  CHECK(trace::parse_integer("7") == 7);
  CHECK(trace::parse_integer("\"-7\"") == -7);
  CHECK(trace::parse_integer("10159970886766084423") ==
        static_cast<int64_t>(10159970886766084423u));
  CHECK_FALSE(trace::parse_integer("7.0").has_value());
  CHECK_FALSE(trace::parse_integer("99999999999999999999").has_value());
  CHECK_FALSE(trace::parse_integer("").has_value());
}

TEST_CASE("import: the end of a JSON value, in one piece or byte by byte") {
  struct Row {
    const char* text;
    size_t end;
  };
  for (const Row& row : {Row{"{\"a\": [1, {}]}, 5", 14},
                         {"  \"a\\\"}b\" ,", 9},
                         {"12.5, ", 4},
                         {"true}", 4},
                         {"[\"]\", \"\\\\\"] ", 11},
                         {"[1, 2", kNowhere}}) {
    INFO(row.text);
    const std::string_view text = row.text;
    CHECK(trace::ValueEnd().find(text) == row.end);
    trace::ValueEnd pieces;
    size_t end = kNowhere;
    for (size_t i = 0; i < text.size() && end == kNowhere; ++i)
      if (const size_t at = pieces.find(text.substr(i, 1)); at != kNowhere) end = i + at;
    CHECK(end == row.end);
  }
}

TEST_CASE("import: places to cut are between records") {
  const std::string_view text =
      "{\"ph\":1,\"args\":{\"x\":[{\"q\":1},{\"r\":2}]}} ,\n {\"name\":2}, {\"z\":3},{\"ph\":4}";
  CHECK(trace::first_boundary(text, 0) == text.find("{\"name\""));
  CHECK(trace::first_boundary(text, text.find("{\"name\"") + 1) == text.rfind('{'));
  CHECK(trace::last_boundary(text) == text.rfind('{'));
  CHECK(trace::last_boundary("{\"ph\":1}") == kNowhere);
  CHECK(trace::last_boundary("") == kNowhere);
}

TEST_CASE("import: sanitize leaves UTF-8 alone and makes the rest harmless") {
  std::string good = "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80";
  const std::string before = good;
  CHECK(trace::sanitize(good.data(), good.size()) == 0);
  CHECK(good == before);
  std::string bad = "a\xff\xc3(\xed\xa0\x80\xf8\x01\n\xe2\x82";
  CHECK(trace::sanitize(bad.data(), bad.size()) == 8);
  CHECK(bad == "a?\?(????  ??");
}

TEST_CASE("import: stray quotes are escaped, whole text is left alone") {
  const std::string whole =
      R"({"ph": "X", "name": "a \"b\" c", "args": {"l": ["x", "y"], "s": ""}})";
  CHECK(trace::escape_stray_quotes(whole) == whole);
  CHECK(trace::escape_stray_quotes(R"({"name": "op "quoted" text", "pid": 1})") ==
        R"({"name": "op \"quoted\" text", "pid": 1})");
  CHECK(trace::escape_stray_quotes(R"({"name": "odd "one", "pid": 1})") ==
        R"({"name": "odd \"one", "pid": 1})");
}

TEST_CASE("a value ends at the same place whether it comes at once or byte by byte") {
  std::mt19937 random(7);
  constexpr std::string_view kOften = "\"\\{}[],: ab|;\x5c\x7c\xdb\xfd";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = round % 3 == 0 ? "{" : round % 3 == 1 ? "[[{\"" : "";
    const size_t length = random() % 200;
    // Few and many of the characters that count.
    while (text.size() < length) text += random() % 5 < static_cast<unsigned>(round % 5) ? 'x' : kOften[random() % kOften.size()];
    size_t slow = trace::kNowhere;
    trace::ValueEnd bytes, pieces;
    for (size_t i = 0; i < text.size() && slow == trace::kNowhere; ++i)
      if (const size_t end = bytes.find(std::string_view(text).substr(i, 1)); end != trace::kNowhere) slow = i + end;
    INFO(text);
    CHECK(trace::ValueEnd().find(text) == slow);
    const size_t cut = random() % (text.size() + 1);
    size_t end = pieces.find(std::string_view(text).substr(0, cut));
    if (end == trace::kNowhere) end = pieces.find(std::string_view(text).substr(cut)), end += end == trace::kNowhere ? 0 : cut;
    CHECK(end == slow);
  }
}
