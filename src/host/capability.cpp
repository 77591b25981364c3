// May the reader do this?
#include "host/capability.hpp"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace synwhy::host {

bool has_capability(unsigned number) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
    if (::syscall(SYS_capget, &header, sets.data()) != 0 || number >= 32 * sets.size()) return false;
    return (sets[number / 32].effective >> (number % 32) & 1U) != 0;
}

}  // namespace synwhy::host
