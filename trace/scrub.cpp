#include "trace/scrub.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

namespace trace {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || static_cast<unsigned char>(c) >= 0x80; }
bool is_path(char c) { return is_word(c) || c == '.' || c == '/' || c == '+' || c == '%' || c == '~' || c == '=' || c == ',' || c == '\\'; }

// Folders that paths begin with, whatever stands before them: "-I/home/ann/include".
constexpr std::array<std::string_view, 17> kRoots = {"/home/", "/root/", "/Users/", "/mnt/", "/data/", "/opt/", "/usr/", "/var/", "/tmp/", "/srv/", "/scratch/", "/workspace/", "/work/", "/nfs/", "/shared/", "/proc/", "/lustre/"};

// Length of the absolute path that begins at `at`, 0 = none. Two parts at least: "/s" and "a / b" are none.
size_t path_at(std::string_view text, size_t at) {
  const auto rest = text.substr(at);
  const char before = at == 0 ? ' ' : text[at - 1];
  bool begins = false;
  if (rest.starts_with("/")) {
    begins = std::ranges::any_of(kRoots, [&](std::string_view root) { return rest.starts_with(root); }) || (!is_path(before) && before != ')' && before != ']' && before != '>' && before != ':') ||
             (before == ':' && at > 1 && !std::isalnum(static_cast<unsigned char>(text[at - 2]))) || text.substr(0, at).ends_with("file://") || before == '=';
  } else if (rest.starts_with("~/") || rest.starts_with("\\\\")) {
    begins = !is_path(before);
  } else if (rest.size() > 3 && std::isalpha(static_cast<unsigned char>(rest[0])) && rest[1] == ':' && (rest[2] == '\\' || (rest[2] == '/' && rest[3] != '/'))) {
    begins = !is_path(before);
  }
  if (!begins) return 0;
  size_t end = rest.size() > 2 && rest[1] == ':' ? 2 : 0;
  while (end < rest.size() && is_path(rest[end])) ++end;
  while (end > 0 && (rest[end - 1] == '.' || rest[end - 1] == ',')) --end;   // of the sentence
  const auto path = rest.substr(0, end);
  size_t parts = 0;
  for (size_t i = 0; i < path.size(); ++i) parts += (path[i] == '/' || path[i] == '\\') && i + 1 < path.size() && path[i + 1] != '/' && path[i + 1] != '\\';
  return parts >= 2 || path.starts_with("~/") ? end : 0;
}

std::string_view last_part(std::string_view path) {
  while (!path.empty() && (path.back() == '/' || path.back() == '\\')) path.remove_suffix(1);
  const size_t slash = path.find_last_of("/\\");
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// "python3 /home/ann/serve.py --tp 8", "/usr/bin/bench -x": a program and an argument, one of which is a path or a flag.
bool is_command(std::string_view text) {
  const size_t space = text.find(' ');
  if (space == std::string_view::npos || text.find('(') < space || text.find('<') != std::string_view::npos) return false;
  const auto program = text.substr(0, space);
  if (!std::ranges::all_of(program, is_path)) return false;
  const bool in_folder = path_at(program, 0) > 0 || program.starts_with("./");
  const bool known = std::ranges::any_of(std::array{"python", "python3", "bash", "sh", "mpirun", "torchrun", "srun", "nsys", "rocprofv3", "docker", "ssh", "numactl", "env"}, [&](const char* name) { return last_part(program) == name; });
  return (in_folder || known) && (text.find(" -") != std::string_view::npos || text.find(" /") != std::string_view::npos || text.find(" ./") != std::string_view::npos || text.find(".py") != std::string_view::npos);
}

// Length of the IPv4 address, or of user@host, that begins at `at`.
size_t address_at(std::string_view text, size_t at) {
  if (at > 0 && (is_word(text[at - 1]) || text[at - 1] == '.')) return 0;
  size_t i = at;
  int dots = 0, digits = 0, value = 0;
  while (i < text.size() && (std::isdigit(static_cast<unsigned char>(text[i])) || (text[i] == '.' && digits > 0 && dots < 3 && i + 1 < text.size() && std::isdigit(static_cast<unsigned char>(text[i + 1]))))) {
    if (text[i] == '.') ++dots, digits = value = 0;
    else if (++digits > 3 || (value = value * 10 + (text[i] - '0')) > 255) return 0;
    ++i;
  }
  if (dots == 3) return (i < text.size() && is_word(text[i])) ? 0 : i - at;
  size_t name = at;
  while (name < text.size() && (is_word(text[name]) || text[name] == '.')) ++name;
  if (name == at || name >= text.size() || text[name] != '@') return 0;
  size_t host = name + 1;
  while (host < text.size() && (is_word(text[host]) || text[host] == '.')) ++host;
  // "memcpy@plt" and "foo@GLIBC_2.34" are symbols.
  const auto after = text.substr(name + 1, host - name - 1);
  if (after.empty() || after == "plt" || after.starts_with("GLIBC") || after.find("_") != std::string_view::npos) return 0;
  return host - at;
}

std::string this_host() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

void longest_first(std::vector<std::string>& words) { std::ranges::stable_sort(words, [](const auto& a, const auto& b) { return a.size() > b.size(); }); }

// Too short or too common to be taken for somebody's name.
bool common(std::string_view name) {
  static constexpr std::array<std::string_view, 16> words = {"root", "user", "host", "localhost", "gpu", "cpu", "node", "admin", "ubuntu", "nobody", "data", "home", "test", "local", "runner", "shared"};
  return name.size() < 3 || std::ranges::find(words, name) != words.end() || std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c); });
}

}  // namespace

