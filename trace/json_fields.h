// Reading and writing structs as JSON objects from one list of fields a struct. Internal to the *_json.cpp files.
//
//   template <class V, Is<Workload> S> void fields(V& v, S& s) { v("batch", s.batch); ... }
//
// JsonWriter walks such a list into a json object; JsonReader walks the same list out of one: unknown members are
// ignored, missing ones leave the field as it was, a wrong type or a number out of range is an error that names
// the field ("workload.batch: expected a whole number, found a string"). Only the first error is kept.
//
// A type with a form of its own has json_value() and read_json_value() beside it (messages_json.cpp).
//
// What JSON cannot hold is written so that it comes back exactly: NaN as null, infinities as "inf" and "-inf", text
// that is no UTF-8 as {"base64": "..."}. Numbers are 64-bit integers or doubles in shortest round-trip form.
// Thread rule: none; a writer or reader is a local variable.
#pragma once
#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "trace/result.h"
#include "trace/toggles.h"

namespace trace {

template <class T, class S>
concept Is = std::same_as<std::remove_const_t<T>, S>;

// The keys of an enumeration in files, by value: they are the format and never change with the words on screen.
// Specialised in json_enums.h.
template <class E>
struct EnumKeys;

std::string base64_encode(std::string_view bytes);
// nullopt unless it is canonical base64 with padding.
std::optional<std::string> base64_decode(std::string_view text);

nlohmann::json json_text(const std::string&);
std::string_view json_type_name(const nlohmann::json&);   // "a string", "an object" ...

class JsonWriter {
 public:
  template <class T>
  void operator()(const char* key, const T& value) { m_out[key] = of(value); }

  template <class T>
  static nlohmann::json of(const T& value);

  nlohmann::json take() { return std::move(m_out); }

 private:
  // An object; as an array of pairs if a key is no UTF-8, which no member name can be.
  template <class T>
  static nlohmann::json of_map(const std::map<std::string, T>& map);

  nlohmann::json m_out = nlohmann::json::object();
};

class JsonReader {
 public:
  explicit JsonReader(const nlohmann::json& in, std::string path = {}) : m_in(&in), m_path(std::move(path)) {}

  template <class T>
  void operator()(const char* key, T& value) {
    if (m_error) return;
    const auto found = m_in->find(key);
    if (found != m_in->end()) read(*found, m_path.empty() ? key : m_path + "." + key, value);
  }

  // Reads one value of any type that fields() or the overloads below know.
  template <class T>
  void read(const nlohmann::json& in, const std::string& path, T& value);

  const std::optional<std::string>& error() const { return m_error; }
  void fail(const std::string& path, const std::string& why) {
    if (!m_error) m_error = path.empty() ? why : path + ": " + why;
  }

 private:
  void expected(const nlohmann::json& in, const std::string& path, const char* what);
  void read_text(const nlohmann::json& in, const std::string& path, std::string& value);
  void read_double(const nlohmann::json& in, const std::string& path, double& value);
  void read_toggles(const nlohmann::json& in, const std::string& path, ToggleSet& value);
  void read_toggle_key(const nlohmann::json& in, const std::string& path, ToggleKey& value);
  void read_key(const nlohmann::json& in, const std::string& path, const std::string_view* keys, size_t count,
                size_t& value);
  template <class T>
  void read_integer(const nlohmann::json& in, const std::string& path, T& value);
  template <class T>
  void read_map(const nlohmann::json& in, const std::string& path, std::map<std::string, T>& map);

