#include "trace/json_fields.h"

#include <simdjson.h>

namespace trace {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Value of each character of kAlphabet, -1 for every other.
constexpr std::array<int8_t, 256> kSextets = [] {
  std::array<int8_t, 256> table{};
  table.fill(-1);
  for (size_t i = 0; i < kAlphabet.size(); ++i)
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
  return table;
}();

bool is_utf8(const std::string& text) { return simdjson::validate_utf8(text.data(), text.size()); }

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t have = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k) out += k <= have ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    const size_t have = i + 4 == text.size() ? 4 - padding : 4;
    uint32_t group = 0;
    for (size_t k = 0; k < 4; ++k) {
      const int sextet = k < have ? kSextets[static_cast<unsigned char>(text[i + k])] : 0;
      if (sextet < 0) return std::nullopt;
      group = group << 6 | static_cast<uint32_t>(sextet);
    }
    // Bits beyond the last whole byte must be zero, or two texts would stand for the same bytes.
    if ((have == 2 && (group & 0xffff)) || (have == 3 && (group & 0xff))) return std::nullopt;
    for (size_t k = 0; k + 1 < have; ++k) out += static_cast<char>(group >> (16 - 8 * k) & 255);
  }
  return out;
}

nlohmann::json json_text(const std::string& text) {
  if (is_utf8(text)) return text;
  return {{"base64", base64_encode(text)}};
}

nlohmann::json json_double(double value) {
  if (std::isnan(value)) return nullptr;
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  return value;
}

nlohmann::json json_toggles(const ToggleSet& toggles) {
  nlohmann::json out = nlohmann::json::object();
  for (const ToggleInfo& row : toggle_table()) out[std::string(row.name)] = std::string(toggles.value(row.key));
  return out;
}

std::string_view json_type_name(const nlohmann::json& value) {
  switch (value.type()) {
    case nlohmann::json::value_t::null: return "null";
    case nlohmann::json::value_t::object: return "an object";
    case nlohmann::json::value_t::array: return "an array";
    case nlohmann::json::value_t::string: return "a string";
    case nlohmann::json::value_t::boolean: return "true or false";
    case nlohmann::json::value_t::number_float: return "a fraction";
    default: return "a number";
  }
}

void JsonReader::expected(const nlohmann::json& in, const std::string& path, const char* what) {
  fail(path, std::string("expected ") + what + ", found " + std::string(json_type_name(in)));
}

void JsonReader::read_text(const nlohmann::json& in, const std::string& path, std::string& value) {
  if (in.is_string()) {
    value = in.get_ref<const std::string&>();
    return;
  }
  if (!in.is_object() || !in.contains("base64") || !in["base64"].is_string()) return expected(in, path, "a string");
  auto bytes = base64_decode(in["base64"].get_ref<const std::string&>());
  if (!bytes) return fail(path, "not base64");
  value = std::move(*bytes);
}

void JsonReader::read_double(const nlohmann::json& in, const std::string& path, double& value) {
  if (in.is_number()) {
    value = in.get<double>();
  } else if (in.is_null()) {
    value = std::numeric_limits<double>::quiet_NaN();
  } else if (in == "inf" || in == "-inf") {
    value = in == "inf" ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
  } else {
    expected(in, path, "a number");
  }
}

void JsonReader::read_toggles(const nlohmann::json& in, const std::string& path, ToggleSet& value) {
  if (!in.is_object()) return expected(in, path, "an object");
  for (const ToggleInfo& row : toggle_table()) {
    const auto found = in.find(std::string(row.name));
    if (found == in.end()) continue;
    const std::string name = path + "." + std::string(row.name);
    if (!found->is_string()) return expected(*found, name, "a string");
    const Status set = value.set(row.key, found->get_ref<const std::string&>());
    if (!set) return fail(name, set.error().line());
  }
}

void JsonReader::read_toggle_key(const nlohmann::json& in, const std::string& path, ToggleKey& value) {
  if (!in.is_string()) return expected(in, path, "a string");
  const auto key = toggle_key(in.get_ref<const std::string&>());
  if (!key) return fail(path, key.error().line());
  value = *key;
}

void JsonReader::read_key(const nlohmann::json& in, const std::string& path, const std::string_view* keys,
                          size_t count, size_t& value) {
  if (!in.is_string()) return expected(in, path, "a string");
  const auto& text = in.get_ref<const std::string&>();
  std::string known;
  for (size_t i = 0; i < count; ++i) {
    if (keys[i] == text) {
      value = i;
      return;
    }
    known += (i ? ", " : "") + std::string(keys[i]);
  }
  fail(path, "\"" + text + "\" is none of " + known);
}

}  // namespace trace
