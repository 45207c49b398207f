// Random runs, A/B results and traces for round-trip tests: every field filled, all invariants of trace.h held.
// Thread rule: none. Units and shapes as in the structs.
#pragma once
#include <cmath>
#include <random>
#include <string>
#include <type_traits>

#include "trace/run_fields.h"

namespace tests {

using Random = std::mt19937_64;

inline int64_t pick(Random& random, int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(random);
}

// Words, empty text, quotes, newlines, multi-byte characters, and now and then bytes that are no UTF-8.
std::string random_text(Random&);

// A visitor for the field lists of run_fields.h that gives every field a random value.
class Filler {
 public:
  explicit Filler(Random& random) : m_random(random) {}

  template <class T>
  void operator()(const char*, T& value) {
    fill(value);
  }

  template <class T>
  void fill(T& value) {
    using namespace trace::json_detail;
    if constexpr (std::same_as<T, bool>) {
      value = pick(m_random, 0, 1) != 0;
    } else if constexpr (std::integral<T>) {
      value = static_cast<T>(m_random());
    } else if constexpr (std::same_as<T, double>) {
      value = random_double();
    } else if constexpr (std::same_as<T, std::string>) {
      value = random_text(m_random);
    } else if constexpr (std::same_as<T, trace::ToggleSet>) {
      for (const auto& row : trace::toggle_table())
        value.set_index(row.key, static_cast<int>(pick(m_random, 0, row.value_count - 1)));
    } else if constexpr (std::same_as<T, trace::ToggleKey>) {
      value = static_cast<T>(pick(m_random, 0, trace::kToggles - 1));
    } else if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(pick(m_random, 0, static_cast<int64_t>(trace::EnumKeys<T>::keys.size()) - 1));
    } else if constexpr (is_optional<T>) {
      value.reset();
      if (pick(m_random, 0, 2)) fill(value.emplace());
    } else if constexpr (is_array<T>) {
      for (auto& item : value) fill(item);
    } else if constexpr (is_vector<T>) {
      value.resize(static_cast<size_t>(pick(m_random, 0, 4)));
      for (auto& item : value) fill(item);
    } else if constexpr (is_map<T>) {
      for (int64_t i = pick(m_random, 0, 3); i > 0; --i) fill(value[random_text(m_random)]);
    } else {
      fields(*this, value);
    }
  }

 private:
  double random_double();
  Random& m_random;
};

inline void arm_field(Filler&, char& arm) { arm = 0; }

template <class T>
T random_value(Random& random) {
  T value{};
  Filler(random).fill(value);
  return value;
}

trace::Trace random_full_trace(Random&, int events);
// With a trace; as it would come from a recording: not stored, no A/B, `created` set.
trace::Run random_run(Random&, int events);
trace::AbResult random_ab(Random&, int events);

// "" when equal, else the first difference in words. A field of a trace is compared bit for bit; NaN equals NaN.
std::string difference(const trace::Trace&, const trace::Trace&);
// Ids, and the A/B's, are left out: they are the store's.
std::string difference(const trace::Run&, const trace::Run&);
std::string difference(const trace::AbResult&, const trace::AbResult&);

}  // namespace tests
