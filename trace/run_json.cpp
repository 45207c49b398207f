#include "trace/run_json.h"

#include "trace/run_fields.h"

namespace trace {

Result<nlohmann::json> parse_json(std::string_view text, const std::string& where) {
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& e) {
    return Error{"not JSON at byte " + std::to_string(e.byte), where};
  } catch (const nlohmann::json::out_of_range&) {
    return Error{"not JSON: a number beyond what a double holds", where};
  }
}

template <class T>
nlohmann::json write_json(const T& value) {
  return JsonWriter::of(value);
}

template <class T>
std::string write_json_text(const T& value) {
  return JsonWriter::of(value).dump();
}

template <class T>
Result<T> read_json(const nlohmann::json& in, const std::string& where) {
  T value{};
  JsonReader reader(in);
  reader.read(in, "", value);
  if (reader.error()) return Error{*reader.error(), where};
  return value;
}

template <class T>
Result<T> read_json_text(std::string_view text, const std::string& where) {
  auto parsed = parse_json(text, where);
  if (!parsed) return parsed.error();
  return read_json<T>(*parsed, where);
}

#define DS_JSON(T)                                                           \
  template nlohmann::json write_json<T>(const T&);                           \
  template std::string write_json_text<T>(const T&);                         \
  template Result<T> read_json<T>(const nlohmann::json&, const std::string&); \
  template Result<T> read_json_text<T>(std::string_view, const std::string&);
DS_JSON(ModelConfig)
DS_JSON(Workload)
DS_JSON(RunSpec)
DS_JSON(ToggleSet)
DS_JSON(Estimate)
DS_JSON(ImportReport)
DS_JSON(Run)
DS_JSON(AbSpec)
DS_JSON(AbEstimate)
DS_JSON(Quad)
DS_JSON(Instance)
DS_JSON(EquivalenceResult)
DS_JSON(LaunchDelta)
DS_JSON(std::vector<LaunchDelta>)
DS_JSON(std::vector<Instance>)
DS_JSON(std::vector<std::string>)
#undef DS_JSON

}  // namespace trace
