// Reads files of kernel rules: the built-in one, and a user's before it.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "trace/kernel_rules.h"
#include "trace/kernel_rules_table.h"
#include "trace/run_json.h"

extern "C" {
extern const unsigned char embed_kernel_rules_json[], embed_kernel_rules_json_end[];
}

namespace trace {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostOps = 4096;  // an op is 16 bits in an event, shared with the trace's own
constexpr size_t kMostBytes = 16 << 20;  // of a user's file

struct BadRule : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// One file. A mistake throws BadRule, which says what and where.
class RulesReader {
 public:
  RulesReader(const Json& file, const Json* more_sets, KernelRules& rules)
      : m_file(file), m_more_sets(more_sets), m_rules(rules) {
    op("");
  }

  // error: what is wrong, where = the row: "names[3]".
  Status read() {
    try {
      read_names();
      read_places();
    } catch (const BadRule& e) {
      return Error{e.what(), m_at};
    }
    return Ok{};
  }

 private:
  void read_names() {
    each(m_file, "names", [&](const Json& row) {
      NameRule rule{category(row), op(text(row, "op")), {}};
      for (const std::string& pattern : texts(row, "names")) {
        if (pattern.find_first_not_of("*^$") == std::string::npos)
          throw BadRule("the pattern \"" + pattern + "\" fits every name");
        rule.patterns.emplace_back(lower(pattern));
      }
      if (rule.patterns.empty()) throw BadRule("`names` is missing or empty");
      m_rules.names.push_back(std::move(rule));
    });
  }

  void read_places() {
    each(m_file, "places", [&](const Json& row) {
      PlaceGroup group{ops(row, "needs"), {}};
      if (group.needs.empty()) throw BadRule("`needs` is missing: it says where the group runs");
      each(row, "rules", [&](const Json& rule) { group.rules.push_back(place(rule)); });
      m_rules.groups.push_back(std::move(group));
    });
  }

  template <class Action>
  void each(const Json& in, const char* field, Action action) {
    const auto list = in.find(field);
    if (list == in.end()) return;
    if (!list->is_array()) throw BadRule("`" + std::string(field) + "` is no array");
    const std::string outer = m_at, prefix = outer.empty() ? field : outer + "." + field;
    for (size_t i = 0; i < list->size(); ++i) {
      m_at = prefix + "[" + std::to_string(i) + "]";
      if (!(*list)[i].is_object()) throw BadRule("expected an object");
      action((*list)[i]);
    }
    m_at = outer;
  }

  static std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
  }

  static std::string text(const Json& row, const char* field) {
    const auto found = row.find(field);
    if (found == row.end() || !found->is_string() || found->get_ref<const std::string&>().empty())
      throw BadRule("`" + std::string(field) + "` is missing or no text");
    return *found;
  }

  static std::vector<std::string> texts(const Json& row, const std::string& field) {
    const auto found = row.find(field);
    if (found == row.end()) return {};
    const auto is_text = [](const Json& item) { return item.is_string(); };
    if (!found->is_array() || !std::ranges::all_of(*found, is_text))
      throw BadRule("`" + field + "` is no list of texts");
    return *found;
  }

  static Category category(const Json& row) {
    const std::string key = text(row, "category");
    const Category c = category_from(key);
    if (to_string(c) != key) throw BadRule("no such category: " + key);
    return c;
  }

  uint16_t op(const std::string& key) {
    auto& all = m_rules.ops;
    const auto at = static_cast<uint16_t>(std::ranges::find(all, key) - all.begin());
    if (at == all.size()) {
      if (all.size() >= kMostOps) throw BadRule("more than " + std::to_string(kMostOps) + " ops");
      all.push_back(key);
    }
    return at;
  }

  std::vector<std::string> set(const std::string& name) const {
    for (const Json* file : {&m_file, m_more_sets})
      if (file && file->contains("sets") && file->at("sets").is_object() &&
          file->at("sets").contains(name))
        return texts(file->at("sets"), name);
    throw BadRule("no such set: $" + name);
  }

  RuleOps ops(const Json& row, const char* field) {
    RuleOps out;
    for (const std::string& key : texts(row, field)) {
      if (!key.starts_with('$'))
        out.push_back(op(key));
      else
        for (const std::string& member : set(key.substr(1))) out.push_back(op(member));
    }
    return out;
  }

  PlaceRule place(const Json& row) {
    PlaceRule rule;
    rule.op = op(text(row, "op"));
    if (row.contains("category")) rule.category = category(row);
    rule.was = ops(row, "was");
    rule.prev = ops(row, "prev");
    rule.next = ops(row, "next");
    rule.skip = ops(row, "skip");
    if (rule.was.empty())
      throw BadRule("`was` is missing: a place rule refines what a name rule found");
    if (rule.prev.empty() && rule.next.empty()) throw BadRule("neither `prev` nor `next` is given");
    return rule;
  }

  const Json& m_file;
  const Json* m_more_sets;
  KernelRules& m_rules;
  std::string m_at;  // "names[3]"
};

const Json& built_in_file() {
  static const Json file = Json::parse(embed_kernel_rules_json, embed_kernel_rules_json_end);
  return file;
}

}  // namespace

const RulesPtr& built_in_rules() {
  // Part of the program: a mistake in it throws, and the tests are the first to read it.
  static const RulesPtr rules = [] {
    auto made = std::make_shared<KernelRules>();
    const Status read = RulesReader(built_in_file(), nullptr, *made).read();
    if (!read) throw std::logic_error("built-in kernel rules: " + read.error().line());
    return RulesPtr(std::move(made));
  }();
  return rules;
}

Result<RulesPtr> load_rules(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{"no such file, or it may not be read", path};
  std::string text(kMostBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (in.bad()) return Error{"it cannot be read (is it a folder?)", path};
  if (text.size() > kMostBytes) return Error{"a file of kernel rules has at most 16 MiB", path};
  const Result<Json> file = parse_json(text, path);
  if (!file) return file.error();
  if (!file->is_object()) return Error{"expected an object with `names`, `sets` or `places`", path};
  for (const auto& [key, value] : file->items())
    if (key != "names" && key != "sets" && key != "places" && key != "about") return Error{"no such list: `" + key.substr(0, 80) + "`, there are `names`, `sets`, `places` and `about`", path};
  auto rules = std::make_shared<KernelRules>();
  for (const bool mine : {true, false}) {
    RulesReader reader(mine ? *file : built_in_file(), mine ? &built_in_file() : nullptr, *rules);
    const Status read = reader.read();
    if (read) continue;
    const std::string& row = read.error().where;
    return Error{read.error().what, row.empty() ? path : path + ", " + row};
  }
  return RulesPtr(std::move(rules));
}

}  // namespace trace
