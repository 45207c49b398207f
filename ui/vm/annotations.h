// What a user wrote at a place of a run. Kept inside the run's note, so that it is stored, found by the filter and
// travels in bundles: "[mark 137.842+5.400 us: joins the indexer]", start and length in microseconds of the trace's own
// time, exact to the nanosecond. Pure; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ui {

struct Annotation {
  int64_t begin_ns = 0, end_ns = 0;  // of the trace
  std::string text;
  bool operator==(const Annotation&) const = default;
};

// Those of a note, in its order; what is no annotation is the rest.
std::vector<Annotation> annotations_of(std::string_view note);
std::string without_annotations(std::string_view note);
// The note with the annotation of that place replaced, or dropped if the text is empty.
std::string with_annotation(std::string_view note, const Annotation&);

}  // namespace ui
