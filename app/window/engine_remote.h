// An engine elsewhere: a child process that speaks `decodescope serve --stdio`, usually through ssh. What it sends is
// read and parsed on a thread of the link's own; the window only swaps a mailbox. A link that drops says so once, as
// a Failed reply and an idle State, and is set up anew by itself, later and later, until it is destroyed.
#pragma once
#include <memory>
#include <string>

#include "app/window/links.h"

namespace app {

// `command` is run by /bin/sh; `label` is how the window calls the other side.
std::unique_ptr<EngineLink> remote_engine(std::string command, std::string label, std::string version);

// "HOST" -> the ssh command line for it; anything with a space or a slash is a command line already.
std::string serve_command(const std::string& host_or_command);

}  // namespace app
