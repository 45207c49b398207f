#include "tests/support/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace tests {

namespace {

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
    read_end = ends[0];
    write_end = ends[1];
  }
};

[[noreturn]] void become(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env) {
  for (const auto& [key, value] : env) {
    if (value.empty()) unsetenv(key.c_str());
    else setenv(key.c_str(), value.c_str(), 1);
  }
  std::vector<char*> raw;
  for (const auto& a : argv) raw.push_back(const_cast<char*>(a.c_str()));
  raw.push_back(nullptr);
  execvp(raw[0], raw.data());
  _exit(127);
}

// Feeds stdin and drains both outputs together: a child that fills a pipe must not hang the test.
void exchange(int in, int out, int err, const std::string& text, ChildResult& result) {
  size_t written = 0;
  bool open_in = true, open_out = true, open_err = true;
  if (text.empty()) { close(in); open_in = false; }
  std::array<char, 65536> buffer;
  while (open_out || open_err || open_in) {
    pollfd fds[3] = {{open_in ? in : -1, POLLOUT, 0}, {open_out ? out : -1, POLLIN, 0}, {open_err ? err : -1, POLLIN, 0}};
    if (poll(fds, 3, -1) < 0) continue;
    if (fds[0].revents) {
      const ssize_t n = (fds[0].revents & POLLOUT) ? write(in, text.data() + written, text.size() - written) : -1;
      if (n > 0) written += static_cast<size_t>(n);
      if (n < 0 || written == text.size()) { close(in); open_in = false; }
    }
    const auto drain = [&](int i, int fd, bool& open, std::string& into) {
      if (!fds[i].revents) return;
      const ssize_t n = read(fd, buffer.data(), buffer.size());
      if (n > 0) into.append(buffer.data(), static_cast<size_t>(n));
      else { close(fd); open = false; }
    };
    drain(1, out, open_out, result.out);
    drain(2, err, open_err, result.err);
  }
}

}  // namespace

ChildResult run_child(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env, const std::string& stdin_text) {
  signal(SIGPIPE, SIG_IGN);
  Pipe in, out, err;
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid == 0) {
    dup2(in.read_end, 0);
    dup2(out.write_end, 1);
    dup2(err.write_end, 2);
    become(argv, env);
  }
  close(in.read_end);
  close(out.write_end);
  close(err.write_end);
  ChildResult result;
  exchange(in.write_end, out.read_end, err.read_end, stdin_text, result);
  int status = 0;
  waitpid(pid, &status, 0);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return result;
}

}  // namespace tests
