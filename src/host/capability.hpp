// May the reader do this?
#pragma once

namespace synwhy::host {

/// The calling thread has it in its effective set. @param number CAP_NET_ADMIN, ... of linux/capability.h
bool has_capability(unsigned number);

}  // namespace synwhy::host
