// What is written at a place of a run, inside its note.
#include <catch2/catch_test_macros.hpp>

#include "ui/vm/annotations.h"

using namespace ui;

TEST_CASE("annotations live in a note beside its words, exact to the nanosecond") {
  const std::string one = with_annotation("as published", {137842, 143242, "joins the indexer"});
  CHECK(one == "as published [mark 137.842+5.400 us: joins the indexer]");
  const std::string two = with_annotation(one, {-1, 999, "lead-in"});
  CHECK(annotations_of(two) == std::vector<Annotation>{{-1, 999, "lead-in"}, {137842, 143242, "joins the indexer"}});
  CHECK(without_annotations(two) == "as published");
  const std::string changed = with_annotation(two, {137842, 143242, "joins"});
  CHECK(annotations_of(changed)[1].text == "joins");
  CHECK(annotations_of(changed).size() == 2);
  CHECK(with_annotation(with_annotation(changed, {-1, 999, ""}), {137842, 143242, " "}) == "as published");
  CHECK(annotations_of(with_annotation("", {0, 1, "a ] b"})) == std::vector<Annotation>{{0, 1, "a ) b"}});
}

TEST_CASE("what only looks like an annotation stays a word of the note") {
  for (const char* note : {"[mark", "[mark 1.5+2.000 us: x]", "[mark 1.000 us: x]", "[mark 1.000+2.000 us: ]", "[mark x+2.000 us: y]", "[marks]"}) {
    CHECK(annotations_of(note).empty());
    CHECK(without_annotations(note) == note);
  }
  const std::string kept = with_annotation("see [mark] there", {1000, 2000, "here"});
  CHECK(without_annotations(kept) == "see [mark] there");
  CHECK(annotations_of(kept).size() == 1);
}
