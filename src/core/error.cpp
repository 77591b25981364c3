// One line for an Error: where, what, remedy, in the order a reader asks for them.
#include "core/error.hpp"

namespace synwhy::core {

std::string to_string(const Error& error) {
    std::string text;
    if (!error.where.empty()) {
        text += error.where;
        text += ": ";
    }
    text += error.what;
    if (!error.remedy.empty()) {
        text += " (";
        text += error.remedy;
        text += ')';
    }
    return text;
}

}  // namespace synwhy::core
