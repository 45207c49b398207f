#include "ui/vm/annotations.h"

#include <algorithm>
#include <cstdio>
#include <functional>

namespace ui {
namespace {

constexpr std::string_view kOpen = "[mark ";

std::string us_exact(int64_t ns) {
  char text[40];
  const uint64_t size = ns < 0 ? 0 - static_cast<uint64_t>(ns) : static_cast<uint64_t>(ns);
  std::snprintf(text, sizeof text, "%s%llu.%03llu", ns < 0 ? "-" : "", static_cast<unsigned long long>(size / 1000),
                static_cast<unsigned long long>(size % 1000));
  return text;
}

// "137.842" or "-1.000", three decimals, into ns; false if it is something else.
bool take_us(std::string_view& s, int64_t* ns) {
  const bool minus = s.starts_with('-');
  if (minus) s.remove_prefix(1);
  int64_t value = 0;
  size_t whole = 0, decimals = 0;
  for (; !s.empty() && s[0] >= '0' && s[0] <= '9' && whole < 15; s.remove_prefix(1), ++whole) value = value * 10 + (s[0] - '0');
  if (whole == 0 || !s.starts_with('.')) return false;
  s.remove_prefix(1);
  for (; !s.empty() && s[0] >= '0' && s[0] <= '9' && decimals < 3; s.remove_prefix(1), ++decimals) value = value * 10 + (s[0] - '0');
  *ns = minus ? -value : value;
  return decimals == 3;
}

bool parse(std::string_view inside, Annotation* a) {
  int64_t length = 0;
  if (!take_us(inside, &a->begin_ns) || !inside.starts_with('+')) return false;
  inside.remove_prefix(1);
  if (!take_us(inside, &length) || length < 0 || !inside.starts_with(" us: ")) return false;
  a->end_ns = a->begin_ns + length;
  a->text = inside.substr(5);
  return !a->text.empty();
}

// Calls `mark` for every annotation and `words` for what lies between.
void walk(std::string_view note, const std::function<void(const Annotation&)>& mark, const std::function<void(std::string_view)>& words) {
  while (!note.empty()) {
    const size_t open = note.find(kOpen);
    const size_t close = open == std::string_view::npos ? open : note.find(']', open);
    if (close == std::string_view::npos) break;
    Annotation a;
    const bool good = parse(note.substr(open + kOpen.size(), close - open - kOpen.size()), &a);
    words(note.substr(0, good ? open : close + 1));
    if (good) mark(a);
    note.remove_prefix(close + 1);
  }
  words(note);
}

std::string trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\n')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\n')) s.remove_suffix(1);
  return std::string(s);
}

}  // namespace

std::vector<Annotation> annotations_of(std::string_view note) {
  std::vector<Annotation> out;
  walk(note, [&](const Annotation& a) { out.push_back(a); }, [](std::string_view) {});
  return out;
}

std::string without_annotations(std::string_view note) {
  std::string out;
  walk(note, [](const Annotation&) {}, [&](std::string_view words) {
    const std::string part = trimmed(words);
    if (!part.empty()) out += (out.empty() ? "" : " ") + part;
  });
  return out;
}

std::string with_annotation(std::string_view note, const Annotation& next) {
  std::vector<Annotation> all = annotations_of(note);
  std::erase_if(all, [&](const Annotation& a) { return a.begin_ns == next.begin_ns && a.end_ns == next.end_ns; });
  Annotation clean = next;
  std::ranges::replace(clean.text, ']', ')');
  std::ranges::replace(clean.text, '\n', ' ');
  clean.text = trimmed(clean.text);
  if (!clean.text.empty()) all.push_back(clean);
  std::ranges::stable_sort(all, {}, &Annotation::begin_ns);
  std::string out = without_annotations(note);
  for (const Annotation& a : all)
    out += (out.empty() ? "" : " ") + std::string(kOpen) + us_exact(a.begin_ns) + "+" + us_exact(a.end_ns - a.begin_ns) + " us: " + a.text + "]";
  return out;
}

}  // namespace ui