Scrubber::Scrubber() {
  learn_host(this_host());
  for (const char* variable : {"USER", "LOGNAME", "SUDO_USER"})
    if (const char* value = std::getenv(variable)) learn_user(value);
  if (const passwd* me = ::getpwuid(::getuid())) learn_user(me->pw_name);
}

Scrubber::Scrubber(std::vector<std::string> hosts, std::vector<std::string> users) {
  for (const auto& host : hosts) learn_host(host);
  for (const auto& user : users) learn_user(user);
}

void Scrubber::learn_host(std::string_view host) {
  for (const std::string_view name : {host, host.substr(0, host.find('.'))})
    if (!common(name) && std::ranges::find(m_hosts, name) == m_hosts.end()) m_hosts.emplace_back(name);
  longest_first(m_hosts);
}

void Scrubber::learn_user(std::string_view user) {
  if (!common(user) && std::ranges::find(m_users, user) == m_users.end()) m_users.emplace_back(user);
  longest_first(m_users);
}

// Owners of home folders, wherever a path names one.
void Scrubber::learn(const Run& run) {
  learn_host(run.host);
  const auto homes = [&](std::string_view text) {
    for (const std::string_view root : {"/home/", "/Users/"})
      for (size_t at = text.find(root); at != std::string_view::npos; at = text.find(root, at + 1)) {
        const auto rest = text.substr(at + root.size());
        learn_user(rest.substr(0, std::min(rest.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"), rest.size())));
      }
  };
  for (const std::string* text : {&run.name, &run.note, &run.device, &run.program, &run.standing}) homes(*text);
  if (run.report) {
    homes(run.report->file);
    for (const auto& line : run.report->warnings) homes(line);
  }
  if (!run.trace) return;
  homes(run.trace->source);
  for (const auto& text : run.trace->strings) homes(text);
}

void Scrubber::note(const char* kind, std::string_view was, std::string_view became) {
  auto [at, first] = m_gone.try_emplace({kind, std::string(was)}, ScrubbedText{kind, std::string(was), std::string(became), 0});
  ++at->second.count;
}

std::string Scrubber::names(std::string text) {
  const auto replace = [&](const std::vector<std::string>& words, const char* kind) {
    for (const auto& word : words)
      for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
        const bool whole = (at == 0 || !is_word(text[at - 1])) && (at + word.size() >= text.size() || !is_word(text[at + word.size()]));
        if (!whole) continue;
        text.replace(at, word.size(), kind);
        note(kind, word, kind);
      }
  };
  replace(m_hosts, "host");
  replace(m_users, "user");
  return text;
}

std::string Scrubber::command(std::string_view line) {
  const std::string became = names(std::string(last_part(line.substr(0, line.find(' '))))) + " ...";
  note("command", line, became);
  return became;
}

void Scrubber::spec(RunSpec& s) {
  s.name = text(s.name);
  s.model.name = text(s.model.name);   // a config.json's path
  s.weights = file(s.weights);
  for (auto& [key, value] : s.set) value = text(value);
}

AbSpec Scrubber::ab(AbSpec ab) {
  spec(ab.base);
  for (std::string* line : {&ab.command_a, &ab.command_b})
    if (!line->empty()) *line = command(*line);
  return ab;
}

std::string Scrubber::text(std::string_view text) {
  if (is_command(text)) return command(text);
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (const size_t length = path_at(text, at)) {
      const auto path = text.substr(at, length);
      const std::string became(last_part(path));
      note("path", path, became);
      out += became;
      at += length;
    } else if (const size_t address = address_at(text, at)) {
      note("address", text.substr(at, address), "address");
      out += "address";
      at += address;
    } else {
      out += text[at++];
    }
  }
  return names(std::move(out));
}

// A text that is known to be a file's name: relative folders go too. Several, as of ranks, are told apart by commas.
std::string Scrubber::file(const std::string& name) {
  if (name.find_first_of("/\\") == std::string::npos || name.find(", ") != std::string::npos) return text(name);
  const std::string became = names(std::string(last_part(name)));
  note("path", name, became);
  return became;
}

Run Scrubber::run(const Run& given) {
  learn(given);
  Run run = given;
  if (!run.host.empty()) {
    note("host", run.host, "");
    run.host.clear();
  }
  for (std::string* field : {&run.name, &run.note, &run.tags, &run.device, &run.program, &run.standing}) *field = text(*field);
  if (run.report) {
    ImportReport& r = *run.report;
    r.file = file(r.file);
    for (std::string* field : {&r.collector, &r.version, &r.window_rule}) *field = text(*field);
    for (auto* lines : {&r.warnings, &r.caveats})
      for (std::string& line : *lines) line = text(line);
    std::map<std::string, int64_t> skipped;
    for (const auto& [reason, count] : r.skipped) skipped[text(reason)] += count;
    r.skipped = std::move(skipped);
  }
  if (run.spec) spec(*run.spec);
  if (!run.trace) return run;
  auto t = std::make_shared<Trace>(*run.trace);
  t->source = file(t->source);
  for (std::string* field : {&t->title, &t->collector.name, &t->collector.version}) *field = text(*field);
  for (Device& device : t->devices) device.name = text(device.name);
  for (Lane& lane : t->lanes) lane.label = text(lane.label);
  for (std::string& name : t->strings) name = text(name);
  run.trace = std::move(t);
  return run;
}

std::vector<ScrubbedText> Scrubber::gone() const {
  std::vector<ScrubbedText> out;
  for (const auto& [key, text] : m_gone) out.push_back(text);
  std::ranges::stable_sort(out, [](const auto& a, const auto& b) { return a.count > b.count; });
  return out;
}

}  // namespace trace
