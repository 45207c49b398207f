// How enumerations are spelled in JSON and in the store: one key an enumerator, in their order. These are file
// formats: none is ever renamed, whatever the words on screen become.
#pragma once
#include <array>
#include <string_view>

#include "trace/ab.h"
#include "trace/json_fields.h"
#include "trace/messages.h"

namespace trace {

template <>
struct EnumKeys<WeightFormat> {
  static constexpr std::array<std::string_view, 3> keys{"bf16", "fp8_block", "mxfp4"};
};
template <>
struct EnumKeys<Origin> {
  static constexpr std::array<std::string_view, 3> keys{"engine", "imported", "sample"};
};
template <>
struct EnumKeys<Equivalence> {
  static constexpr std::array<std::string_view, 3> keys{"bitwise", "bitwise_on_valid", "bounded"};
};
template <>
struct EnumKeys<Verdict> {
  static constexpr std::array<std::string_view, 5> keys{"faster", "slower", "same", "unclear", "none"};
};
template <>
struct EnumKeys<EventKind> {
  static constexpr std::array<std::string_view, 3> keys{"kernel", "memcpy", "memset"};
};
template <>
struct EnumKeys<LaneKind> {
  static constexpr std::array<std::string_view, 2> keys{"gpu", "host"};
};
template <>
struct EnumKeys<ClockSource> {
  static constexpr std::array<std::string_view, 6> keys{"host", "cupti", "roctracer", "rocprofiler", "stamps",
                                                        "unknown"};
};
template <>
struct EnumKeys<Category> {
  inline static const std::array<std::string_view, kCategories> keys = [] {
    std::array<std::string_view, kCategories> all;
    for (size_t i = 0; i < all.size(); ++i) all[i] = to_string(static_cast<Category>(i));
    return all;
  }();
};
template <>
struct EnumKeys<reply::Phase> {
  static constexpr std::array<std::string_view, 6> keys{"idle", "loading", "running", "paused", "recording", "ab"};
};

}  // namespace trace
