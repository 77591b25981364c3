#include "emit/sim_html.hpp"
#include "emit/sim_text.hpp"
namespace synwhy::emit {
std::string sim_html(const sim::Result& result) { return sim_verdict(result); }
}  // namespace synwhy::emit
