// What may the process still do once everything is open?
#pragma once

namespace synwhy::tun {

/// Gives up all capabilities for good, here and for what this process might execute. The user id stays, so that files
/// of its own can still be removed. @return false when the kernel refused; nothing depends on it
bool drop_privileges();

}  // namespace synwhy::tun
