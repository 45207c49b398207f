// CSV rows against a reader that goes character by character.
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <random>
#include <string>

#include "trace/csv_reader.h"

namespace {

class Text : public trace::ByteSource {
 public:
  explicit Text(std::string text) : m_text(std::move(text)) {}
  size_t read(std::span<char> into) override {
    const size_t count = std::min(into.size(), m_text.size() - m_at);
    std::memcpy(into.data(), m_text.data() + m_at, count);
    m_at += count;
    return count;
  }

 private:
  std::string m_text;
  size_t m_at = 0;
};

using Rows = std::vector<std::vector<std::string>>;

Rows slowly(const std::string& text) {
  Rows rows;
  std::vector<std::string> row(1);
  bool quoted = false;
  const auto end_row = [&] {
    if (row.size() > 1 || !row[0].empty()) rows.push_back(row);
    row.assign(1, {});
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') row.back() += c;
      else if (i + 1 < text.size() && text[i + 1] == '"') row.back() += text[++i];
      else quoted = false;
    } else if (c == '"' && row.back().empty() && (i == 0 || text[i - 1] == ',' || text[i - 1] == '\n')) {
      quoted = true;
    } else if (c == ',') {
      row.emplace_back();
    } else if (c == '\n') {
      end_row();
    } else if (c != '\r') {
      row.back() += c;
    }
  }
  end_row();
  return rows;
}

Rows quickly(const std::string& text) {
  Text source(text);
  trace::CsvReader reader(source, int64_t{1} << 30);
  reader.begin(",");
  Rows rows;
  std::vector<std::string_view> row;
  while (reader.next(row)) rows.emplace_back(row.begin(), row.end());
  return rows;
}

}  // namespace

TEST_CASE("CSV: every text gives the rows that reading it character by character gives") {
  std::mt19937 random(3);
  constexpr std::string_view kLetters = "\",\n\rab\"\",,";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (size_t i = random() % 40; i > 0; --i) text += kLetters[random() % kLetters.size()];
    INFO(text);
    CHECK(quickly(text) == slowly(text));
  }
  // Across the end of what is read at once.
  for (int round = 0; round < 50; ++round) {
    std::string text = "x,\"" + std::string((256 << 10) - 20 + random() % 10, 'k') + "\"\n";
    for (size_t i = 40; i > 0; --i) text += kLetters[random() % kLetters.size()];
    CHECK(quickly(text) == slowly(text));
  }
}
