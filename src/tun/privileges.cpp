#include "tun/privileges.hpp"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace synwhy::tun {

bool drop_privileges() {
    bool dropped = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
        (void)::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);  // needs CAP_SETPCAP; without it there is little to lose
    }
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    dropped = ::syscall(SYS_capset, &header, none.data()) == 0 && dropped;
    return dropped;
}

}  // namespace synwhy::tun