  const nlohmann::json* m_in;
  std::string m_path;
  std::optional<std::string> m_error;
};

namespace json_detail {
template <class T> inline constexpr bool is_vector = false;
template <class T> inline constexpr bool is_vector<std::vector<T>> = true;
template <class T> inline constexpr bool is_array = false;
template <class T, size_t N> inline constexpr bool is_array<std::array<T, N>> = true;
template <class T> inline constexpr bool is_optional = false;
template <class T> inline constexpr bool is_optional<std::optional<T>> = true;
template <class T> inline constexpr bool is_map = false;
template <class T> inline constexpr bool is_map<std::map<std::string, T>> = true;
}  // namespace json_detail

nlohmann::json json_double(double);
nlohmann::json json_toggles(const ToggleSet&);

template <class T>
nlohmann::json JsonWriter::of(const T& value) {
  using namespace json_detail;
  static_assert(!std::same_as<T, char>, "write a character as text");
  if constexpr (std::integral<T>) {
    return value;
  } else if constexpr (std::same_as<T, double>) {
    return json_double(value);
  } else if constexpr (std::same_as<T, std::string>) {
    return json_text(value);
  } else if constexpr (std::same_as<T, ToggleSet>) {
    return json_toggles(value);
  } else if constexpr (std::same_as<T, ToggleKey>) {
    return std::string(info(value).name);
  } else if constexpr (std::is_enum_v<T>) {
    return std::string(EnumKeys<T>::keys.at(static_cast<size_t>(value)));
  } else if constexpr (is_optional<T>) {
    return value ? of(*value) : nlohmann::json(nullptr);
  } else if constexpr (is_vector<T> || is_array<T>) {
    nlohmann::json out = nlohmann::json::array();
    for (const auto& item : value) out.push_back(of(item));
    return out;
  } else if constexpr (is_map<T>) {
    return of_map(value);
  } else if constexpr (requires { json_value(value); }) {
    return json_value(value);
  } else {
    JsonWriter writer;
    fields(writer, value);
    return writer.take();
  }
}

template <class T>
nlohmann::json JsonWriter::of_map(const std::map<std::string, T>& map) {
  nlohmann::json members = nlohmann::json::object(), pairs = nlohmann::json::array();
  for (const auto& [key, item] : map) {
    const nlohmann::json name = json_text(key);
    if (name.is_string()) members[key] = of(item);
    pairs.push_back({name, of(item)});
  }
  return members.size() == map.size() ? members : pairs;
}

template <class T>
void JsonReader::read_map(const nlohmann::json& in, const std::string& path, std::map<std::string, T>& map) {
  map.clear();
  if (in.is_object()) {
    for (const auto& [key, item] : in.items()) read(item, path + "." + key, map[key]);
    return;
  }
  if (!in.is_array()) return expected(in, path, "an object");
  for (size_t i = 0; i < in.size(); ++i) {
    const std::string item = path + "[" + std::to_string(i) + "]";
    if (!in[i].is_array() || in[i].size() != 2) return fail(item, "expected a pair");
    std::string key;
    read(in[i][0], item, key);
    read(in[i][1], item, map[key]);
  }
}

template <class T>
void JsonReader::read_integer(const nlohmann::json& in, const std::string& path, T& value) {
  const auto refuse = [&](const std::string& number) {
    fail(path, number + " is out of range (" + std::to_string(std::numeric_limits<T>::min()) + " to " +
                   std::to_string(std::numeric_limits<T>::max()) + ")");
  };
  if (in.is_number_unsigned()) {
    const auto number = in.get<uint64_t>();
    if (!std::in_range<T>(number)) return refuse(std::to_string(number));
    value = static_cast<T>(number);
  } else if (in.is_number_integer()) {
    const auto number = in.get<int64_t>();
    if (!std::in_range<T>(number)) return refuse(std::to_string(number));
    value = static_cast<T>(number);
  } else {
    expected(in, path, "a whole number");
  }
}

template <class T>
void JsonReader::read(const nlohmann::json& in, const std::string& path, T& value) {
  using namespace json_detail;
  if (m_error) return;
  if constexpr (std::same_as<T, bool>) {
    if (!in.is_boolean()) return expected(in, path, "true or false");
    value = in.get<bool>();
  } else if constexpr (std::integral<T>) {
    read_integer(in, path, value);
  } else if constexpr (std::same_as<T, double>) {
    read_double(in, path, value);
  } else if constexpr (std::same_as<T, std::string>) {
    read_text(in, path, value);
  } else if constexpr (std::same_as<T, ToggleSet>) {
    read_toggles(in, path, value);
  } else if constexpr (std::same_as<T, ToggleKey>) {
    read_toggle_key(in, path, value);
  } else if constexpr (std::is_enum_v<T>) {
    size_t index = 0;
    read_key(in, path, EnumKeys<T>::keys.data(), EnumKeys<T>::keys.size(), index);
    value = static_cast<T>(index);
  } else if constexpr (is_optional<T>) {
    if (in.is_null()) return value.reset();
    typename T::value_type inner{};
    read(in, path, inner);
    value = std::move(inner);
  } else if constexpr (is_vector<T> || is_array<T>) {
    if (!in.is_array()) return expected(in, path, "an array");
    if constexpr (is_array<T>) {
      if (in.size() != value.size())
        return fail(path, "expected " + std::to_string(value.size()) + " items, found " + std::to_string(in.size()));
    } else {
      value.clear();
      value.resize(in.size());
    }
    for (size_t i = 0; i < in.size(); ++i) read(in[i], path + "[" + std::to_string(i) + "]", value[i]);
  } else if constexpr (is_map<T>) {
    read_map(in, path, value);
  } else if constexpr (requires { read_json_value(*this, in, path, value); }) {
    read_json_value(*this, in, path, value);
  } else {
    if (!in.is_object()) return expected(in, path, "an object");
    JsonReader inner(in, path);
    fields(inner, value);
    if (inner.m_error) m_error = inner.m_error;
  }
}

}  // namespace trace
