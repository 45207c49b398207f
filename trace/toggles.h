// The switches: one row each. Adding one = an enumerator, a row in toggles.cpp, a branch in engine/plan.cpp.
// Checkbox, CLI, database, test matrix and tooltips all read the row. A switch is read while planning only.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace/model.h"
#include "trace/result.h"

namespace trace {

enum class ToggleKey : uint8_t {
  cat_skip, x_scale, v_layout, head_gates, rope_update, index_layout, page_size, logits_init, streams, launch, kv_dtype, count_
};
inline constexpr int kToggles = static_cast<int>(ToggleKey::count_);

// How outputs of "off" and "on" must agree.
enum class Equivalence : uint8_t {
  bitwise,           // byte for byte on logits, caches and common intermediates
  bitwise_on_valid,  // the same, uninitialised columns beyond the length aside
  bounded            // op by op, rms error against each arm's own double reference within 1.05x of the other's
};

struct ToggleInfo {
  ToggleKey key;
  std::string_view name;                         // "cat_skip"
  std::array<std::string_view, 4> values;        // first = before; unused ones empty
  int value_count;
  int default_index;
  std::string_view title;                        // words for the window
  std::string_view needs;                        // what it needs, in words
  std::string_view before, after;                // what happens with the first and with the last value
  std::string_view source;                       // "sglang #24125"
  std::string_view upstream_scope;               // "HIP, tilelang and aiter decode only; CUDA re-cats"
  Equivalence equivalence;
  int removed_per_layer_tiny;                    // launches it removes in a layer of tiny, by the design
  std::string_view published;                    // published effect with its hardware, never our measurement
};

std::span<const ToggleInfo> toggle_table();      // in ToggleKey order
const ToggleInfo& info(ToggleKey);
std::string_view to_string(Equivalence);

// One value per switch. Default-constructed: every switch at its default.
class ToggleSet {
 public:
  ToggleSet();
  static ToggleSet all_off();                    // every first value, page_size 64
  int index(ToggleKey k) const { return m_index[static_cast<int>(k)]; }
  std::string_view value(ToggleKey k) const { return info(k).values[index(k)]; }
  bool is(ToggleKey k, std::string_view v) const { return value(k) == v; }
  int page_size() const;
  void set_index(ToggleKey, int);
  // error: no such value; names the values there are.
  Status set(ToggleKey, std::string_view value);
  std::vector<ToggleKey> differing(const ToggleSet& other) const;
  std::string text() const;                      // "cat_skip=on x_scale=copy ...", all of them
  bool operator==(const ToggleSet&) const = default;

 private:
  std::array<uint8_t, kToggles> m_index{};
};

// error: no such switch; names those there are.
Result<ToggleKey> toggle_key(std::string_view name);

// `cat_skip`, `page_size=1:64`, `index_layout,page_size=1:64,logits_init`: the two arms of a comparison that
// start from `base`. KEY alone means first:last value. error: unknown key or value, A equal to B.
struct ToggleArms { std::vector<ToggleKey> keys; ToggleSet a, b; };
Result<ToggleArms> parse_arms(std::string_view text, const ToggleSet& base);

// Why this switch cannot be flipped on this model and backend ("needs an indexer: dense MLA has none",
// "not available yet: ..."); nullopt when it can.
std::optional<std::string> unavailable(ToggleKey, const ModelConfig&, std::string_view backend);

// Combinations that cannot run (preshuffle with page_size 1). error: what and why.
Status validate(const ToggleSet&, const ModelConfig&, std::string_view backend);

// The weakest class among the switches in which the sets differ (bitwise when equal).
Equivalence equivalence_of(const ToggleSet& a, const ToggleSet& b);

}  // namespace trace
