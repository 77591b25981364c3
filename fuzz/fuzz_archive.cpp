// Can a hostile tarball hurt us?
//
// The input is the tarball, packed or not; what it holds is read as a bundle.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "host/archive.hpp"
#include "host/bundle.hpp"
#include "host/bundle_names.hpp"
#include "host/netstat_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto archive = synwhy::host::read_archive({data, size}, "fuzz.tar", synwhy::host::is_bundle_path_anywhere);
    if (!archive) return 0;
    if (archive->complaints.size() > synwhy::host::kMaxComplaints) std::abort();
    for (const auto& [path, text] : archive->files) {
        if (path.starts_with('/') || path.find("../") != std::string::npos) std::abort();
    }
    synwhy::host::BundleFiles files{"fuzz.tar:", std::move(archive->files), std::move(archive->complaints)};
    synwhy::host::enter_top_folder(files);
    if (const auto states = synwhy::host::bundle_states_of(files, "fuzz.tar")) {
        if (states->complaints.size() > synwhy::host::kMaxComplaints) std::abort();
    }
    return 0;
}
