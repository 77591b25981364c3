// Which BPF programs are attached where a SYN passes?
#include "host/bpf_programs.hpp"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "host/descriptor.hpp"

namespace synwhy::host {

namespace {

constexpr std::uint32_t kMaxAttached = 64;  ///< BPF_CGROUP_MAX_PROGS and BPF_MPROG_MAX of the kernel

long call(bpf_cmd command, bpf_attr& attributes) { return ::syscall(SYS_bpf, command, &attributes, sizeof attributes); }

bpf_attr no_attributes() {
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);  // the kernel refuses stray bits, also in padding
    return attributes;
}

}  // namespace

std::vector<std::uint32_t> attached_programs(int target, std::uint32_t attach_type, bool inherited) {
    std::vector<std::uint32_t> ids(kMaxAttached);
    auto attributes = no_attributes();
    attributes.query.target_fd = static_cast<std::uint32_t>(target);
    attributes.query.attach_type = attach_type;
    attributes.query.query_flags = inherited ? BPF_F_QUERY_EFFECTIVE : 0;
    attributes.query.prog_ids = reinterpret_cast<std::uintptr_t>(ids.data());
    attributes.query.prog_cnt = kMaxAttached;
    if (call(BPF_PROG_QUERY, attributes) != 0) return {};
    ids.resize(std::min(attributes.query.prog_cnt, kMaxAttached));
    return ids;
}

std::optional<BpfProgram> describe_program(std::uint32_t id) {
    auto by_id = no_attributes();
    by_id.prog_id = id;
    const Descriptor program(static_cast<int>(call(BPF_PROG_GET_FD_BY_ID, by_id)));
    if (!program) return std::nullopt;
    bpf_prog_info info;
    std::memset(&info, 0, sizeof info);
    auto ask = no_attributes();
    ask.info.bpf_fd = static_cast<std::uint32_t>(program.get());
    ask.info.info_len = sizeof info;
    ask.info.info = reinterpret_cast<std::uintptr_t>(&info);
    if (call(BPF_OBJ_GET_INFO_BY_FD, ask) != 0) return std::nullopt;
    return BpfProgram{id, info.type, std::string(info.name, ::strnlen(info.name, sizeof info.name))};
}

std::vector<BpfProgram> loaded_lsm_programs() {
    std::vector<BpfProgram> programs;
    std::uint32_t id = 0;
    for (std::size_t seen = 0; seen < kMaxBpfPrograms; ++seen) {
        auto next = no_attributes();
        next.start_id = id;
        if (call(BPF_PROG_GET_NEXT_ID, next) != 0) break;
        id = next.next_id;
        auto program = describe_program(id);
        if (program && program->type == BPF_PROG_TYPE_LSM) programs.push_back(std::move(*program));
    }
    return programs;
}

}  // namespace synwhy::host
